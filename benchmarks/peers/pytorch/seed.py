"""The seed's model, the pre-norm BERT of codertimo/BERT-pytorch, as one writes it for speed: fused attention, PyTorch's own
layer norm, one product for Q, K and V, the vocabulary at masked positions only, the fused AdamW."""
import json, math, struct

import torch
import torch.nn.functional as F


def load(file):
    """The tensors of float32 in a safetensors file."""
    with open(file, 'rb') as stream:
        header = json.loads(stream.read(struct.unpack('<Q', stream.read(8))[0]))
        data = bytearray(stream.read())
    header.pop('__metadata__', None)
    view = lambda entry: torch.frombuffer(data, dtype=torch.float32)[entry['data_offsets'][0] // 4:entry['data_offsets'][1] // 4].reshape(entry['shape']).clone()
    return {name: view(entry) for name, entry in header.items() if entry['dtype'] == 'F32'}


class Seed:
    def __init__(self, weights, layers, heads, dropout):
        self.layers, self.heads, self.p = layers, heads, dropout
        take = lambda name: weights[name].clone()
        self.position = take('bert.embedding.position.pe').reshape(-1, take('bert.embedding.token.weight').shape[1])
        self.w = {name: take(name) for name in weights if not name.endswith('.pe') and 'linear_layers' not in name}
        for i in range(layers):
            at = f'bert.transformer_blocks.{i}.attention.linear_layers'
            for kind in ('weight', 'bias'):
                self.w[f'{i}.qkv.{kind}'] = torch.cat([take(f'{at}.{j}.{kind}') for j in range(3)])
        for parameter in self.w.values():
            parameter.requires_grad_(True)

    def drop(self, x):
        return F.dropout(x, self.p) if self.p > 0 else x

    def norm(self, x, name):
        # It divides by the unbiased deviation.
        n = x.shape[-1]
        return F.layer_norm(x, (n,), self.w[f'{name}.norm.a_2'] * math.sqrt((n - 1) / n), self.w[f'{name}.norm.b_2'], 1e-12)

    def linear(self, x, name):
        return F.linear(x, self.w[f'{name}.weight'], self.w[f'{name}.bias'])

    def losses(self, ids, segments, positions, labels, is_next):
        B, S = ids.shape
        x = F.embedding(ids, self.w['bert.embedding.token.weight'], padding_idx=0) + self.position[:S] + F.embedding(segments, self.w['bert.embedding.segment.weight'], padding_idx=0)
        x = self.drop(x)
        mask = (ids != 0)[:, None, None, :]
        for i in range(self.layers):
            at = f'bert.transformer_blocks.{i}'
            q, k, v = self.linear(self.norm(x, f'{at}.input_sublayer'), f'{i}.qkv').view(B, S, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.p)
            x = x + self.drop(self.linear(y.transpose(1, 2).reshape(B, S, -1), f'{at}.attention.output_linear'))
            y = self.drop(F.gelu(self.linear(self.norm(x, f'{at}.output_sublayer'), f'{at}.feed_forward.w_1'), approximate='tanh'))
            x = self.drop(x + self.drop(self.linear(y, f'{at}.feed_forward.w_2')))
        next_sentence = F.cross_entropy(self.linear(x[:, 0], 'next_sentence.linear'), is_next)
        masked = F.cross_entropy(self.linear(x.reshape(B * S, -1)[positions], 'mask_lm.linear'), labels)
        return masked + next_sentence


class TrainStep:
    def __init__(self, problem):
        self.problem = problem
        self.weights = load(problem['weights'])
        whole = lambda name: torch.tensor(problem[name], dtype=torch.long)
        shape = (problem['batch'], problem['length'])
        self.batch = (whole('inputIds').reshape(shape), whole('segmentLabels').reshape(shape), whole('maskedPositions'), whole('maskedLabels'), whole('isNext'))
        self.step = self.start(problem['dropout'])

    def start(self, dropout):
        """A new model and its step, which gives the loss before it."""
        model = Seed(self.weights, self.problem['layers'], self.problem['heads'], dropout)
        optimizer = torch.optim.AdamW(model.w.values(), lr=self.problem['lr'], betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, fused=True)

        def step():
            optimizer.zero_grad()
            loss = model.losses(*self.batch)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def run(self):
        return self.step()

    def numbers(self):
        step = self.start(0.0)
        return torch.tensor([step() for _ in range(self.problem['steps'])])
