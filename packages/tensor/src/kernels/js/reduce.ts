import type { DType } from '../../dtype.ts';
import { DTypeError } from '../../errors.ts';
import { contiguousStrides, isContiguous, sizeOf, type Layout } from '../../layout.ts';
import { allocateApart, type View } from '../../storage.ts';
import type { ReduceName } from '../contract.ts';
import { chunk, copy, loads, newScratch, stores } from './convert.ts';
import { float32Folds, float64Folds, starts, type Fold, type FoldName } from './folds.ts';
import { forEachPlane, nest } from './iterate.ts';

const scratch = newScratch();

/** The float64 loop on rows that are converted a chunk at a time. */
function converting(dtype: DType, fold: Fold): Fold {
  const load = loads[dtype];
  return (m, n, x, ix, mx, sx, totals, it, mt, st) => {
    for (; m > 0; m--, ix += mx, it += mt) {
      for (let done = 0; done < n; done += chunk) {
        const count = Math.min(chunk, n - done);
        load(count, x, ix + done * sx, sx, scratch);
        fold(1, count, scratch, 0, 0, 1, totals, it + done * st, 0, st);
      }
    }
  };
}

function foldFor(name: FoldName, dtype: DType): Fold {
  if (dtype === 'float32') return float32Folds[name];
  return dtype === 'float64' ? float64Folds[name] : converting(dtype, float64Folds[name]);
}

/** The halves of int32 values, whose sums stay exact in float64 for up to 2³⁷ values: v = 65536·(v >> 16) + (v & 65535). */
const sumOfHigh: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) for (let j = 0; j < n; j++) totals[it + j * st] += x[ix + j * sx] >> 16;
};
const sumOfLow: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) for (let j = 0; j < n; j++) totals[it + j * st] += x[ix + j * sx] & 65535;
};

/** The totals of x over the axes on which `shape` has length 1, in row-major order. */
function run(fold: Fold, start: number, x: View, shape: readonly number[]): Float64Array {
  const totals = new Float64Array(sizeOf(shape));
  if (start !== 0) totals.fill(start);
  const dense = contiguousStrides(shape);
  const target: Layout = { shape: x.layout.shape, strides: dense.map((stride, i) => (shape[i] === 1 ? 0 : stride)), offset: 0 };
  const loops = nest(x.layout.shape, [x.layout, target]);
  if (loops === null) return totals;
  const data = x.storage.data;
  forEachPlane(loops, (m, n, [mx, mt], [sx, st], [ix, it]) => {
    // Many short rows are walked the other way round: the longer loop inside.
    if (n < 8 && n < m) fold(n, m, data, ix, sx, mx, totals, it, st, mt);
    else fold(m, n, data, ix, mx, sx, totals, it, mt, st);
  });
  return totals;
}

export function reduce(name: ReduceName, x: View, out: View): void {
  const { shape } = out.layout;
  const { dtype } = x.storage;
  const count = sizeOf(x.layout.shape) / sizeOf(shape);
  const folded = name === 'mean' ? 'sum' : name;
  let totals: Float64Array;
  // Sums of more than 2²² int32 values may pass 2⁵³ on their way to a small result.
  if (name === 'sum' && dtype === 'int32' && count > 4194304) {
    totals = run(sumOfLow, 0, x, shape);
    run(sumOfHigh, 0, x, shape).forEach((high, i) => (totals[i] += high * 65536));
  } else totals = run(foldFor(folded, dtype), starts[folded], x, shape);
  finish(name, totals, count, out);
}

/** Writes the totals of `count` values each, in row-major order, into out. */
export function finish(name: ReduceName, totals: Float64Array, count: number, out: View): void {
  const { shape } = out.layout;
  if (name === 'mean') for (let i = 0; i < totals.length; i++) totals[i] /= count;
  // A product that left float64's range and then met a 0 is NaN here, and stored as the 0 that it is.
  if (out.storage.dtype === 'int32') for (const total of totals) checkInteger(name, total);
  if (isContiguous(out.layout)) {
    stores[out.storage.dtype](totals.length, totals, out.storage.data, out.layout.offset, 1);
    return;
  }
  const dense = allocateApart(shape, 'float64');
  dense.storage.data.set(totals);
  copy(dense, out);
}

/** Refuses a total that int32 cannot hold. */
export function checkInteger(name: string, total: number): void {
  if (total > 2147483647 || total < -2147483648) {
    throw new DTypeError(`${name}: the result ${total} does not fit in int32; cast the tensor to 'float64' first`);
  }
}
