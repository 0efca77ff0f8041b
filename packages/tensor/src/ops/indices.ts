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
  const dense = index.isContiguous;
  const values = dense ? index.storage.data : index.toTypedArray();
  const start = dense ? index.layout.offset : 0;
  const end = start + index.size;
  // Seen as unsigned, a negative index is beyond every axis too: one comparison finds all that need a second look.
  const bound = Math.min(length, 2147483648);
  let negative = false;
  for (let i = start; i < end; i++) {
    const value = values[i];
    if (value >>> 0 < bound) continue;
    if (value < -length || value >= length) throw outOfRange(op, value, i - start, index.shape, length);
    negative = true;
  }
  const ids = cast(index, 'int32');
  return negative ? (where(ids.lt(0), ids.add(length), ids) as Tensor<'int32'>) : ids;
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
