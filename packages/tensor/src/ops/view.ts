import { ArgumentError, IndexError, ShapeError } from '../errors.ts';
import type { DType } from '../dtype.ts';
import * as layouts from '../layout.ts';
import type { Layout, Shape } from '../layout.ts';
import { kernels } from '../kernels/dispatch.ts';
import { allocate, allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp, type Op } from './op.ts';

/** Ops that look at the same storage through another layout. Nothing is copied but by `contiguous`, `clone` and, where no layout can do it, `reshape`. */

/** Applies an op that keeps the storage, and notes whose values the result shows: in-place writes need to know. */
function view<A>(op: Op<A>, x: Tensor, attributes: A): Tensor {
  const result = apply(op, [x], attributes);
  if (result.storage === x.storage) result.showValuesOf(x);
  return result;
}

const onStorage = (x: View, layout: Layout): View => ({ storage: x.storage, layout });

/** The gradient of a part of a tensor, set into zeros of the whole's shape. */
const intoZerosOp: Op<{ readonly shape: Shape; readonly part: (whole: Layout) => Layout }> = defineOp({
  name: 'intoZeros',
  forward([g], { shape, part }) {
    const output = allocate(shape, g.storage.dtype);
    kernels.copy(g, onStorage(output, part(output.layout)));
    return output;
  },
  backward: (g, { attributes: { part } }) => [view(partOp, g, { part })],
});

/** Any part of a tensor that shows each value at most once: slices, selections, diagonals. */
const partOp: Op<{ readonly part: (whole: Layout) => Layout }> = defineOp({
  name: 'part',
  forward: ([x], { part }) => onStorage(x, part(x.layout)),
  backward: (g, { shapes: [shape], attributes: { part } }) => [apply(intoZerosOp, [g], { shape, part })],
});

const permuteOp = defineOp<{ readonly order: readonly number[] }>({
  name: 'permute',
  forward: ([x], { order }) => onStorage(x, layouts.permute('permute', x.layout, order)),
  backward: (g, { attributes: { order } }) => {
    const inverse = new Array<number>(order.length);
    order.forEach((axis, i) => (inverse[axis] = i));
    return [permute(g, inverse)];
  },
});

const expandOp = defineOp<{ readonly shape: Shape }>({
  name: 'expand',
  forward: ([x], { shape }) => onStorage(x, layouts.expand('expand', x.layout, shape)),
  // The walk sums a gradient back to its input's shape.
  backward: (g) => [g],
});

const reshapeOp = defineOp<{ readonly shape: Shape }>({
  name: 'reshape',
  forward([x], { shape }) {
    const layout = layouts.reshape(x.layout, shape);
    if (layout !== null) return onStorage(x, layout);
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    kernels.copy(x, output);
    return onStorage(output, layouts.contiguous(shape));
  },
  backward: (g, { shapes: [shape] }) => [reshape(g, shape)],
});

const flipOp = defineOp<{ readonly axes: readonly number[] }>({
  name: 'flip',
  forward: ([x], { axes }) => onStorage(x, layouts.flip(x.layout, axes)),
  backward: (g, { attributes: { axes } }) => [flip(g, axes)],
});

const cloneOp = defineOp({
  name: 'clone',
  forward([x]) {
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    kernels.copy(x, output);
    return output;
  },
  backward: (g) => [g],
});

/** The same values under another shape of the same size; one axis may be -1. Copies only where no strides can do it. */
export function reshape<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  return view(reshapeOp, x, { shape: layouts.inferShape('reshape', x.shape, shape) }) as Tensor<D>;
}

/** As `reshape`, but an error where it would copy: writes through the result always reach x. */
export function viewAs<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  const target = layouts.inferShape('view', x.shape, shape);
  if (layouts.reshape(x.layout, target) === null) {
    throw new ShapeError(
      `view: ${layouts.formatShape(x.shape)} with strides [${x.layout.strides.join(', ')}] cannot be seen as ${layouts.formatShape(target)} without a copy; use reshape()`,
    );
  }
  return reshape(x, target);
}

/** All values in one axis, or only the axes from `start` to `end` merged. */
export function flatten<D extends DType>(x: Tensor<D>, start = 0, end = -1): Tensor<D> {
  if (x.rank === 0) return reshape(x, [1]);
  const from = layouts.normalizeAxis('flatten', start, x.rank);
  const to = layouts.normalizeAxis('flatten', end, x.rank);
  if (from > to) throw new IndexError(`flatten: the first axis (${start}) must not come after the last (${end})`);
  const merged = layouts.sizeOf(x.shape.slice(from, to + 1));
  return reshape(x, [...x.shape.slice(0, from), merged, ...x.shape.slice(to + 1)]);
}

/** Axes in another order: axis i of the result is axis `order[i]` of x. */
export function permute<D extends DType>(x: Tensor<D>, order: readonly number[]): Tensor<D> {
  layouts.checkList('permute', 'order', order);
  const axes = order.map((axis) => layouts.normalizeAxis('permute', axis, x.rank));
  return view(permuteOp, x, { order: axes }) as Tensor<D>;
}

/** Two axes exchanged; by default the last two. */
export function transpose<D extends DType>(x: Tensor<D>, axis0 = -2, axis1 = -1): Tensor<D> {
  const [a, b] = [layouts.normalizeAxis('transpose', axis0, x.rank), layouts.normalizeAxis('transpose', axis1, x.rank)];
  const order = x.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  return view(permuteOp, x, { order }) as Tensor<D>;
}

/** The values repeated along axes of length 1 and along new leading axes, without copying; -1 keeps an axis. */
export function expand<D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> {
  layouts.checkList('expand', 'shape', shape);
  const lead = shape.length - x.rank;
  const target = shape.map((length, i) => (length === -1 && i >= lead ? x.shape[i - lead] : length));
  layouts.checkShape('expand', target);
  return view(expandOp, x, { shape: target }) as Tensor<D>;
}

/**
 * Every `step`-th value of an axis from `start` up to but without `stop`, by Python's rules: negative bounds count
 * from the end, bounds beyond the ends are cut, a negative step walks backwards.
 */
export function slice<D extends DType>(x: Tensor<D>, axis: number, start?: number, stop?: number, step = 1): Tensor<D> {
  const at = layouts.normalizeAxis('slice', axis, x.rank);
  return view(partOp, x, { part: (whole: Layout) => layouts.slice('slice', whole, at, start, stop, step) }) as Tensor<D>;
}

/** `length` values of an axis from `start`. */
export function narrow<D extends DType>(x: Tensor<D>, axis: number, start: number, length: number): Tensor<D> {
  const at = layouts.normalizeAxis('narrow', axis, x.rank);
  const from = start < 0 ? start + x.shape[at] : start;
  if (!Number.isInteger(from) || !Number.isInteger(length) || from < 0 || length < 0 || from + length > x.shape[at]) {
    throw new IndexError(`narrow: ${length} values from ${start} are not inside axis ${axis} of ${layouts.formatShape(x.shape)}`);
  }
  return slice(x, at, from, from + length);
}

/** One index of an axis; the axis goes away. */
export function select<D extends DType>(x: Tensor<D>, axis: number, index: number): Tensor<D> {
  const at = layouts.normalizeAxis('select', axis, x.rank);
  return view(partOp, x, { part: (whole: Layout) => layouts.select('select', whole, at, index) }) as Tensor<D>;
}

/** Without axes of length 1: all of them, or those named (which stay where they are longer, as in PyTorch). */
export function squeeze<D extends DType>(x: Tensor<D>, axes?: number | readonly number[]): Tensor<D> {
  const gone = layouts.normalizeAxes('squeeze', axes, x.rank).filter((axis) => x.shape[axis] === 1);
  return reshape(x, x.shape.filter((_, i) => !gone.includes(i)));
}

/** A new axis of length 1 at `axis`. */
export function unsqueeze<D extends DType>(x: Tensor<D>, axis: number): Tensor<D> {
  const at = layouts.normalizeAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** The values of the given axes (default: all) in reverse order, as a view. */
export function flip<D extends DType>(x: Tensor<D>, axes?: number | readonly number[]): Tensor<D> {
  return view(flipOp, x, { axes: layouts.normalizeAxes('flip', axes, x.rank) }) as Tensor<D>;
}

/** The values whose indices on two axes satisfy j = i + offset, as a new last axis. */
export function diagonal<D extends DType>(x: Tensor<D>, offset = 0, axis1 = 0, axis2 = 1): Tensor<D> {
  // No callback that names x: the one below is kept by the graph, and would keep x with it.
  const a = layouts.normalizeAxis('diagonal', axis1, x.rank);
  const b = layouts.normalizeAxis('diagonal', axis2, x.rank);
  if (a === b) throw new IndexError(`diagonal: the two axes must differ, both are ${a}`);
  if (!Number.isInteger(offset)) throw new IndexError(`diagonal: the offset must be a whole number, not ${offset}`);
  return view(partOp, x, { part: (whole: Layout) => layouts.diagonal(whole, offset, a, b) }) as Tensor<D>;
}

/** Views of consecutive parts of an axis: of a length each (the last may be shorter), or of the lengths listed. */
export function split<D extends DType>(x: Tensor<D>, size: number | readonly number[], axis = 0): Tensor<D>[] {
  const at = layouts.normalizeAxis('split', axis, x.rank);
  const length = x.shape[at];
  if (typeof size === 'number' && !(Number.isInteger(size) && size > 0)) throw new ArgumentError(`split: the size must be a whole number from 1, not ${size}`);
  const sizes = typeof size === 'number' ? Array.from({ length: Math.max(1, Math.ceil(length / size)) }, (_, i) => Math.min(size, length - i * size)) : size;
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (total !== length || sizes.some((part) => !Number.isInteger(part) || part < 0)) {
    throw new ShapeError(`split: the sizes [${sizes.join(', ')}] must be whole numbers that add up to ${length}, the length of axis ${axis} of ${layouts.formatShape(x.shape)}`);
  }
  let start = 0;
  return sizes.map((part) => slice(x, at, start, (start += part)));
}

/** At most `count` parts of equal length (the last may be shorter), as views. */
export function chunk<D extends DType>(x: Tensor<D>, count: number, axis = 0): Tensor<D>[] {
  if (!Number.isInteger(count) || count < 1) throw new ArgumentError(`chunk: the count must be a whole number from 1, not ${count}`);
  const length = x.shape[layouts.normalizeAxis('chunk', axis, x.rank)];
  return split(x, Math.max(1, Math.ceil(length / count)), axis);
}

/** One view for each index of an axis. */
export function unbind<D extends DType>(x: Tensor<D>, axis = 0): Tensor<D>[] {
  const at = layouts.normalizeAxis('unbind', axis, x.rank);
  return Array.from({ length: x.shape[at] }, (_, i) => select(x, at, i));
}

/** The same values in new memory of their own. */
export function clone<D extends DType>(x: Tensor<D>): Tensor<D> {
  return apply(cloneOp, [x], undefined) as Tensor<D>;
}

/** x itself where its values already lie densely in row-major order, else a copy that does. */
export function asContiguous<D extends DType>(x: Tensor<D>): Tensor<D> {
  return layouts.isContiguous(x.layout) ? x : clone(x);
}
