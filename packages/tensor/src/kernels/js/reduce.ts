import { isFloat, type TypedArray } from '../../dtype.ts';
import { DTypeError } from '../../errors.ts';
import { contiguousStrides, isContiguous, sizeOf, type Layout } from '../../layout.ts';
import { allocate, type View } from '../../storage.ts';
import type { ReduceName } from '../contract.ts';
import { copy } from './convert.ts';
import { forEachPlane, nest } from './iterate.ts';

/**
 * m rows of n values of x, each folded into float64 totals: value (i, j) is x[ix + i·mx + j·sx] and goes into
 * totals[it + i·mt + j·st]; a total's stride is 0 where values share it.
 */
type Fold = (
  m: number, n: number, x: TypedArray, ix: number, mx: number, sx: number, totals: Float64Array, it: number, mt: number, st: number,
) => void;

/** A fold value by value; `sum` and the extremes below have loops of their own, which are about twice as fast. */
const sum: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  if (st === 0) {
    // Four sums side by side: one alone would wait for each addition to end.
    const fours = n - (n % 4);
    const [s2, s3, s4] = [2 * sx, 3 * sx, 4 * sx];
    for (; m > 0; m--, ix += mx, it += mt) {
      let a = totals[it];
      let b = 0;
      let c = 0;
      let d = 0;
      let i = ix;
      for (let j = 0; j < fours; j += 4, i += s4) {
        a += x[i];
        b += x[i + sx];
        c += x[i + s2];
        d += x[i + s3];
      }
      for (let j = fours; j < n; j++, i += sx) a += x[i];
      totals[it] = a + b + (c + d);
    }
    return;
  }
  // Four rows at a time into the same totals, which are then read and written a quarter as often.
  if (mt === 0) {
    const [m2, m3] = [2 * mx, 3 * mx];
    for (; m >= 4; m -= 4, ix += 4 * mx) {
      for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] + x[i + mx] + (x[i + m2] + x[i + m3]);
    }
  }
  for (; m > 0; m--, ix += mx, it += mt) {
    for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i];
  }
};

const sumOfSquares: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) {
    if (st === 0) {
      let [a, b] = [totals[it], 0];
      let i = ix;
      let j = n;
      for (; j >= 2; j -= 2, i += 2 * sx) {
        a += x[i] * x[i];
        b += x[i + sx] * x[i + sx];
      }
      if (j > 0) a += x[i] * x[i];
      totals[it] = a + b;
    } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] * x[i];
  }
};

const prod: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) {
    for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] *= x[i];
  }
};

const min: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) {
    if (st === 0) {
      let [a, b] = [totals[it], Infinity];
      let i = ix;
      let j = n;
      for (; j >= 2; j -= 2, i += 2 * sx) {
        a = Math.min(a, x[i]);
        b = Math.min(b, x[i + sx]);
      }
      if (j > 0) a = Math.min(a, x[i]);
      totals[it] = Math.min(a, b);
    } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.min(totals[t], x[i]);
  }
};

const max: Fold = (m, n, x, ix, mx, sx, totals, it, mt, st) => {
  for (; m > 0; m--, ix += mx, it += mt) {
    if (st === 0) {
      let [a, b] = [totals[it], -Infinity];
      let i = ix;
      let j = n;
      for (; j >= 2; j -= 2, i += 2 * sx) {
        a = Math.max(a, x[i]);
        b = Math.max(b, x[i + sx]);
      }
      if (j > 0) a = Math.max(a, x[i]);
      totals[it] = Math.max(a, b);
    } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.max(totals[t], x[i]);
  }
};

/** Whether rows hold a value that is (or is not) 0: `found` into their totals. A lane of one total ends at the first. */
function find(wanted: boolean, found: number): Fold {
  return (m, n, x, ix, mx, sx, totals, it, mt, st) => {
    for (; m > 0; m--, ix += mx, it += mt) {
      for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) {
        if ((x[i] !== 0) !== wanted) continue;
        totals[t] = found;
        if (st === 0) break;
      }
    }
  };
}

const folds: Record<ReduceName, { readonly start: number; readonly fold: Fold }> = {
  sum: { start: 0, fold: sum },
  mean: { start: 0, fold: sum },
  sumOfSquares: { start: 0, fold: sumOfSquares },
  prod: { start: 1, fold: prod },
  min: { start: Infinity, fold: min },
  max: { start: -Infinity, fold: max },
  all: { start: 1, fold: find(false, 0) },
  any: { start: 0, fold: find(true, 1) },
};

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
  const { start, fold } = folds[name];
  const { shape } = out.layout;
  const count = sizeOf(x.layout.shape) / sizeOf(shape);
  let totals: Float64Array;
  // Sums of more than 2²² int32 values may pass 2⁵³ on their way to a small result.
  if (name === 'sum' && x.storage.dtype === 'int32' && count > 4194304) {
    totals = run(sumOfLow, 0, x, shape);
    run(sumOfHigh, 0, x, shape).forEach((high, i) => (totals[i] += high * 65536));
  } else totals = run(fold, start, x, shape);
  if (name === 'mean') for (let i = 0; i < totals.length; i++) totals[i] /= count;
  if (out.storage.dtype === 'int32') checkIntegers(name, totals);
  const dense = isContiguous(out.layout);
  const result = dense ? out : allocate(shape, isFloat(out.storage.dtype) ? 'float64' : out.storage.dtype);
  const { data } = result.storage;
  for (let i = 0, o = result.layout.offset; i < totals.length; i++, o++) data[o] = totals[i];
  if (!dense) copy(result, out);
}

function checkIntegers(name: string, totals: Float64Array): void {
  for (let i = 0; i < totals.length; i++) {
    // A product that left float64's range and then met a 0 is 0.
    if (totals[i] !== totals[i]) totals[i] = 0;
    checkInteger(name, totals[i]);
  }
}

/** Refuses a total that int32 cannot hold. */
export function checkInteger(name: string, total: number): void {
  if (total > 2147483647 || total < -2147483648) {
    throw new DTypeError(`${name}: the result ${total} does not fit in int32; cast the tensor to 'float64' first`);
  }
}
