import type { Layout, Shape } from '../../layout.ts';

/**
 * Loop nests over operands of one shape. Axes that lie evenly in every operand are merged into one, and the axis on
 * which the first operand steps least becomes the inner loop, so that a dense array of any rank is a single row.
 */
export interface Nest {
  /** Lengths of the merged axes, the row last; never empty. */
  readonly shape: readonly number[];
  /** For each operand its stride on each merged axis. */
  readonly strides: readonly (readonly number[])[];
  readonly offsets: readonly number[];
}

/** Merges axes for `layouts`, the output first; null when there is nothing to visit. */
export function nest(shape: Shape, layouts: readonly Layout[]): Nest | null {
  const axes: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return null;
    if (shape[i] !== 1) axes.push(i);
  }
  sortByStride(axes, layouts);
  const lengths: number[] = [];
  const strides: number[][] = [];
  const offsets: number[] = [];
  for (let n = 0; n < layouts.length; n++) {
    strides.push([]);
    offsets.push(layouts[n].offset);
  }
  for (const axis of axes) {
    const last = lengths.length - 1;
    const merges = last >= 0 && continues(layouts, strides, axis, shape[axis], last);
    if (merges) lengths[last] *= shape[axis];
    else lengths.push(shape[axis]);
    for (let n = 0; n < layouts.length; n++) strides[n][merges ? last : last + 1] = layouts[n].strides[axis];
  }
  if (lengths.length === 0) {
    lengths.push(1);
    for (const row of strides) row.push(0);
  }
  return { shape: lengths, strides, offsets };
}

/** Whether in every operand a step on merged axis `last` is `length` steps on `axis`. */
function continues(layouts: readonly Layout[], strides: Nest['strides'], axis: number, length: number, last: number): boolean {
  for (let n = 0; n < layouts.length; n++) if (strides[n][last] !== layouts[n].strides[axis] * length) return false;
  return true;
}

/** Orders axes by falling stride of the first operand, then of the next where those are equal; stable. */
function sortByStride(axes: number[], layouts: readonly Layout[]): void {
  // Insertion sort: ranks are small and layouts are nearly always in order already.
  for (let i = 1; i < axes.length; i++) {
    const axis = axes[i];
    let j = i - 1;
    while (j >= 0 && comesBefore(axis, axes[j], layouts)) {
      axes[j + 1] = axes[j];
      j--;
    }
    axes[j + 1] = axis;
  }
}

function comesBefore(a: number, b: number, layouts: readonly Layout[]): boolean {
  for (let n = 0; n < layouts.length; n++) {
    const difference = Math.abs(layouts[n].strides[a]) - Math.abs(layouts[n].strides[b]);
    if (difference !== 0) return difference > 0;
  }
  return a < b;
}

/** Calls `row` with the offsets of every row of a nest; the array is reused between calls. */
export function forEachRow({ shape, offsets }: Nest, strides: Nest['strides'], row: (offsets: readonly number[]) => void): void {
  const outer = shape.length - 1;
  const at = offsets.slice();
  if (outer === 0) {
    row(at);
    return;
  }
  const index = new Array<number>(outer).fill(0);
  for (;;) {
    row(at);
    let axis = outer - 1;
    for (;;) {
      if (axis < 0) return;
      if (++index[axis] < shape[axis]) {
        for (let n = 0; n < at.length; n++) at[n] += strides[n][axis];
        break;
      }
      for (let n = 0; n < at.length; n++) at[n] -= strides[n][axis] * (shape[axis] - 1);
      index[axis] = 0;
      axis--;
    }
  }
}

/**
 * Calls `visit` once for each combination of all but the last two axes of a nest, with the lengths m and n of those two,
 * every operand's strides on the first and on the last of them, and every operand's offset. A nest of one axis is one
 * row: m = 1. Short rows cost a call each with `forEachRow`; here they cost a turn of a loop.
 */
export function forEachPlane(
  { shape, strides, offsets }: Nest,
  visit: (m: number, n: number, outer: readonly number[], inner: readonly number[], offsets: readonly number[]) => void,
): void {
  const last = shape.length - 1;
  const inner: number[] = [];
  const outer: number[] = [];
  for (let n = 0; n < strides.length; n++) {
    inner.push(strides[n][last]);
    outer.push(last === 0 ? 0 : strides[n][last - 1]);
  }
  if (last < 2) visit(last === 0 ? 1 : shape[0], shape[last], outer, inner, offsets);
  else forEachRow({ shape: shape.slice(0, -1), strides, offsets }, strides, (at) => visit(shape[last - 1], shape[last], outer, inner, at));
}

/**
 * Tiles are high and narrow: what is beside a value in a row of a transposed operand lies far away in memory, and where
 * strides are near a power of two only about eight such places stay in the cache together.
 */
const [tileHeight, tileWidth] = [128, 8];

/**
 * As `forEachPlane`, for operands that lie in different orders: planes are walked the way that suits most of them, and
 * where it does not suit all, in tiles, so that a cache line fetched for one value is still there for its neighbours.
 */
export function forEachTile(planes: Nest, visit: Parameters<typeof forEachPlane>[1]): void {
  forEachPlane(planes, (rows, columns, down, along, offsets) => {
    let crossed = 0;
    let straight = 0;
    for (let k = 0; k < down.length; k++) {
      const [outer, inner] = [Math.abs(down[k]), Math.abs(along[k])];
      if (outer !== 0 && outer < inner) crossed++;
      else if (inner !== 0 && inner < outer) straight++;
    }
    const turn = crossed > straight;
    const [m, n, outer, inner] = turn ? [columns, rows, along, down] : [rows, columns, down, along];
    if (crossed === 0 || (turn && straight === 0) || m === 1 || n <= tileWidth) {
      visit(m, n, outer, inner, offsets);
      return;
    }
    const at = offsets.slice();
    for (let i = 0; i < m; i += tileHeight) {
      for (let j = 0; j < n; j += tileWidth) {
        for (let k = 0; k < at.length; k++) at[k] = offsets[k] + i * outer[k] + j * inner[k];
        visit(Math.min(tileHeight, m - i), Math.min(tileWidth, n - j), outer, inner, at);
      }
    }
  });
}

/** Calls `visit` with the offsets of every combination of the axes but `axis`: one lane along it at a time, in row-major order. */
export function forEachLane(shape: Shape, layouts: readonly Layout[], axis: number, visit: (offsets: readonly number[]) => void): void {
  const without = (values: readonly number[]) => values.filter((_, i) => i !== axis);
  const rest = without(shape);
  if (rest.includes(0)) return;
  const strides = layouts.map((layout) => [...without(layout.strides), 0]);
  forEachRow({ shape: [...rest, 1], strides, offsets: layouts.map(({ offset }) => offset) }, strides, visit);
}
