import ndarray from 'ndarray';
import type { DType, TypedArrayOf } from '../dtype.ts';
import { AutogradError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { share } from './fromNdarray.ts';

/**
 * The bridge to scijs. It has a subpath of its own because `ndarray` builds its classes with `new Function`, which a
 * strict content security policy forbids; `fromNdarray` needs no such thing and is in the main entry too.
 */
export { fromNdarray, type NdarrayLike } from './fromNdarray.ts';

/**
 * An `ndarray` on the memory of a tensor, with its strides: a write to either is a write to both. Autograd cannot see
 * writes to the array; where they may come before backward, take `toNdarray(x.clone())`. Bools become bytes of 0 and 1.
 *
 * @throws AutogradError for a tensor that requires grad: say `x.detach()` to share its values all the same.
 * @example
 * import { toNdarray } from '@strided/tensor/ndarray';
 * import ops from 'ndarray-ops';
 * ops.sup(toNdarray(x));
 */
export function toNdarray<D extends DType>(x: Tensor<D>): ndarray.NdArray<TypedArrayOf<D>> {
  if (x.requiresGrad) throw new AutogradError('toNdarray: writes to the array would be invisible to the graph of a tensor that requires grad; use toNdarray(x.detach()), or x.detach().clone()');
  share(x.storage);
  return ndarray(x.storage.data, [...x.shape], [...x.strides], x.layout.offset);
}
