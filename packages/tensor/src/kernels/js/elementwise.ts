import { isFloat, type TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { BinaryName, UnaryName } from '../contract.ts';
import { chunk, loads, newScratch, stores } from './convert.ts';
import { forEachRow, nest } from './iterate.ts';
import { erf, floorDivide, gelu, geluTanh, pow, remainder, roundHalfEven, sigmoid, softplus } from './math.ts';

/**
 * Functions value by value. Floats go straight through a loop a function; integers and bools are converted to float64
 * a chunk at a time and back, so that those loops never meet their arrays: a loop that has met more than four kinds of
 * typed array runs twenty times slower in V8 from then on, for floats too.
 */

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
  log2: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.log2(x[ix]); },
  log10: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.log10(x[ix]); },
  log1p: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.log1p(x[ix]); },
  sin: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.sin(x[ix]); },
  cos: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.cos(x[ix]); },
  tan: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.tan(x[ix]); },
  asin: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.asin(x[ix]); },
  acos: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.acos(x[ix]); },
  atan: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.atan(x[ix]); },
  tanh: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.tanh(x[ix]); },
  sigmoid: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = sigmoid(x[ix]); },
  erf: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = erf(x[ix]); },
  softplus: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = softplus(x[ix]); },
  relu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v <= 0 ? 0 : v; } },
  gelu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = gelu(x[ix]); },
  geluTanh: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = geluTanh(x[ix]); },
  silu: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix] * sigmoid(x[ix]); },
  floor: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.floor(x[ix]); },
  trunc: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.trunc(x[ix]); },
  ceil: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.ceil(x[ix]); },
  round: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = roundHalfEven(x[ix]); },
  isNaN: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v !== v ? 1 : 0; } },
  isInf: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) { const v = x[ix]; y[iy] = v === Infinity || v === -Infinity ? 1 : 0; } },
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
  floorDivide: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = floorDivide(a[ia], b[ib]); },
  atan2: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = Math.atan2(a[ia], b[ib]); },
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

// A product of two int32 values needs all its low 32 bits, which float64 does not keep; narrower ones wrap when stored.
const integerUnaryRows: Partial<Record<UnaryName, UnaryRow>> = {
  square: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = Math.imul(x[ix], x[ix]); },
};
const integerBinaryRows: Partial<Record<BinaryName, BinaryRow>> = {
  mul: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = Math.imul(a[ia], b[ib]); },
  pow: (n, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ia += sa, ib += sb, iy += sy) y[iy] = integerPower(a[ia], b[ib]); },
};

/** The low 32 bits of aᵇ, b ≥ 0, by repeated squaring. */
function integerPower(a: number, b: number): number {
  let result = 1;
  for (let base = a, exponent = b; exponent > 0; exponent >>>= 1) {
    if (exponent & 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

const [scratchA, scratchB] = [newScratch(), newScratch()];

export function unary(name: UnaryName, x: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [source, target] = [x.storage.data, out.storage.data];
  const [sy, sx] = [strides[0][last], strides[1][last]];
  const { dtype } = x.storage;
  if (isFloat(dtype)) {
    const row = unaryRows[name];
    forEachRow(loops, strides, ([iy, ix]) => row(n, source, ix, sx, target, iy, sy));
    return;
  }
  const row = integerUnaryRows[name] ?? unaryRows[name];
  const [load, store] = [loads[dtype], stores[out.storage.dtype]];
  forEachRow(loops, strides, ([iy, ix]) => {
    for (let done = 0; done < n; done += chunk) {
      const count = Math.min(chunk, n - done);
      load(count, source, ix + done * sx, sx, scratchA);
      row(count, scratchA, 0, 1, scratchA, 0, 1);
      store(count, scratchA, target, iy + done * sy, sy);
    }
  });
}

export function binary(name: BinaryName, a: View, b: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, a.layout, b.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [x, y, target] = [a.storage.data, b.storage.data, out.storage.data];
  const [so, sa, sb] = [strides[0][last], strides[1][last], strides[2][last]];
  const { dtype } = a.storage;
  if (isFloat(dtype)) {
    const row = binaryRows[name];
    forEachRow(loops, strides, ([io, ia, ib]) => row(n, x, ia, sa, y, ib, sb, target, io, so));
    return;
  }
  const row = integerBinaryRows[name] ?? binaryRows[name];
  const [load, store] = [loads[dtype], stores[out.storage.dtype]];
  forEachRow(loops, strides, ([io, ia, ib]) => {
    for (let done = 0; done < n; done += chunk) {
      const count = Math.min(chunk, n - done);
      load(count, x, ia + done * sa, sa, scratchA);
      load(count, y, ib + done * sb, sb, scratchB);
      row(count, scratchA, 0, 1, scratchB, 0, 1, scratchA, 0, 1);
      store(count, scratchA, target, io + done * so, so);
    }
  });
}

type WhereRow = (
  n: number, c: TypedArray, ic: number, sc: number, a: TypedArray, ia: number, sa: number, b: TypedArray, ib: number, sb: number, y: TypedArray, iy: number, sy: number,
) => void;

const whereRows: Record<'float' | 'integer', WhereRow> = {
  float: (n, c, ic, sc, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ic += sc, ia += sa, ib += sb, iy += sy) y[iy] = c[ic] !== 0 ? a[ia] : b[ib]; },
  integer: (n, c, ic, sc, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ic += sc, ia += sa, ib += sb, iy += sy) y[iy] = c[ic] !== 0 ? a[ia] : b[ib]; },
};

export function where(condition: View, a: View, b: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, condition.layout, a.layout, b.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [c, x, y, z] = [condition.storage.data, a.storage.data, b.storage.data, out.storage.data];
  const [so, sc, sa, sb] = strides.map((s) => s[last]);
  const row = whereRows[isFloat(out.storage.dtype) ? 'float' : 'integer'];
  forEachRow(loops, strides, ([io, ic, ia, ib]) => row(n, c, ic, sc, x, ia, sa, y, ib, sb, z, io, so));
}
