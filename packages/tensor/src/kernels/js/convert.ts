import { isFloat, type DType, type TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import { forEachRow, nest } from './iterate.ts';

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

type Row = (n: number, x: TypedArray, ix: number, sx: number, y: TypedArray, iy: number, sy: number) => void;

const copyRows = {
  float32: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix]; },
  float64: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix]; },
  integer: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] = x[ix]; },
} satisfies Record<string, Row>;

const accumulateRows = {
  float32: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] += x[ix]; },
  float64: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] += x[ix]; },
  integer: (n, x, ix, sx, y, iy, sy) => { for (; n > 0; n--, ix += sx, iy += sy) y[iy] += x[ix]; },
} satisfies Record<string, Row>;

function convertRow(from: DType, to: DType): Row {
  const load = loads[from];
  const store = stores[to];
  return (n, x, ix, sx, y, iy, sy) => {
    for (let done = 0; done < n; done += chunk) {
      const count = Math.min(chunk, n - done);
      load(count, x, ix + done * sx, sx, scratch);
      store(count, scratch, y, iy + done * sy, sy);
    }
  };
}

export function copy(x: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [from, to] = [x.storage.dtype, out.storage.dtype];
  const [source, target] = [x.storage.data, out.storage.data];
  if (from === to && last === 0 && strides[0][0] === 1 && strides[1][0] === 1) {
    target.set(source.subarray(loops.offsets[1], loops.offsets[1] + n), loops.offsets[0]);
    return;
  }
  const row = from === to ? copyRows[isFloat(from) ? from : 'integer'] : convertRow(from, to);
  const [sy, sx] = [strides[0][last], strides[1][last]];
  forEachRow(loops, strides, ([iy, ix]) => row(n, source, ix, sx, target, iy, sy));
}

export function accumulate(x: View, out: View): void {
  const loops = nest(out.layout.shape, [out.layout, x.layout]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const n = shape[last];
  const [source, target] = [x.storage.data, out.storage.data];
  const row = accumulateRows[isFloat(out.storage.dtype) ? out.storage.dtype : 'integer'];
  const [sy, sx] = [strides[0][last], strides[1][last]];
  forEachRow(loops, strides, ([iy, ix]) => row(n, source, ix, sx, target, iy, sy));
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
