import { dtypeOf, finish, type DTypeOfArray } from '../creation.ts';
import type { TypedArray } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { checkShape, extent, formatShape, type Layout } from '../layout.ts';
import { Storage } from '../storage.ts';
import { Tensor } from '../tensor.ts';

/** Anything built like an `ndarray` of the scijs packages: value (i₀, …) is `data[offset + Σ iₖ·stride[k]]`. */
export interface NdarrayLike<A extends TypedArray = TypedArray> {
  readonly data: A;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
}

/** One storage for one array, however often it comes and goes: tensors made of it then see each other's writes. */
const shared = new WeakMap<TypedArray, Storage>();

function storageOf(data: TypedArray): Storage {
  const known = shared.get(data);
  if (known !== undefined) return known;
  const storage = new Storage(dtypeOf('fromNdarray', data), data);
  share(storage);
  return storage;
}

/** Notes that a storage's array is known outside, after giving it one: whatever scope it was made in, it stays. */
export function share(storage: Storage): void {
  storage.moveOut();
  storage.region = null;
  storage.pinned = true;
  shared.set(storage.data, storage);
}

/**
 * A tensor on the memory of an `ndarray`, whatever its strides: a write to either is a write to both. Autograd cannot
 * see writes from outside; where the array may still be written to before backward, take `fromNdarray(a).clone()`.
 *
 * @throws DTypeError where the data is no typed array of a dtype; ShapeError where the layout reaches outside of it.
 * @example
 * const a = ndarray(new Float32Array(6), [2, 3]);
 * fromNdarray(a.transpose(1, 0)).shape; // [3, 2]
 */
export function fromNdarray<A extends TypedArray>(array: NdarrayLike<A>, options: { readonly requiresGrad?: boolean } = {}): Tensor<DTypeOfArray<A>> {
  const storage = storageOf(array.data);
  const layout: Layout = { shape: [...checkShape('fromNdarray', array.shape)], strides: [...array.stride], offset: array.offset };
  const { shape, strides, offset } = layout;
  if (strides.length !== shape.length || ![...strides, offset].every(Number.isSafeInteger)) {
    throw new ShapeError(`fromNdarray: strides [${strides.join(', ')}] and offset ${offset} must be whole numbers, one stride for each axis of ${formatShape(shape)}`);
  }
  const reach = extent(layout);
  if (reach !== null && (reach.first < 0 || reach.last >= array.data.length)) {
    throw new ShapeError(
      `fromNdarray: shape ${formatShape(shape)} with strides [${strides.join(', ')}] and offset ${offset} reaches elements ${reach.first} to ${reach.last} of an array of ${array.data.length}`,
    );
  }
  return finish(new Tensor({ storage, layout }), options) as Tensor as Tensor<DTypeOfArray<A>>;
}
