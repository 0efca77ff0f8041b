import { isFloat, newArray, summed, type DType, type Summed } from '../dtype.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { contiguous, formatShape, sameShape } from '../layout.ts';
import { allocate, Storage } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { nonZeroPositions } from './indices.ts';
import { wrap } from './op.ts';
import { spreadRows } from './select.ts';

/** Results whose size depends on the values: distinct values, places, counts. */

export interface UniqueOptions {
  /** Also how often each value occurs. */
  readonly counts?: boolean;
  /** Also, in the shape of x, where each of its values stands in the result. */
  readonly inverse?: boolean;
}

/** The parts that were asked for, beside the values. */
export type Unique<D extends DType, O extends UniqueOptions> = { readonly values: Tensor<D> } & (O extends { readonly counts: true }
  ? { readonly counts: Tensor<'int32'> }
  : unknown) &
  (O extends { readonly inverse: true } ? { readonly inverse: Tensor<'int32'> } : unknown);

/**
 * The distinct values of x [m] in rising order; −0 equals 0, and all NaN are one value, the last. No gradient.
 * @example
 * const { values, inverse } = tensor([3, 1, 3]).unique({ inverse: true }); // [1, 3] and [1, 0, 1]
 */
export function unique<D extends DType, const O extends UniqueOptions = UniqueOptions>(x: Tensor<D>, options?: O): Unique<D, O> {
  const size = x.size;
  const data = x.toTypedArray();
  const order = allocate([size], 'int32');
  kernels.argSort({ storage: new Storage(x.dtype, data), layout: contiguous([size]) }, 0, false, order);
  const inverse = allocate(x.shape, 'int32');
  const places = order.storage.data.slice();
  const starts: number[] = [];
  for (let i = 0; i < size; i++) {
    const value = data[places[i]];
    const last = starts.length === 0 ? undefined : data[places[starts[starts.length - 1]]];
    if (last === undefined || (value !== last && (value === value || last === last))) starts.push(i);
    inverse.storage.data[places[i]] = starts.length - 1;
  }
  const values = newArray(x.dtype, starts.length);
  const counts = allocate([starts.length], 'int32');
  starts.forEach((start, i) => {
    values[i] = data[places[start]];
    counts.storage.data[i] = (i + 1 < starts.length ? starts[i + 1] : size) - start;
  });
  const result = {
    values: wrap({ storage: new Storage(x.dtype, values), layout: contiguous([starts.length]) }),
    ...(options?.counts ? { counts: wrap(counts) } : {}),
    ...(options?.inverse ? { inverse: wrap(inverse) } : {}),
  };
  return result as Unique<D, O>;
}

/** The indices of all values other than 0 (NaN is), in row-major order: int32 [count, rank]. */
export function nonZero(x: Tensor): Tensor<'int32'> {
  const positions = nonZeroPositions(x);
  const output = allocate([positions.length, x.rank], 'int32');
  const { data } = output.storage;
  positions.forEach((position, n) => {
    let rest = position;
    for (let axis = x.rank - 1; axis >= 0; axis--) {
      data[n * x.rank + axis] = rest % x.shape[axis];
      rest = Math.floor(rest / x.shape[axis]);
    }
  });
  return wrap(output);
}

export interface BincountOptions<W extends DType = DType> {
  /** What each occurrence counts, in the shape of x; a gradient flows to it. Default 1. */
  readonly weights?: Tensor<W>;
  /** The least length of the result. Default 0. */
  readonly minLength?: number;
}

/**
 * How often each whole number occurs in x [n]: out[v] = Σ weights[i] over all i with x[i] = v, of length
 * max(minLength, largest x + 1). Counts are int32; weights are added in float64 and keep their dtype, integers as int32.
 * @throws IndexError for a negative number, DTypeError where a sum of integer weights does not fit in int32.
 */
export function bincount<W extends DType = 'int32'>(x: Tensor, { weights, minLength = 0 }: BincountOptions<W> = {}): Tensor<Summed<W>> {
  if (x.rank !== 1) throw new ShapeError(`bincount: the numbers must have one axis, not shape ${formatShape(x.shape)}; use flatten()`);
  if (isFloat(x.dtype)) throw new DTypeError(`bincount: the numbers must be integers, not ${x.dtype}; use cast('int32')`);
  if (!Number.isInteger(minLength) || minLength < 0) throw new ArgumentError(`bincount: minLength must be a whole number from 0, not ${minLength}`);
  if (weights !== undefined && !sameShape(weights.shape, x.shape)) {
    throw new ShapeError(`bincount: the weights ${formatShape(weights.shape)} must have the shape of the numbers, ${formatShape(x.shape)}`);
  }
  const ids = cast(x, 'int32');
  let length = minLength;
  ids.toTypedArray().forEach((id, i) => {
    if (id < 0) throw new IndexError(`bincount: number ${id} at [${i}] is negative, and only whole numbers from 0 are counted; shift them first`);
    length = Math.max(length, id + 1);
  });
  const each = weights === undefined ? wrap(oneEach(x.size)) : cast(weights, 'float64');
  const totals = spreadRows(each, ids, [length]);
  const dtype = weights === undefined ? 'int32' : summed(weights.dtype);
  if (dtype === 'int32') refuseOverflow(totals);
  return cast(totals, dtype) as Tensor<Summed<W>>;
}

function oneEach(count: number) {
  const ones = allocate([count], 'float64');
  ones.storage.data.fill(1);
  return ones;
}

function refuseOverflow(totals: Tensor): void {
  totals.toTypedArray().forEach((total, i) => {
    if (total > 2147483647 || total < -2147483648) throw new DTypeError(`bincount: the weights of ${i} add up to ${total}, which does not fit in int32; cast them to 'float64' first`);
  });
}
