"""Writes cases.json: values of elementwise functions for tests/golden/elementwise.test.ts.

Finite values come from mpmath with 60 digits, rounded once to float64; infinities, NaN and signed zeros from NumPy
(functions that NumPy lacks: from their limits, written below). All inputs are float32 values, so that the same cases
serve float32 and float64.

    pip install numpy mpmath && python generate.py
"""
import json
import math
import random
import numpy as np
from mpmath import mp, mpf

mp.dps = 60
random.seed(20261123)
np.seterr(all="ignore")
inf, nan = math.inf, math.nan
SPECIAL = [nan, inf, -inf, 0.0, -0.0]


def f32(x):
    return float(np.float32(x))


def spread(low, high, count, magnitudes=()):
    """Evenly spread values of an interval, and some of each magnitude of both signs inside it."""
    values = [f32(random.uniform(low, high)) for _ in range(count)]
    for exponent in magnitudes:
        for sign in (1, -1):
            values.append(f32(sign * 2.0**exponent * random.uniform(1, 2)))
    return sorted({v for v in values if low <= v <= high})


TINY = (-140, -100, -60, -40, -25, -12, -6, -3)
HUGE = (3, 8, 15, 22, 30, 60, 100, 126)
phi = lambda x: mp.erfc(-x / mp.sqrt(2)) / 2
tanh_gelu = lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(mpf(2) / mp.pi) * (x + mpf("0.044715") * x**3)))

# name: (exact function, where, count, magnitudes, function of special values)
UNARY = {
    "neg": (lambda x: -x, (-1e30, 1e30), 4, TINY + HUGE, np.negative),
    "abs": (abs, (-1e30, 1e30), 4, TINY + HUGE, np.abs),
    "square": (lambda x: x * x, (-1e15, 1e15), 4, TINY + HUGE, np.square),
    "sqrt": (mp.sqrt, (0, 1e30), 10, TINY + HUGE, np.sqrt),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), (1e-30, 1e30), 10, TINY + HUGE, lambda x: np.float64(1) / np.sqrt(x)),
    "reciprocal": (lambda x: 1 / x, (-1e30, 1e30), 10, TINY + HUGE, np.reciprocal),
    "exp": (mp.exp, (-87, 88), 40, TINY, np.exp),
    "expm1": (mp.expm1, (-30, 88), 40, TINY, np.expm1),
    "log": (mp.log, (1e-38, 1e30), 10, TINY + HUGE, np.log),
    "log2": (lambda x: mp.log(x, 2), (1e-38, 1e30), 10, TINY + HUGE, np.log2),
    "log10": (lambda x: mp.log(x, 10), (1e-38, 1e30), 10, TINY + HUGE, np.log10),
    "log1p": (mp.log1p, (-0.99, 1e30), 10, TINY + HUGE, np.log1p),
    "sin": (mp.sin, (-100, 100), 40, TINY, np.sin),
    "cos": (mp.cos, (-100, 100), 40, TINY, np.cos),
    "tan": (mp.tan, (-100, 100), 40, TINY, np.tan),
    "asin": (mp.asin, (-1, 1), 40, TINY, np.arcsin),
    "acos": (mp.acos, (-1, 1), 40, TINY, np.arccos),
    "atan": (mp.atan, (-1e30, 1e30), 4, TINY + HUGE, np.arctan),
    "tanh": (mp.tanh, (-30, 30), 40, TINY, np.tanh),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), (-87, 40), 60, TINY, [(nan, nan), (inf, 1.0), (-inf, 0.0), (0.0, 0.5)]),
    "erf": (mp.erf, (-7, 7), 80, TINY, [(nan, nan), (inf, 1.0), (-inf, -1.0), (0.0, 0.0), (-0.0, -0.0)]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), (-87, 90), 60, TINY, [(nan, nan), (inf, inf), (-inf, 0.0), (0.0, math.log(2))]),
    "gelu": (lambda x: x * phi(x), (-12, 12), 100, TINY, [(nan, nan), (inf, inf), (0.0, 0.0), (-0.0, -0.0)]),
    "geluTanh": (tanh_gelu, (-6, 12), 100, TINY, [(nan, nan), (inf, inf), (0.0, 0.0), (-0.0, -0.0)]),
    "silu": (lambda x: x / (1 + mp.exp(-x)), (-80, 80), 60, TINY, [(nan, nan), (inf, inf), (0.0, 0.0), (-0.0, -0.0)]),
    "relu": (lambda x: max(x, 0), (-9, 9), 10, (), [(nan, nan), (inf, inf), (-inf, 0.0), (0.0, 0.0)]),
    "floor": (mp.floor, (-9, 9), 10, TINY + HUGE, np.floor),
    "ceil": (mp.ceil, (-9, 9), 10, TINY + HUGE, np.ceil),
    "round": (mp.nint, (-9, 9), 10, TINY + HUGE, np.rint),
    "trunc": (lambda x: mp.floor(x) if x > 0 else mp.ceil(x), (-9, 9), 10, TINY + HUGE, np.trunc),
    "sign": (mp.sign, (-9, 9), 4, TINY + HUGE, [(nan, nan), (inf, 1.0), (-inf, -1.0), (0.0, 0.0)]),
}
ROUNDING = [k + s for k in (0.0, 1.0, 2.0, 3.0, 8388607.0, 4194303.0) for s in (0.5, -0.5)] + [f32(0.49999997), f32(0.50000006), -0.3, 0.3, 1e20]


def number(x):
    """JSON has no NaN, infinities; -0.0 survives as a number, but not JSON.stringify, so all are strings."""
    x = float(x)
    return x if math.isfinite(x) and not (x == 0 and math.copysign(1, x) < 0) else str(x)


def unary(name):
    exact, (low, high), count, magnitudes, special = UNARY[name]
    rows = []
    finite = spread(low, high, count, magnitudes)
    if name in ("floor", "ceil", "round", "trunc"):
        finite += sorted({f32(s * v) for v in ROUNDING for s in (1, -1)} - {0.0})
    for x in finite:
        y = float(exact(mpf(x)))
        # mpmath has no -0.
        if y == 0 and x < 0 and name in ("ceil", "round", "trunc"):
            y = -0.0
        rows.append((x, y))
    for x in SPECIAL:
        if isinstance(special, list):
            found = [y for k, y in special if str(k) == str(x)]
            rows += [(x, y) for y in found]
        else:
            rows.append((x, float(special(np.float64(x)))))
    return [[number(x), number(y)] for x, y in rows]


def pairs(name):
    small = [f32(v) for v in (-7.25, -3, -2.5, -1, -0.5, 0.25, 1, 1.5, 2, 3, 7.75)] + [f32(random.uniform(-9, 9)) for _ in range(3)]
    return [(a, b) for a in small for b in small if not (name == "pow" and a < 0 and b != int(b))]


def power(a, b):
    return mp.power(mpf(a), int(b) if b == int(b) else mpf(b))


def c_power(a, b):
    """C's pow, which NumPy's vector code leaves at (-inf)^(1/2); math.pow raises where C gives an infinity or NaN."""
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return np.power(a, b)


BINARY = {
    "add": (lambda a, b: mpf(a) + mpf(b), np.add),
    "sub": (lambda a, b: mpf(a) - mpf(b), np.subtract),
    "mul": (lambda a, b: mpf(a) * mpf(b), np.multiply),
    "div": (lambda a, b: mpf(a) / mpf(b), np.divide),
    "floorDivide": (None, np.floor_divide),
    "mod": (None, np.remainder),
    "pow": (power, c_power),
    "atan2": (lambda a, b: mp.atan2(mpf(a), mpf(b)), np.arctan2),
    "minimum": (None, np.minimum),
    "maximum": (None, np.maximum),
}


def binary(name):
    exact, numpy = BINARY[name]
    rows = []
    for a, b in pairs(name) if exact else pairs(name)[::3]:
        rows.append((a, b, float(exact(a, b)) if exact else float(numpy(np.float64(a), np.float64(b)))))
    for a in SPECIAL + [1.0, -1.0, 2.0, -2.0, 0.5, -2.5]:
        for b in SPECIAL + [1.0, -1.0, 2.0, -2.0, 0.5, -3.0]:
            if name in ("minimum", "maximum") and a == 0 and b == 0:
                continue  # NumPy leaves the sign open.
            y = float(numpy(np.float64(a), np.float64(b)))
            if name == "floorDivide" and b != 0 and math.isinf(b) and math.isfinite(a):
                y = a // b  # Python's, where NumPy's version decides.
            rows.append((a, b, y))
    return [[number(v) for v in row] for row in rows]


with open("cases.json", "w") as file:
    cases = {"unary": {name: unary(name) for name in UNARY}, "binary": {name: binary(name) for name in BINARY}}
    lines = [f'"{kind}": {{\n' + ",\n".join(f'"{name}": {json.dumps(rows)}' for name, rows in group.items()) + "\n}" for kind, group in cases.items()]
    file.write("{\n" + ",\n".join(lines) + "\n}\n")
