import type { DType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { broadcastShapes, contiguous, formatShape, sizeOf } from '../layout.ts';
import { Storage } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './elementwise.ts';
import { scatter } from './gather.ts';
import { fitInto, nonZeroPositions } from './indices.ts';
import { wrap } from './op.ts';
import { selectChecked } from './select.ts';

/** Reading and writing where a bool mask holds. The mask and x broadcast together. */

function checkMask(op: string, mask: Tensor): void {
  if (mask.dtype !== 'bool') throw new DTypeError(`${op}: the mask must be bool, not ${mask.dtype}; compare first, for example mask.ne(0)`);
}

/** x and the places where the mask holds, as positions in the row-major order of the shape that both stretch to. */
function placesOf<D extends DType>(op: string, x: Tensor<D>, mask: Tensor) {
  checkMask(op, mask);
  const shape = broadcastShapes(op, x.shape, mask.shape);
  const positions = nonZeroPositions(mask.expand(shape));
  return {
    shape,
    flat: x.expand(shape).reshape([sizeOf(shape)]),
    places: wrap({ storage: new Storage('int32', positions), layout: contiguous([positions.length]) }),
  };
}

/**
 * The values of x where the mask holds, in row-major order: shape [count].
 * @example
 * tensor([1, 2, 3]).maskedSelect(tensor([true, false, true])).toArray(); // [1, 3]
 */
export function maskedSelect<D extends DType>(x: Tensor<D>, mask: Tensor): Tensor<D> {
  const { flat, places } = placesOf('maskedSelect', x, mask);
  return selectChecked(flat, 0, places);
}

/**
 * x with `value` where the mask holds; a tensor of values broadcasts too.
 * @throws DTypeError where the mask is not bool or x cannot hold the value, ShapeError where they do not broadcast.
 */
export function maskedFill<D extends DType>(x: Tensor<D>, mask: Tensor, value: number | Tensor): Tensor<D> {
  checkMask('maskedFill', mask);
  const filling = fitInto('maskedFill', value, x);
  broadcastShapes('maskedFill', x.shape, mask.shape, filling.shape);
  return where(mask, filling, x) as Tensor<D>;
}

/**
 * x with the first values of `source`, in row-major order, where the mask holds.
 * @throws ShapeError where the source has fewer values than the mask has places, DTypeError where x cannot hold them.
 */
export function maskedScatter<D extends DType>(x: Tensor<D>, mask: Tensor, source: Tensor): Tensor<D> {
  const { shape, flat, places } = placesOf('maskedScatter', x, mask);
  if (source.size < places.size) {
    throw new ShapeError(`maskedScatter: the mask holds at ${places.size} places, and the source ${formatShape(source.shape)} has only ${source.size} values`);
  }
  return scatter(flat, 0, places, source.reshape([source.size])).reshape(shape);
}
