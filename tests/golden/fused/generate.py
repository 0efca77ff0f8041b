"""Writes cases.json: PyTorch's values and gradients of the fused ops for tests/golden/fused.test.ts, in float64.

Classes stand on the last axis here, on the second in PyTorch: cross entropy takes rows of two axes, where both agree.

    pip install torch==2.13.0 && python generate.py
"""
import json
import math
import torch
import torch.nn.functional as F

torch.manual_seed(20261123)
cases = []


def rand(*shape):
    return torch.round(torch.randn(shape, dtype=torch.float64) * 64) / 64


def plain(values):
    """Numbers as JSON has them; infinities and NaN by name."""
    if isinstance(values, list):
        return [plain(v) for v in values]
    if isinstance(values, float) and not math.isfinite(values):
        return "nan" if math.isnan(values) else ("inf" if values > 0 else "-inf")
    return values


def dump(x):
    dtype = {torch.float64: "float64", torch.int64: "int32", torch.bool: "bool"}[x.dtype]
    return {"dtype": dtype, "shape": list(x.shape), "values": plain(x.flatten().tolist())}


def add(op, fn, inputs, **options):
    """fn computes what the op must; the options are the op's own."""
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    output = fn(*leaves)
    upstream = rand(*output.shape)
    floats = [x for x in leaves if x.is_floating_point()]
    gradients = torch.autograd.grad(output, floats, upstream)
    cases.append({
        "op": op, "options": options, "inputs": [dump(x) for x in inputs], "upstream": dump(upstream),
        "output": dump(output.detach()), "gradients": [dump(g) for g in gradients],
    })


x, w, b = rand(2, 3, 5), rand(5), rand(5)
add("linear", F.linear, [x, rand(4, 5), rand(4)])
add("linear", F.linear, [x, rand(4, 5)])
add("layerNorm", lambda x, w, b: F.layer_norm(x, (5,), w, b, 1e-5), [x, w, b])
add("layerNorm", lambda x, w, b: F.layer_norm(x, (5,), w, b, 1e-3), [x, w, b], epsilon=1e-3)
# codertimo/BERT-pytorch, model/utils/layer_norm.py
add("layerNorm", lambda x, w, b: w * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + b, [x, w, b], form="deviation", epsilon=1e-6)
flat = x.clone()
flat[0, 0] = 1.5
add("layerNorm", lambda x, w, b: w * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + b, [flat, w, b], form="deviation", epsilon=1e-6)
add("rmsNorm", lambda x, w: F.rms_norm(x, (5,), w), [x, w])
add("softmax", lambda x: F.softmax(x, 1), [x], axis=1)
add("logSoftmax", lambda x: F.log_softmax(x, -1), [x], axis=-1)
for name in ("none", "tanh"):
    add("gelu", lambda x: F.gelu(x, approximate=name), [3 * rand(12)], approximate=name)
add("silu", F.silu, [3 * rand(12)])

logits, classes, weight = rand(4, 3), torch.tensor([2, 0, -100, 1]), rand(3).abs() + 0.25
soft = F.softmax(rand(4, 3), -1)
for reduction in ("mean", "sum", "none"):
    for smoothing in (0.0, 0.1):
        for weighted in (None, weight):
            options = {"reduction": reduction, "labelSmoothing": smoothing, **({} if weighted is None else {"weight": dump(weighted)})}
            run = lambda x, t: F.cross_entropy(x, t, weight=weighted, reduction=reduction, label_smoothing=smoothing)
            add("crossEntropy", run, [logits, classes], **options)
            add("crossEntropy", run, [logits, soft], **options)
    add("nllLoss", lambda x, t: F.nll_loss(x, t, weight=weight, reduction=reduction, ignore_index=1), [logits, torch.tensor([2, 0, 1, 1])], reduction=reduction, ignoreIndex=1, weight=dump(weight))
add("crossEntropy", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), [logits, torch.full((4,), -100)], labelSmoothing=0.1)
add("crossEntropy", F.cross_entropy, [logits, torch.full((4,), -100)])

q, k, v = rand(2, 4, 3, 5), rand(2, 4, 6, 5), rand(2, 4, 6, 2)
seen = torch.rand(2, 1, 3, 6) > 0.4
seen[0, 0, 1] = False
add("scaledDotProductAttention", F.scaled_dot_product_attention, [q, k, v])
add("scaledDotProductAttention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3), [q, k, v], causal=True, scale=0.3)
add("scaledDotProductAttention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=seen), [q, k, v], mask=dump(seen))
add("scaledDotProductAttention", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m), [q, k, v, rand(4, 3, 6)])
add("scaledDotProductAttention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), [q, k[:, :2].contiguous(), v[:, :2].contiguous()], groupedHeads=True)

for equation, shapes in [("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("ii->i", [(3, 3)]), ("ij->j", [(2, 3)]), ("i,j->ji", [(2,), (3,)]), ("...ij,kj", [(2, 3, 4), (5, 4)]), ("aab,bc", [(2, 2, 3), (3, 4)]), ("...i->i", [(2, 3)]), ("Ba", [(2, 3)])]:
    add("einsum", lambda *xs: torch.einsum(equation, *xs), [rand(*shape) for shape in shapes], equation=equation)

# Three steps of AdamW: the parameter and both averages after each.
parameter = rand(4).requires_grad_()
optimizer = torch.optim.AdamW([parameter], lr=0.05, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
steps = []
start = dump(parameter.detach().clone())
for _ in range(3):
    parameter.grad = rand(4)
    gradient = dump(parameter.grad)
    optimizer.step()
    state = optimizer.state[parameter]
    steps.append({"gradient": gradient, "parameter": dump(parameter.detach()), "m": dump(state["exp_avg"]), "v": dump(state["exp_avg_sq"])})

with open("cases.json", "w") as file:
    lines = ",\n".join(json.dumps(case, allow_nan=False) for case in cases)
    file.write('{"torch": "%s",\n"cases": [\n%s\n],\n"adamW": %s}\n' % (torch.__version__.split("+")[0], lines, json.dumps({"start": start, "steps": steps})))
