import { promote, type DType } from '../dtype.ts';
import { DTypeError, IndexError } from '../errors.ts';
import { formatShape, type Shape } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { cast, scalar, where } from './elementwise.ts';
import { checkTensor } from './op.ts';

/** What the ops that read and write at indices share: every check is made here, before a kernel runs. */

/**
 * Indices as int32 from 0: negative ones count from the end, as in PyTorch. int32 values that already are so pass
 * unchanged; uint8 and int8 are cast.
 */
export function checkIndices(op: string, index: Tensor, length: number): Tensor<'int32'> {
  checkTensor(op, index);
  if (index.dtype !== 'int32' && index.dtype !== 'uint8' && index.dtype !== 'int8') {
    const remedy = index.dtype === 'bool' ? 'use maskedSelect(), maskedFill() or maskedScatter() with a mask' : "use cast('int32')";
    throw new DTypeError(`${op}: indices must be int32, uint8 or int8, not ${index.dtype}; ${remedy}`);
  }
  const once = unrepeated(index);
  const { data } = once.storage;
  // Read in rows where they lie: a copy of large tables takes longer than the look at it.
  const { shape, strides, offset } = once.isContiguous ? { shape: [once.size], strides: [1], offset: once.layout.offset } : once.layout;
  const [width, step] = [shape[shape.length - 1], strides[strides.length - 1]];
  // Seen as unsigned, a negative index is beyond every axis too: one comparison finds all that need a second look.
  const bound = Math.min(length, 2147483648);
  let negative = false;
  for (let first = 0; first < once.size; first += width) {
    let at = offset;
    for (let axis = shape.length - 2, rest = first / width; axis >= 0; rest = Math.floor(rest / shape[axis]), axis--) at += (rest % shape[axis]) * strides[axis];
    for (let i = 0; i < width; i++, at += step) {
      const value = data[at];
      if (value >>> 0 < bound) continue;
      if (value < -length || value >= length) throw outOfRange(op, value, first + i, once.shape, length);
      negative = true;
    }
  }
  const ids = cast(index, 'int32');
  return negative ? (where(ids.lt(0), ids.add(length), ids) as Tensor<'int32'>) : ids;
}

/** A view with the first of what `expand` repeats: its values are all that there are, each where it stands first. */
function unrepeated(index: Tensor): Tensor {
  const { shape, strides } = index.layout;
  return strides.reduce<Tensor>((part, stride, axis) => (stride === 0 && shape[axis] > 1 ? part.narrow(axis, 0, 1) : part), index);
}

function outOfRange(op: string, value: number, position: number, shape: Shape, length: number): IndexError {
  const at: number[] = [];
  for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
    at.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  const range = length === 0 ? 'has no values' : `takes indices from ${-length} to ${length - 1}`;
  return new IndexError(`${op}: index ${value} at ${formatShape(at)} of the indices is out of range: an axis of length ${length} ${range}`);
}

/** Values to be written into x: a number or a tensor, in x's dtype. A dtype that x's cannot hold is refused, not rounded. */
export function fitInto<D extends DType>(op: string, source: Tensor | number, x: Tensor<D>): Tensor<D> {
  if (typeof source === 'number') return scalar(op, source, x.dtype);
  if (promote(x.dtype, source.dtype) !== x.dtype) {
    throw new DTypeError(`${op}: values of ${source.dtype} do not fit into a tensor of ${x.dtype}; cast the one to the other's dtype first`);
  }
  return cast(source, x.dtype);
}

/** Where x is other than 0 (NaN is), as positions in its row-major order. */
export function nonZeroPositions(x: Tensor): Int32Array {
  const mask = x.dtype === 'bool' && x.isContiguous ? x : cast(x, 'bool').contiguous();
  const { data } = mask.storage;
  const start = mask.layout.offset;
  const end = start + mask.size;
  let count = 0;
  for (let i = start; i < end; i++) count += data[i];
  const positions = new Int32Array(count);
  for (let i = start, n = 0; n < count; i++) if (data[i] !== 0) positions[n++] = i - start;
  return positions;
}
