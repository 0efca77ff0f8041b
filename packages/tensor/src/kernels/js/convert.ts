import { isFloat, type DType, type FloatDType, type TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import { forEachRow, nest } from './iterate.ts';
import * as float32 from './loops/float32.ts';
import * as float64 from './loops/float64.ts';
import { runBinary, runUnary, withinReach } from './loops/run.ts';
import type { BinaryLoop, UnaryLoop } from './loops/types.ts';

/**
 * Values moved between memories and dtypes. A loop that has met more than four kinds of typed array runs twenty times
 * slower in V8 from then on, so every loop here sees one or two: one load and one store a dtype, which meet in float64
 * (it holds every value of every dtype exactly).
 */

type Load = (n: number, x: TypedArray, ix: number, sx: number, y: Float64Array) => void;
type Store = (n: number, x: Float64Array, y: TypedArray, iy: number, sy: number) => void;

const loadByte: Load = (n, x, ix, sx, y) => { for (let i = 0; i < n; i++, ix += sx) y[i] = x[ix]; };

export const loads: Record<DType, Load> = {
  float32: (n, x, ix, sx, y) => { for (let i = 0; i < n; i++, ix += sx) y[i] = x[ix]; },
  float64: (n, x, ix, sx, y) => { for (let i = 0; i < n; i++, ix += sx) y[i] = x[ix]; },
  int32: (n, x, ix, sx, y) => { for (let i = 0; i < n; i++, ix += sx) y[i] = x[ix]; },
  int8: (n, x, ix, sx, y) => { for (let i = 0; i < n; i++, ix += sx) y[i] = x[ix]; },
  uint8: loadByte,
  bool: loadByte,
};

/** Typed arrays truncate and wrap by themselves; NaN and infinities become 0. */
export const stores: Record<DType, Store> = {
  float32: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i]; },
  float64: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i]; },
  int32: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i]; },
  int8: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i]; },
  uint8: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i]; },
  bool: (n, x, y, iy, sy) => { for (let i = 0; i < n; i++, iy += sy) y[iy] = x[i] !== 0 ? 1 : 0; },
};

/** How many values are converted at a time: few enough to stay in the first-level cache. */
export const chunk = 512;

export function newScratch(): Float64Array {
  return new Float64Array(chunk);
}

const scratch = newScratch();

const copies: Record<FloatDType | 'other', UnaryLoop['plane']> = {
  float32: float32.moves.copy.plane,
  float64: float64.moves.copy.plane,
  other: (m, n, x, ix, mx, sx, y, iy, my, sy) => {
    for (; m > 0; m--, ix += mx, iy += my) for (let j = 0; j < n; j++) y[iy + j * sy] = x[ix + j * sx];
  },
};

/** Memory moves whole rows faster than a loop does. */
const copyDense: UnaryLoop['dense'] = (y, x) => y.set(x);

/** The loops read and write value by value, so that sums are right where out meets itself. */
const sums: Record<FloatDType | 'other', BinaryLoop> = {
  float32: float32.binary.add,
  float64: float64.binary.add,
  other: {
    dense: (y, a, b) => { for (let j = 0; j < y.length; j++) y[j] = a[j] + b[j]; },
    plane: (m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) => {
      for (; m > 0; m--, ia += ma, ib += mb, iy += my) for (let j = 0; j < n; j++) y[iy + j * sy] = a[ia + j * sa] + b[ib + j * sb];
    },
  },
};

/** Which loops move values between two views of a dtype. */
function loopsFor(dtype: DType, x: View, y: View): FloatDType | 'other' {
  return isFloat(dtype) && withinReach(x) && withinReach(y) ? dtype : 'other';
}

export function copy(x: View, out: View): void {
  const [from, to] = [x.storage.dtype, out.storage.dtype];
  if (from === to) {
    runUnary({ dense: copyDense, plane: copies[loopsFor(from, x, out)] }, x, out);
    return;
  }
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  const [source, target] = [x.storage.data, out.storage.data];
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [load, store] = [loads[from], stores[to]];
  const [sy, sx] = [strides[0][last], strides[1][last]];
  forEachRow(loops, strides, ([iy, ix]) => {
    for (let done = 0; done < n; done += chunk) {
      const count = Math.min(chunk, n - done);
      load(count, source, ix + done * sx, sx, scratch);
      store(count, scratch, target, iy + done * sy, sy);
    }
  });
}

export function accumulate(x: View, out: View): void {
  runBinary(sums[loopsFor(out.storage.dtype, x, out)], out, x, out);
}

export function fill(out: View, value: number): void {
  const loops = nest(out.layout.shape, [out.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const step = strides[0][last];
  const data = out.storage.data;
  const store = stores[out.storage.dtype];
  if (step !== 1) scratch.fill(value);
  forEachRow(loops, strides, ([start]) => {
    if (step === 1) data.fill(value, start, start + n);
    else for (let done = 0; done < n; done += chunk) store(Math.min(chunk, n - done), scratch, data, start + done * step, step);
  });
}
