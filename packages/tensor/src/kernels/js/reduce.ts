import { isFloat, type TypedArray } from '../../dtype.ts';
import { DTypeError } from '../../errors.ts';
import { contiguousStrides, sizeOf, type Layout } from '../../layout.ts';
import { allocate, type View } from '../../storage.ts';
import type { ReduceName } from '../contract.ts';
import { copy } from './convert.ts';
import { forEachLane, forEachRow, nest } from './iterate.ts';

/** n values of x folded into totals from `it` in steps of st (0: all into one). */
type FoldRow = (n: number, x: TypedArray, ix: number, sx: number, totals: Float64Array, it: number, st: number) => void;

/** A row loop that keeps the total in a register where the row is one total's own. */
const folds: Record<ReduceName, { readonly start: number; readonly row: FoldRow }> = {
  sum: {
    start: 0,
    row(n, x, ix, sx, totals, it, st) {
      if (st === 0) {
        let total = totals[it];
        for (; n > 0; n--, ix += sx) total += x[ix];
        totals[it] = total;
      } else for (; n > 0; n--, ix += sx, it += st) totals[it] += x[ix];
    },
  },
  prod: {
    start: 1,
    row(n, x, ix, sx, totals, it, st) {
      for (; n > 0; n--, ix += sx, it += st) totals[it] *= x[ix];
    },
  },
  min: {
    start: Infinity,
    row(n, x, ix, sx, totals, it, st) {
      for (; n > 0; n--, ix += sx, it += st) totals[it] = Math.min(totals[it], x[ix]);
    },
  },
  max: {
    start: -Infinity,
    row(n, x, ix, sx, totals, it, st) {
      for (; n > 0; n--, ix += sx, it += st) totals[it] = Math.max(totals[it], x[ix]);
    },
  },
  all: {
    start: 1,
    row(n, x, ix, sx, totals, it, st) {
      for (; n > 0; n--, ix += sx, it += st) if (x[ix] === 0) totals[it] = 0;
    },
  },
  any: {
    start: 0,
    row(n, x, ix, sx, totals, it, st) {
      for (; n > 0; n--, ix += sx, it += st) if (x[ix] !== 0) totals[it] = 1;
    },
  },
};

export function reduce(name: ReduceName, x: View, out: View): void {
  const { start, row } = folds[name];
  const size = sizeOf(out.layout.shape);
  // Totals are float64 whatever the dtype: float32 sums round once, at the end.
  const totals = new Float64Array(size).fill(start);
  const dense = contiguousStrides(out.layout.shape);
  const target: Layout = {
    shape: x.layout.shape,
    strides: dense.map((stride, i) => (out.layout.shape[i] === 1 ? 0 : stride)),
    offset: 0,
  };
  const loops = nest(x.layout.shape, [x.layout, target]);
  if (loops !== null) {
    const { shape, strides } = loops;
    const last = shape.length - 1;
    const data = x.storage.data;
    forEachRow(loops, strides, ([ix, it]) => row(shape[last], data, ix, strides[0][last], totals, it, strides[1][last]));
  }
  if (out.storage.dtype === 'int32') checkInteger(name, totals);
  const result = allocate(out.layout.shape, isFloat(out.storage.dtype) ? 'float64' : out.storage.dtype);
  for (let i = 0; i < size; i++) result.storage.data[i] = totals[i];
  copy(result, out);
}

function checkInteger(name: string, totals: Float64Array): void {
  for (let i = 0; i < totals.length; i++) {
    // A product that left float64's range and then met a 0 is 0.
    if (totals[i] !== totals[i]) totals[i] = 0;
    if (Math.abs(totals[i] + 0.5) > 2147483647.5) {
      throw new DTypeError(`${name}: the result ${totals[i]} does not fit in int32; cast the tensor to 'float64' first`);
    }
  }
}

export function argReduce(name: 'argmin' | 'argmax', x: View, axis: number, out: View): void {
  const data = x.storage.data;
  const target = out.storage.data;
  const length = x.layout.shape[axis];
  const step = x.layout.strides[axis];
  const sign = name === 'argmin' ? -1 : 1;
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    let best = data[ix];
    let at = 0;
    for (let i = 1; i < length && best === best; i++) {
      const value = data[ix + i * step];
      if (sign * value > sign * best || value !== value) {
        best = value;
        at = i;
      }
    }
    target[io] = at;
  });
}

export function scan(name: 'cumSum' | 'cumProd', x: View, axis: number, out: View): void {
  const data = x.storage.data;
  const target = out.storage.data;
  const length = x.layout.shape[axis];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const integer = !isFloat(out.storage.dtype);
  const held = new Float64Array(1);
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    let total = name === 'cumSum' ? 0 : 1;
    for (let i = 0; i < length; i++) {
      const value = data[ix + i * sx];
      total = name === 'cumSum' ? total + value : total * value;
      if (integer) {
        held[0] = total;
        checkInteger(name, held);
        total = held[0];
      }
      target[io + i * so] = total;
    }
  });
}

export function argSort(x: View, axis: number, descending: boolean, out: View): void {
  const data = x.storage.data;
  const target = out.storage.data;
  const length = x.layout.shape[axis];
  const [sx, so] = [x.layout.strides[axis], out.layout.strides[axis]];
  const order = new Array<number>(length);
  const sign = descending ? -1 : 1;
  forEachLane(x.layout.shape, [x.layout, out.layout], axis, ([ix, io]) => {
    for (let i = 0; i < length; i++) order[i] = i;
    order.sort((i, j) => {
      const a = data[ix + i * sx];
      const b = data[ix + j * sx];
      if (a < b) return -sign;
      if (a > b) return sign;
      return sign * (Number(a !== a) - Number(b !== b)) || i - j;
    });
    for (let i = 0; i < length; i++) target[io + i * so] = order[i];
  });
}
