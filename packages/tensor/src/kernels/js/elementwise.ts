import { isFloat, type FloatDType, type TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { ActivationName, BinaryName, UnaryName } from '../contract.ts';
import { chunk, loads, newScratch, stores } from './convert.ts';
import { forEachRow, nest } from './iterate.ts';
import * as float32 from './loops/float32.ts';
import * as float64 from './loops/float64.ts';
import { runBinary, runUnary, withinReach } from './loops/run.ts';
import type { BinaryLoop, UnaryLoop } from './loops/types.ts';

/**
 * Functions value by value. Floats go straight through the loops of their dtype; integers and bools, and arrays too large
 * for those, are converted to float64 a chunk at a time, go through float64's loops, and back.
 */

const loops = { float32, float64 };

const bools: ReadonlySet<string> = new Set<UnaryName | BinaryName>([
  'isNaN', 'isInf', 'isFinite', 'logicalNot', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'logicalAnd', 'logicalOr', 'logicalXor',
]);

// A product of two int32 values needs all its low 32 bits, which float64 does not keep; narrower ones wrap when stored.
const integerUnary: Partial<Record<UnaryName, UnaryLoop['dense']>> = {
  square: (y, x) => { for (let j = 0; j < y.length; j++) y[j] = Math.imul(x[j], x[j]); },
};
const integerBinary: Partial<Record<BinaryName, BinaryLoop['dense']>> = {
  mul: (y, a, b) => { for (let j = 0; j < y.length; j++) y[j] = Math.imul(a[j], b[j]); },
  pow: (y, a, b) => { for (let j = 0; j < y.length; j++) y[j] = integerPower(a[j], b[j]); },
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
const scratchBools = new Uint8Array(chunk);

/** Runs `fn` on the chunks of a row of n values: how many are done, and how many follow. */
function forEachChunk(n: number, fn: (done: number, count: number) => void): void {
  for (let done = 0; done < n; done += chunk) fn(done, Math.min(chunk, n - done));
}

/** Makes what stores a chunk of results, from `scratchA` or for bools from `scratchBools`. */
function storeOf(makesBools: boolean, { storage: { data, dtype } }: View): (count: number, at: number, step: number) => void {
  if (!makesBools) return (count, at, step) => stores[dtype](count, scratchA, data, at, step);
  return (count, at, step) => { for (let j = 0; j < count; j++, at += step) data[at] = scratchBools[j]; };
}

export function unary(name: UnaryName, x: View, out: View): void {
  const { data: source, dtype } = x.storage;
  if (isFloat(dtype) && withinReach(x) && withinReach(out)) {
    runUnary(loops[dtype].unary[name], x, out);
    return;
  }
  const rows = nest(out.layout.shape, [out.layout, x.layout]);
  if (rows === null) return;
  const dense = (isFloat(dtype) ? undefined : integerUnary[name]) ?? float64.unary[name].dense;
  const load = loads[dtype];
  const store = storeOf(bools.has(name), out);
  const results = bools.has(name) ? scratchBools : scratchA;
  const { shape, strides } = rows;
  const last = shape.length - 1;
  const [sy, sx] = [strides[0][last], strides[1][last]];
  forEachRow(rows, strides, ([iy, ix]) => forEachChunk(shape[last], (done, count) => {
    load(count, source, ix + done * sx, sx, scratchA);
    dense(results.subarray(0, count), scratchA);
    store(count, iy + done * sy, sy);
  }));
}

export function binary(name: BinaryName, a: View, b: View, out: View): void {
  const [x, y] = [a.storage.data, b.storage.data];
  const { dtype } = a.storage;
  if (isFloat(dtype) && withinReach(a) && withinReach(b) && withinReach(out)) {
    runBinary(loops[dtype].binary[name], a, b, out);
    return;
  }
  const rows = nest(out.layout.shape, [out.layout, a.layout, b.layout]);
  if (rows === null) return;
  const dense = (isFloat(dtype) ? undefined : integerBinary[name]) ?? float64.binary[name].dense;
  const load = loads[dtype];
  const store = storeOf(bools.has(name), out);
  const results = bools.has(name) ? scratchBools : scratchA;
  const { shape, strides } = rows;
  const last = shape.length - 1;
  const [so, sa, sb] = [strides[0][last], strides[1][last], strides[2][last]];
  forEachRow(rows, strides, ([io, ia, ib]) => forEachChunk(shape[last], (done, count) => {
    load(count, x, ia + done * sa, sa, scratchA);
    load(count, y, ib + done * sb, sb, scratchB);
    dense(results.subarray(0, count), scratchA, scratchB);
    store(count, io + done * so, so);
  }));
}

export function activationBackward(name: ActivationName, value: View, g: View, out: View): void {
  runBinary(loops[value.storage.dtype as FloatDType].activation[name], value, g, out);
}

type WhereRow = (
  n: number, c: TypedArray, ic: number, sc: number, a: TypedArray, ia: number, sa: number, b: TypedArray, ib: number, sb: number, y: TypedArray, iy: number, sy: number,
) => void;

const whereRows = {
  float32: (n, c, ic, sc, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ic += sc, ia += sa, ib += sb, iy += sy) y[iy] = c[ic] !== 0 ? a[ia] : b[ib]; },
  float64: (n, c, ic, sc, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ic += sc, ia += sa, ib += sb, iy += sy) y[iy] = c[ic] !== 0 ? a[ia] : b[ib]; },
  integer: (n, c, ic, sc, a, ia, sa, b, ib, sb, y, iy, sy) => { for (; n > 0; n--, ic += sc, ia += sa, ib += sb, iy += sy) y[iy] = c[ic] !== 0 ? a[ia] : b[ib]; },
} satisfies Record<string, WhereRow>;

export function where(condition: View, a: View, b: View, out: View): void {
  const rows = nest(out.layout.shape, [out.layout, condition.layout, a.layout, b.layout]);
  if (rows === null) return;
  const { shape, strides } = rows;
  const last = shape.length - 1;
  const n = shape[last];
  const [c, x, y, z] = [condition.storage.data, a.storage.data, b.storage.data, out.storage.data];
  const [so, sc, sa, sb] = strides.map((s) => s[last]);
  const { dtype } = out.storage;
  const row = whereRows[isFloat(dtype) ? dtype : 'integer'];
  forEachRow(rows, strides, ([io, ic, ia, ib]) => row(n, c, ic, sc, x, ia, sa, y, ib, sb, z, io, so));
}
