"""BERT's encoder (Devlin et al., arXiv 1810.04805) from a checkpoint of transformers, with nothing but PyTorch: fused attention,
PyTorch's own layer norm, one product for Q, K and V. `python3 bert.py <folder> <file.onnx>` writes it as ONNX."""
import json, pathlib, sys, warnings

import torch
import torch.nn.functional as F

from seed import load


class Bert(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        folder = pathlib.Path(folder)
        config = json.loads((folder / 'config.json').read_text())
        self.layers, self.heads, self.epsilon = config['num_hidden_layers'], config['num_attention_heads'], config['layer_norm_eps']
        self.size = config['hidden_size']
        weights = load(folder / 'model.safetensors')
        for i in range(self.layers):
            at = f'encoder.layer.{i}.attention'
            for kind in ('weight', 'bias'):
                weights[f'{at}.qkv.{kind}'] = torch.cat([weights.pop(f'{at}.self.{part}.{kind}') for part in ('query', 'key', 'value')])
        for name, tensor in weights.items():
            # A buffer's name has no dots.
            if not name.startswith('pooler'):
                self.register_buffer(name.replace('.', '_'), tensor)

    def linear(self, x, name):
        return F.linear(x, self.get_buffer(f'{name}_weight'), self.get_buffer(f'{name}_bias'))

    def norm(self, x, name):
        return F.layer_norm(x, (self.size,), self.get_buffer(f'{name}_LayerNorm_weight'), self.get_buffer(f'{name}_LayerNorm_bias'), self.epsilon)

    def forward(self, input_ids, attention_mask, token_type_ids):
        """Hidden states [B, S, hidden]; attention_mask of 1 and 0, or None where nothing is padded."""
        B, S = input_ids.shape
        table = lambda name: self.get_buffer(f'embeddings_{name}_embeddings_weight')
        x = F.embedding(input_ids, table('word')) + table('position')[:S] + F.embedding(token_type_ids, table('token_type'))
        x = self.norm(x, 'embeddings')
        mask = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        for i in range(self.layers):
            at = f'encoder_layer_{i}'
            q, k, v = [part.view(B, S, self.heads, -1).transpose(1, 2) for part in self.linear(x, f'{at}_attention_qkv').chunk(3, -1)]
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(B, S, -1)
            x = self.norm(self.linear(y, f'{at}_attention_output_dense') + x, f'{at}_attention_output')
            y = F.gelu(self.linear(x, f'{at}_intermediate_dense'))
            x = self.norm(self.linear(y, f'{at}_output_dense') + x, f'{at}_output')
        return x


models = {}


class BertForward:
    """Hidden states of the tokens that are not padding."""
    def __init__(self, problem):
        folder = problem['folder']
        if folder not in models:
            models[folder] = Bert(folder).eval()
        self.model = models[folder]
        whole = lambda name: torch.tensor(problem[name], dtype=torch.long).reshape(problem['rows'], problem['length'])
        self.ids, self.mask = whole('inputIds'), whole('attentionMask')
        self.segments = torch.zeros_like(self.ids)

    @torch.inference_mode()
    def run(self):
        # As transformers does: a mask that hides nothing is none.
        return self.model(self.ids, None if bool(self.mask.all()) else self.mask, self.segments)

    def numbers(self):
        return self.run()[self.mask.bool()]


def export(folder, file):
    names = ['input_ids', 'attention_mask', 'token_type_ids']
    example = torch.ones(2, 8, dtype=torch.long)
    axes = {name: {0: 'batch', 1: 'sequence'} for name in [*names, 'last_hidden_state']}
    warnings.simplefilter('ignore')
    # Of the exporters of 2.13 this one's graphs run a little faster in onnxruntime, and it needs no other package.
    torch.onnx.export(
        Bert(folder).eval(), (example, example.clone(), torch.zeros_like(example)), file, dynamo=False, opset_version=17,
        input_names=names, output_names=['last_hidden_state'], dynamic_axes=axes,
    )


if __name__ == '__main__':
    export(*sys.argv[1:])
