import type { DType } from '../dtype.ts';
import { IndexError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxis } from '../layout.ts';
import { allocate } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { gatherChecked } from './gather.ts';
import { apply, defineOp, type Op } from './op.ts';

export interface SortOptions {
  /** From the largest on. Default false. */
  readonly descending?: boolean;
}

export interface TopKOptions {
  /** The largest values; false: the smallest. Default true. */
  readonly largest?: boolean;
  /** From the best on; false: in the order in which they stand in x. Default true. */
  readonly sorted?: boolean;
}

/** Values with the places on the axis that they were taken from. */
export interface Sorted<D extends DType> {
  readonly values: Tensor<D>;
  readonly indices: Tensor<'int32'>;
}

const argSortOp: Op<{ readonly axis: number; readonly descending: boolean }> = defineOp({
  name: 'argSort',
  forward([x], { axis, descending }) {
    const output = allocate(x.layout.shape, 'int32');
    kernels.argSort(x, axis, descending, output);
    return output;
  },
  backward: 'none',
});

const topKOp: Op<{ readonly k: number; readonly axis: number; readonly largest: boolean }> = defineOp({
  name: 'topK',
  forward([x], { k, axis, largest }) {
    const output = allocate(x.layout.shape.map((length, i) => (i === axis ? k : length)), 'int32');
    kernels.topK(x, axis, largest, output);
    return output;
  },
  backward: 'none',
});

function order(op: string, x: Tensor, axis: number, { descending = false }: SortOptions): { readonly at: number; readonly indices: Tensor<'int32'> } {
  const at = normalizeAxis(op, axis, x.rank);
  return { at, indices: apply(argSortOp, [x], { axis: at, descending }) as Tensor<'int32'> };
}

/** The indices that sort x along an axis. Stable: equal values keep their order, in both directions. NaN counts as largest. */
export function argSort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor<'int32'> {
  return order('argSort', x, axis, options).indices;
}

/**
 * The values of x in order along an axis, and their indices. Stable: equal values keep their order, in both
 * directions; −0 equals 0 and NaN counts as largest. The gradient goes back to where each value came from.
 * @example
 * const { values, indices } = tensor([3, 1, 2]).sort(); // [1, 2, 3] and [1, 2, 0]
 */
export function sort<D extends DType>(x: Tensor<D>, axis = -1, options: SortOptions = {}): Sorted<D> {
  const { at, indices } = order('sort', x, axis, options);
  return { values: gatherChecked(x, at, indices), indices };
}

/**
 * The k largest (or smallest) values along an axis and their indices; of equal values those that stand first. NaN
 * counts as largest. The gradient goes back to where each value came from.
 * @throws IndexError unless 0 ≤ k ≤ the length of the axis.
 */
export function topK<D extends DType>(x: Tensor<D>, k: number, axis = -1, { largest = true, sorted = true }: TopKOptions = {}): Sorted<D> {
  const at = normalizeAxis('topK', axis, x.rank);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[at]) {
    throw new IndexError(`topK: k = ${k} must be a whole number from 0 to ${x.shape[at]}, the length of axis ${axis} of ${formatShape(x.shape)}`);
  }
  const best = apply(topKOp, [x], { k, axis: at, largest }) as Tensor<'int32'>;
  const indices = sorted ? best : sort(best, at).values;
  return { values: gatherChecked(x, at, indices), indices };
}
