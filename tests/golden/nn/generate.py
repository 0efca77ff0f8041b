"""Writes cases.json: PyTorch's layers, losses and optimisers for tests/golden/nn.test.ts.

Layers and losses are computed in float64, values and the gradients of all parameters and inputs; optimisers make ten
steps in float32. Rotary positions and relative buckets are those of Hugging Face's transformers. Google's BERT form of
AdamW, which torch lacks, is its formula (optimization.py of google-research/bert) in float64.

    pip install torch==2.13.0 transformers==5.18.0 && python generate.py
"""
import json
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as rotate_pairs
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as rotate_halves
from transformers.models.t5.modeling_t5 import T5Attention

torch.manual_seed(20261123)
cases = []


def rand(*shape):
    return torch.round(torch.randn(shape, dtype=torch.float64) * 64) / 64


def plain(values):
    """Numbers as JSON has them; infinities by name."""
    if isinstance(values, list):
        return [plain(v) for v in values]
    if isinstance(values, float) and not math.isfinite(values):
        return "nan" if math.isnan(values) else ("inf" if values > 0 else "-inf")
    return values


def dump(x):
    dtype = {torch.float64: "float64", torch.float32: "float32", torch.int64: "int32", torch.bool: "bool"}[x.dtype]
    return {"dtype": dtype, "shape": list(x.shape), "values": plain(x.flatten().tolist())}


def own_names(tensors):
    """torch's names as ours; an attention's joint projection is three here."""
    out = {}
    for name, value in tensors.items():
        name = name.replace("self_attn.", "selfAttention.").replace("multihead_attn.", "crossAttention.").replace("out_proj.", "output.")
        if "in_proj_" in name:
            for part, chunk in zip(("query", "key", "value"), value.chunk(3)):
                out[name.replace("in_proj_", part + ".")] = chunk
        else:
            for letter, part in (("q", "query"), ("k", "key"), ("v", "value")):
                name = name.replace(letter + "_proj_weight", part + ".weight")
            out[name] = value
    return out


def layer(kind, arguments, module, inputs, run=None, call=None, titled=""):
    """`arguments` are those of our constructor, `call` our options of forward; `run` calls torch's module."""
    module = module.double().train()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(rand(*p.shape) / 2)
    named = dict(module.named_parameters())
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    outputs = (run or (lambda m, *xs: m(*xs)))(module, *leaves)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    upstream = [rand(*o.shape) for o in outputs]
    floats = [x for x in leaves if x.is_floating_point()]
    found = torch.autograd.grad(outputs, list(named.values()) + floats, upstream)
    cases.append({
        "kind": kind, "arguments": arguments, "call": {k: dump(v) if torch.is_tensor(v) else v for k, v in (call or {}).items()},
        "titled": titled, "state": {k: dump(v.detach()) for k, v in own_names(named).items()},
        "inputs": [dump(x) for x in inputs], "outputs": [dump(o.detach()) for o in outputs], "upstream": [dump(u) for u in upstream],
        "parameterGradients": {k: dump(v) for k, v in own_names(dict(zip(named, found))).items()},
        "inputGradients": [dump(g) for g in found[len(named):]],
    })


class Deviation(nn.Module):
    """codertimo/BERT-pytorch, model/utils/layer_norm.py, under our names."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return self.weight * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + self.bias


x = rand(2, 3, 4)
layer("Linear", [4, 5], nn.Linear(4, 5), [x])
layer("Linear", [4, 5, {"bias": False}], nn.Linear(4, 5, bias=False), [x])
layer("Embedding", [6, 4], nn.Embedding(6, 4), [torch.tensor([[1, 0, 5], [1, 3, 1]])])
layer("Embedding", [6, 4, {"paddingIndex": 1}], nn.Embedding(6, 4, padding_idx=1), [torch.tensor([[1, 0, 5], [1, 3, 1]])])
layer("LayerNorm", [4], nn.LayerNorm(4), [x])
layer("LayerNorm", [4, {"epsilon": 1e-3, "bias": False}], nn.LayerNorm(4, eps=1e-3, bias=False), [x])
layer("LayerNorm", [4, {"form": "deviation", "epsilon": 1e-6}], Deviation(4), [x])
layer("RMSNorm", [4], nn.RMSNorm(4), [x])
layer("RMSNorm", [4, {"epsilon": 1e-2}], nn.RMSNorm(4, eps=1e-2), [x])
for kind, module in (("ReLU", nn.ReLU()), ("SiLU", nn.SiLU()), ("Tanh", nn.Tanh()), ("Sigmoid", nn.Sigmoid()), ("Softplus", nn.Softplus()), ("GELU", nn.GELU())):
    layer(kind, [], module, [3 * rand(7) + 1 / 128])
layer("GELU", [{"approximate": "tanh"}], nn.GELU("tanh"), [3 * rand(7)])
layer("Softmax", [1], nn.Softmax(1), [x])
layer("LogSoftmax", [], nn.LogSoftmax(-1), [x])
layer("Sequential", [], nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 2)), [x])

# Attention: torch's masks are True where a key is hidden, ours where it is seen; padding is True in both.
memory = rand(2, 5, 4)
padding = torch.tensor([[False, False, True], [False, True, False]])
long_padding = torch.tensor([[False, False, True, False, True], [False] * 5])
seen = torch.tensor([[True, False, True], [True, True, False], [False, True, True]])
added = rand(3, 3)
future = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
mha = lambda **more: nn.MultiheadAttention(4, 2, batch_first=True, **more)
call = lambda m, q, k, v, **more: m(q, k, v, average_attn_weights=False, **more)
layer("MultiHeadAttention", [4, 2], mha(), [x], lambda m, q: call(m, q, q, q), {"needWeights": True})
layer("MultiHeadAttention", [4, 2], mha(), [x], lambda m, q: call(m, q, q, q, need_weights=False)[0])
layer("MultiHeadAttention", [4, 2, {"bias": False}], mha(bias=False), [x], lambda m, q: call(m, q, q, q), {"needWeights": True})
for more, options, title in (
    ({"attn_mask": future}, {"causal": True}, "causal"),
    ({"attn_mask": ~seen}, {"mask": seen}, "bool mask"),
    ({"attn_mask": added}, {"mask": added}, "added mask"),
    ({"key_padding_mask": padding}, {"keyPaddingMask": padding}, "padding"),
    ({"key_padding_mask": padding, "attn_mask": future}, {"keyPaddingMask": padding, "causal": True}, "padding, causal"),
):
    for weights in (True, False):
        run = lambda m, q: call(m, q, q, q, need_weights=weights, **more)[: 2 if weights else 1]
        layer("MultiHeadAttention", [4, 2], mha(), [x], run, {**options, "needWeights": weights}, title)
layer("MultiHeadAttention", [4, 2], mha(), [x, memory], lambda m, q, k: call(m, q, k, k, key_padding_mask=long_padding), {"keyPaddingMask": long_padding, "needWeights": True}, "cross")
layer("MultiHeadAttention", [4, 2, {"keyWidth": 3, "valueWidth": 6}], mha(kdim=3, vdim=6), [x, rand(2, 5, 3), rand(2, 5, 6)], lambda m, q, k, v: call(m, q, k, v), {"needWeights": True}, "cross")


class Grouped(nn.Module):
    """Four heads of queries on two of keys and values, with rotary positions."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups
        self.query, self.key, self.value, self.output = nn.Linear(8, 8), nn.Linear(8, 2 * groups), nn.Linear(8, 2 * groups), nn.Linear(8, 8)

    def forward(self, x, **more):
        split = lambda y, heads: y.unflatten(-1, (heads, 2)).transpose(1, 2)
        q, k, v = split(self.query(x), 4), split(self.key(x), self.groups), split(self.value(x), self.groups)
        return self.output(F.scaled_dot_product_attention(q, k, v, enable_gqa=True, **more).transpose(1, 2).flatten(2))


for groups in (1, 2):
    layer("MultiHeadAttention", [8, 4, {"keyValueHeads": groups}], Grouped(groups), [rand(2, 3, 8)], lambda m, x: m(x, is_causal=True), {"causal": True}, "grouped")

for norm in ("first", "last"):
    for activation in ("relu", "gelu"):
        arguments = [4, 2, {"feedForwardWidth": 6, "dropout": 0, "norm": norm, "activation": activation, "epsilon": 1e-4}]
        torch_options = dict(dim_feedforward=6, dropout=0.0, activation=activation, norm_first=norm == "first", layer_norm_eps=1e-4, batch_first=True)
        layer("TransformerEncoderLayer", arguments, nn.TransformerEncoderLayer(4, 2, **torch_options), [x], lambda m, y: m(y, src_key_padding_mask=padding), {"keyPaddingMask": padding})
        layer(
            "TransformerDecoderLayer", arguments, nn.TransformerDecoderLayer(4, 2, **torch_options), [x, memory],
            lambda m, y, z: m(y, z, tgt_mask=future, memory_key_padding_mask=long_padding), {"crossPadding": long_padding},
        )

# Rotary positions: the angles are float32, as the models have them.
for kind, rotate in (("halves", rotate_halves), ("pairs", rotate_pairs)):
    frequencies = 1.0 / (10000.0 ** (torch.arange(0, 6, 2).float() / 6))
    angles = torch.arange(700, 703).float()[:, None] * frequencies
    if kind == "halves":
        both = torch.cat((angles, angles), -1)
        run = lambda m, y: rotate(y, y, both.cos().double()[None], both.sin().double()[None])[0]
    else:
        # GPT-J has [batch, length, heads, size].
        run = lambda m, y: rotate(y.transpose(1, 2), angles.sin().double()[None], angles.cos().double()[None]).transpose(1, 2)
    layer("RotaryPositions", [6, {"layout": kind}], nn.Identity(), [rand(1, 2, 3, 6)], run, {"start": 700})

distances = torch.arange(-300, 301)
buckets = []
for bidirectional in (True, False):
    for count, furthest in ((32, 128), (8, 20), (64, 256)):
        found = T5Attention._relative_position_bucket(distances, bidirectional, count, furthest)
        buckets.append({"options": {"buckets": count, "maxDistance": furthest, "bidirectional": bidirectional}, "buckets": found.tolist()})

losses = []


def loss(name, fn, inputs, **options):
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = fn(*leaves)
    upstream = rand(*output.shape)
    gradients = torch.autograd.grad(output, leaves, upstream)
    losses.append({
        "name": name, "options": {k: dump(v) if torch.is_tensor(v) else v for k, v in options.items()}, "inputs": [dump(x) for x in inputs],
        "output": dump(output.detach()), "upstream": dump(upstream), "gradients": [dump(g) for g in gradients],
    })


a, b = rand(3, 4), rand(3, 4)
b[0, 0] = a[0, 0]
targets, weight, positive = torch.rand(3, 4, dtype=torch.float64), rand(4).abs(), rand(4).abs()
probabilities = F.softmax(rand(3, 4), -1)
probabilities[1] = torch.tensor([0.0, 1.0, 0.0, 0.0])
for reduction in ("mean", "sum", "none"):
    options = {"reduction": reduction}
    loss("mseLoss", lambda p, t: F.mse_loss(p, t, **options), [a, b], **options)
    loss("l1Loss", lambda p, t: F.l1_loss(p, t, **options), [a, b], **options)
    loss("huberLoss", lambda p, t: F.huber_loss(p, t, delta=0.7, **options), [a, b], delta=0.7, **options)
    loss("binaryCrossEntropyWithLogits", lambda p, t: F.binary_cross_entropy_with_logits(p, t, **options), [40 * a, targets], **options)
    loss("binaryCrossEntropyWithLogits", lambda p, t: F.binary_cross_entropy_with_logits(p, t, weight=weight, pos_weight=positive, **options), [a, targets], weight=weight, positiveWeight=positive, **options)
    loss("klDiv", lambda p, t: F.kl_div(p, t, **options), [F.log_softmax(a, -1), probabilities.clamp(min=1e-3)], **options)
    loss("klDiv", lambda p, t: F.kl_div(p, t, log_target=True, **options), [F.log_softmax(a, -1), F.log_softmax(b, -1)], logTarget=True, **options)
loss("klDiv", lambda p, t: F.kl_div(p, t, reduction="batchmean"), [F.log_softmax(a, -1), F.softmax(b, -1)], reduction="batchMean")
own = torch.arange(3)
cosine = lambda q, k: F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).T
more = rand(5, 4)
for reduction in ("mean", "none"):
    loss("infoNce", lambda q, k: F.cross_entropy(cosine(q, k) / 0.1, own, reduction=reduction), [a, more], temperature=0.1, reduction=reduction)
    loss("infoNce", lambda q, k: (F.cross_entropy(cosine(q, k) / 0.05, own, reduction=reduction) + F.cross_entropy(cosine(k, q) / 0.05, own, reduction=reduction)) / 2, [a, rand(3, 4)], symmetric=True, reduction=reduction)
loss("infoNce", lambda q, k: F.cross_entropy(q @ k.T, own), [a, more], similarity="dot", temperature=1)

trajectories = []


def trajectory(name, settings, make, groups=None):
    """Ten steps of two parameters; with `groups`, the second has settings of its own. The second has no gradient in step 3."""
    start = [rand(5).float(), rand(2, 3).float()]
    gradients = [[rand(5).float() * 10.0 ** (step % 3 - 1), None if step == 2 else rand(2, 3).float()] for step in range(10)]
    parameters = [p.clone() for p in start]
    step_all = make(parameters)
    after = []
    for row in gradients:
        step_all(row)
        after.append([dump(p.detach().clone().double()) for p in parameters])
    trajectories.append({
        "name": name, "settings": settings, "groups": groups, "start": [dump(p) for p in start],
        "gradients": [[None if g is None else dump(g) for g in row] for row in gradients], "after": after,
    })


def of_torch(make):
    def start(parameters):
        for p in parameters:
            p.requires_grad_()
        optimizer = make(parameters)

        def step_all(row):
            for p, g in zip(parameters, row):
                p.grad = None if g is None else g.clone()
            optimizer.step()

        return step_all

    return start


def google(lr, betas, eps, decay):
    def start(parameters):
        for i, p in enumerate(parameters):
            parameters[i] = p.double()
        moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]

        def step_all(row):
            for p, g, (m, v) in zip(parameters, row, moments):
                if g is None:
                    continue
                m.mul_(betas[0]).add_((1 - betas[0]) * g.double())
                v.mul_(betas[1]).add_((1 - betas[1]) * g.double() ** 2)
                p.sub_(lr * (m / (v.sqrt() + eps) + decay * p))

        return step_all

    return start


O = torch.optim
trajectory("SGD", {"lr": 0.1}, of_torch(lambda ps: O.SGD(ps, lr=0.1)))
trajectory("SGD", {"lr": 0.1, "weightDecay": 0.2}, of_torch(lambda ps: O.SGD(ps, lr=0.1, weight_decay=0.2)))
trajectory("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}, of_torch(lambda ps: O.SGD(ps, lr=0.1, momentum=0.9, dampening=0.3)))
trajectory("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weightDecay": 0.1}, of_torch(lambda ps: O.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1)))
trajectory("Adam", {"lr": 0.05}, of_torch(lambda ps: O.Adam(ps, lr=0.05)))
trajectory("Adam", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weightDecay": 0.1}, of_torch(lambda ps: O.Adam(ps, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)))
trajectory("AdamW", {"lr": 0.05}, of_torch(lambda ps: O.AdamW(ps, lr=0.05)))
trajectory("AdamW", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-3, "weightDecay": 0.3}, of_torch(lambda ps: O.AdamW(ps, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3)))
trajectory("AdamW", {"lr": 0.05, "weightDecay": 0.3}, of_torch(lambda ps: O.AdamW([{"params": [ps[0]]}, {"params": [ps[1]], "weight_decay": 0.0, "lr": 0.01}], lr=0.05, weight_decay=0.3)), [{}, {"weightDecay": 0, "lr": 0.01}])
trajectory("AdamW", {"lr": 0.05, "eps": 1e-6, "weightDecay": 0.01, "biasCorrection": False}, google(0.05, (0.9, 0.999), 1e-6, 0.01))

gains = {name: nn.init.calculate_gain(torch_name) for name, torch_name in (("linear", "linear"), ("sigmoid", "sigmoid"), ("tanh", "tanh"), ("relu", "relu"), ("leakyRelu", "leaky_relu"), ("selu", "selu"))}
with open("cases.json", "w") as file:
    list_of = lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    file.write("{\n" + f'"torch": "{torch.__version__.split("+")[0]}",\n"gains": {json.dumps(gains)},\n')
    file.write(f'"layers": {list_of(cases)},\n"buckets": {list_of(buckets)},\n"losses": {list_of(losses)},\n"trajectories": {list_of(trajectories)}\n' + "}\n")
