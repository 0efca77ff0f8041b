import type { TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { BinaryName, UnaryName } from '../contract.ts';
import { forEachRow, nest } from './iterate.ts';
import { erf, gelu, geluTanh, pow, remainder, roundHalfEven, sigmoid, softplus } from './math.ts';

/** n values of x from ix in steps of sx, written to y from iy in steps of sy. */
type UnaryRow = (n: number, x: TypedArray, ix: number, sx: number, y: TypedArray, iy: number, sy: number) => void;

/** n values of a and b, written to y. */
type BinaryRow = (
  n: number, a: TypedArray, ia: number, sa: number, b: TypedArray, ib: number, sb: number, y: TypedArray, iy: number, sy: number,
) => void;

// One loop a function, written out: a shared loop that calls the function would be several times slower.
const unaryRows: Record<UnaryName, UnaryRow> = {
  neg: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = -x[ix]; },
  abs: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.abs(x[ix]); },
  sign: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.sign(x[ix]); },
  square: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v * v; } },
  sqrt: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.sqrt(x[ix]); },
  rsqrt: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = 1 / Math.sqrt(x[ix]); },
  reciprocal: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = 1 / x[ix]; },
  exp: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.exp(x[ix]); },
  expm1: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.expm1(x[ix]); },
  log: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.log(x[ix]); },
  log1p: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.log1p(x[ix]); },
  sin: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.sin(x[ix]); },
  cos: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.cos(x[ix]); },
  tanh: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.tanh(x[ix]); },
  sigmoid: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = sigmoid(x[ix]); },
  erf: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = erf(x[ix]); },
  softplus: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = softplus(x[ix]); },
  relu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v <= 0 ? 0 : v; } },
  gelu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = gelu(x[ix]); },
  geluTanh: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = geluTanh(x[ix]); },
  silu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix] * sigmoid(x[ix]); },
  floor: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.floor(x[ix]); },
  ceil: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.ceil(x[ix]); },
  round: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = roundHalfEven(x[ix]); },
  isNaN: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v !== v ? 1 : 0; } },
  isFinite: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v - v === 0 ? 1 : 0; } },
  logicalNot: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix] === 0 ? 1 : 0; },
};

const binaryRows: Record<BinaryName, BinaryRow> = {
  add: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] + b[ib]; },
  sub: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] - b[ib]; },
  mul: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] * b[ib]; },
  div: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] / b[ib]; },
  pow: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = pow(a[ia], b[ib]); },
  mod: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = remainder(a[ia], b[ib]); },
  minimum: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = Math.min(a[ia], b[ib]); },
  maximum: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = Math.max(a[ia], b[ib]); },
  eq: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] === b[ib] ? 1 : 0; },
  ne: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] !== b[ib] ? 1 : 0; },
  lt: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] < b[ib] ? 1 : 0; },
  le: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] <= b[ib] ? 1 : 0; },
  gt: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] > b[ib] ? 1 : 0; },
  ge: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] >= b[ib] ? 1 : 0; },
  logicalAnd: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] !== 0 && b[ib] !== 0 ? 1 : 0; },
  logicalOr: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = a[ia] !== 0 || b[ib] !== 0 ? 1 : 0; },
  logicalXor: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = (a[ia] !== 0) !== (b[ib] !== 0) ? 1 : 0; },
};

// int32 products need all 32 low bits, which a float64 product of two int32 values does not keep; powers likewise.
const int32Rows: Partial<Record<BinaryName, BinaryRow>> = {
  mul: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = Math.imul(a[ia], b[ib]); },
};
const integerRows: Partial<Record<BinaryName, BinaryRow>> = {
  pow: (n, a, ia, sa, b, ib, sb, y, iy, sy) => {
    for (; n > 0; n--, ia += sa, ib += sb, iy += sy) {
      let result = 1;
      let base = a[ia];
      for (let exponent = b[ib]; exponent > 0; exponent >>>= 1) {
        if (exponent & 1) result = Math.imul(result, base);
        base = Math.imul(base, base);
      }
      y[iy] = result;
    }
  },
};

const copyRow: UnaryRow = (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix]; };
const toBoolRow: UnaryRow = (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix] !== 0 ? 1 : 0; };
const accumulateRow: UnaryRow = (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] += x[ix]; };

function runUnary(row: UnaryRow, x: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const source = x.storage.data;
  const target = out.storage.data;
  const [sy, sx] = [strides[0][last], strides[1][last]];
  forEachRow(loops, strides, ([iy, ix]) => row(n, source, ix, sx, target, iy, sy));
}

export function unary(name: UnaryName, x: View, out: View): void {
  runUnary(unaryRows[name], x, out);
}

export function copy(x: View, out: View): void {
  const dense = x.storage.dtype === out.storage.dtype;
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  if (dense && loops.shape.length === 1 && loops.strides[0][0] === 1 && loops.strides[1][0] === 1) {
    const [to, from] = loops.offsets;
    out.storage.data.set(x.storage.data.subarray(from, from + loops.shape[0]), to);
    return;
  }
  runUnary(out.storage.dtype === 'bool' && !dense ? toBoolRow : copyRow, x, out);
}

export function accumulate(x: View, out: View): void {
  runUnary(accumulateRow, x, out);
}

export function fill(out: View, value: number): void {
  const loops = nest(out.layout.shape, [out.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const n = shape[shape.length - 1];
  const step = strides[0][shape.length - 1];
  const data = out.storage.data;
  forEachRow(loops, strides, ([start]) => {
    if (step === 1) data.fill(value, start, start + n);
    else for (let i = 0, at = start; i < n; i++, at += step) data[at] = value;
  });
}

export function binary(name: BinaryName, a: View, b: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, a.layout, b.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [x, y, z] = [a.storage.data, b.storage.data, out.storage.data];
  const [so, sa, sb] = [strides[0][last], strides[1][last], strides[2][last]];
  const dtype = a.storage.dtype;
  const integer = dtype === 'float32' || dtype === 'float64' ? undefined : ((dtype === 'int32' ? int32Rows[name] : undefined) ?? integerRows[name]);
  const row = integer ?? binaryRows[name];
  forEachRow(loops, strides, ([io, ia, ib]) => row(n, x, ia, sa, y, ib, sb, z, io, so));
}

export function where(condition: View, a: View, b: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, condition.layout, a.layout, b.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [c, x, y, z] = [condition.storage.data, a.storage.data, b.storage.data, out.storage.data];
  const [so, sc, sa, sb] = strides.map((s) => s[last]);
  forEachRow(loops, strides, ([io, ic, ia, ib]) => {
    for (let i = 0; i < n; i++, io += so, ic += sc, ia += sa, ib += sb) z[io] = c[ic] !== 0 ? x[ia] : y[ib];
  });
}
