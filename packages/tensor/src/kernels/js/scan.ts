import { isFloat, type TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import { forEachLane } from './iterate.ts';
import { checkInteger } from './reduce.ts';

/** n running totals along one lane, from x to y. */
type Lane = (n: number, x: TypedArray, ix: number, sx: number, y: TypedArray, iy: number, sy: number) => void;
/** One step of m lanes that lie side by side. */
type Step = (m: number, x: TypedArray, ix: number, sx: number, totals: Float64Array, y: TypedArray, iy: number, sy: number) => void;

interface Scan {
  readonly start: number;
  readonly lane: Lane;
  readonly step: Step;
}

const floats: Record<'cumSum' | 'cumProd', Scan> = {
  cumSum: {
    start: 0,
    lane: (n, x, ix, sx, y, iy, sy) => { for (let total = 0; n > 0; n--, ix += sx, iy += sy) { total += x[ix]; y[iy] = total; } },
    step: (m, x, ix, sx, totals, y, iy, sy) => { for (let j = 0; j < m; j++, ix += sx, iy += sy) y[iy] = totals[j] += x[ix]; },
  },
  cumProd: {
    start: 1,
    lane: (n, x, ix, sx, y, iy, sy) => { for (let total = 1; n > 0; n--, ix += sx, iy += sy) { total *= x[ix]; y[iy] = total; } },
    step: (m, x, ix, sx, totals, y, iy, sy) => { for (let j = 0; j < m; j++, ix += sx, iy += sy) y[iy] = totals[j] *= x[ix]; },
  },
};

/** Every running total of integers is a result, so the first that does not fit is refused. */
function integers(name: 'cumSum' | 'cumProd'): Scan {
  const next = name === 'cumSum' ? (total: number, value: number) => total + value : (total: number, value: number) => total * value;
  const start = name === 'cumSum' ? 0 : 1;
  return {
    start,
    lane(n, x, ix, sx, y, iy, sy) {
      for (let total = start; n > 0; n--, ix += sx, iy += sy) {
        total = next(total, x[ix]);
        checkInteger(name, total);
        y[iy] = total;
      }
    },
    step(m, x, ix, sx, totals, y, iy, sy) {
      for (let j = 0; j < m; j++, ix += sx, iy += sy) {
        totals[j] = next(totals[j], x[ix]);
        checkInteger(name, totals[j]);
        y[iy] = totals[j];
      }
    },
  };
}
const wholes = { cumSum: integers('cumSum'), cumProd: integers('cumProd') };

export function scan(name: 'cumSum' | 'cumProd', x: View, axis: number, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const { start, lane, step } = (isFloat(out.storage.dtype) ? floats : wholes)[name];
  const { shape } = x.layout;
  const n = shape[axis];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const last = shape.length - 1;
  if (axis === last) {
    forEachLane(shape, [x.layout, out.layout], axis, ([ix, io]) => lane(n, source, ix, sx, target, io, so));
    return;
  }
  // Lanes across the memory advance together, a row at a time.
  const m = shape[last];
  const [ux, uo] = [x.layout.strides[last], out.layout.strides[last]];
  const totals = new Float64Array(m);
  forEachLane([...shape.slice(0, -1), 1], [x.layout, out.layout], axis, ([ix, io]) => {
    totals.fill(start);
    for (let i = 0; i < n; i++) step(m, source, ix + i * sx, ux, totals, target, io + i * so, uo);
  });
}
