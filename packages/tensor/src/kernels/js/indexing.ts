import type { View } from '../../storage.ts';
import { forEachLane, forEachRow, nest } from './iterate.ts';

/** The layout of one index of an axis, without that axis: what each row of a table is. */
function rowLayout({ layout: { shape, strides, offset } }: View, axis: number) {
  return {
    shape: shape.filter((_, i) => i !== axis),
    strides: strides.filter((_, i) => i !== axis),
    offset,
  };
}

/** Walks the slices of `table` at the indices, beside the slices of `rows` in order. */
function forEachSlice(
  table: View, rows: View, axis: number, index: View,
  visit: (n: number, it: number, st: number, ir: number, sr: number) => void,
): void {
  const [tableRow, row] = [rowLayout(table, axis), rowLayout(rows, axis)];
  const loops = nest(row.shape, [row, tableRow]);
  if (loops === null) return;
  const { shape, strides } = loops;
  const last = shape.length - 1;
  const ids = index.storage.data;
  const [count] = index.layout.shape;
  for (let k = 0; k < count; k++) {
    const id = ids[index.layout.offset + k * index.layout.strides[0]];
    const offsets = [row.offset + k * rows.layout.strides[axis], tableRow.offset + id * table.layout.strides[axis]];
    forEachRow({ shape, strides, offsets }, strides, ([ir, it]) => visit(shape[last], it, strides[1][last], ir, strides[0][last]));
  }
}

export function indexSelect(x: View, axis: number, index: View, out: View): void {
  const source = x.storage.data;
  const target = out.storage.data;
  forEachSlice(x, out, axis, index, (n, ix, sx, io, so) => {
    for (; n > 0; n--, ix += sx, io += so) target[io] = source[ix];
  });
}

export function indexAdd(x: View, axis: number, index: View, out: View): void {
  const source = x.storage.data;
  const target = out.storage.data;
  forEachSlice(out, x, axis, index, (n, io, so, ix, sx) => {
    for (; n > 0; n--, ix += sx, io += so) target[io] += source[ix];
  });
}

export function gather(x: View, axis: number, index: View, out: View): void {
  const [source, ids, target] = [x.storage.data, index.storage.data, out.storage.data];
  const length = index.layout.shape[axis];
  const [sx, si, so] = [x, index, out].map((view) => view.layout.strides[axis]);
  forEachLane(index.layout.shape, [x.layout, index.layout, out.layout], axis, ([ix, ii, io]) => {
    for (let i = 0; i < length; i++) target[io + i * so] = source[ix + ids[ii + i * si] * sx];
  });
}

export function scatter(mode: 'set' | 'add', x: View, axis: number, index: View, out: View): void {
  const [source, ids, target] = [x.storage.data, index.storage.data, out.storage.data];
  const length = index.layout.shape[axis];
  const [sx, si, so] = [x, index, out].map((view) => view.layout.strides[axis]);
  const add = mode === 'add';
  forEachLane(index.layout.shape, [x.layout, index.layout, out.layout], axis, ([ix, ii, io]) => {
    for (let i = 0; i < length; i++) {
      const at = io + ids[ii + i * si] * so;
      target[at] = add ? target[at] + source[ix + i * sx] : source[ix + i * sx];
    }
  });
}
