import type { DType } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { formatShape } from '../layout.ts';
import { allocate } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './elementwise.ts';
import { wrap } from './op.ts';

/** x on one side of a diagonal of its last two axes, 0 on the other. */
function triangle<D extends DType>(op: string, x: Tensor<D>, diagonal: number, keeps: (column: number, edge: number) => boolean): Tensor<D> {
  if (x.rank < 2) throw new ShapeError(`${op}: ${formatShape(x.shape)} has no matrices; x needs at least two axes`);
  if (!Number.isInteger(diagonal)) throw new ArgumentError(`${op}: the diagonal must be a whole number, not ${diagonal}`);
  const [rows, columns] = x.shape.slice(-2);
  const mask = allocate([rows, columns], 'bool');
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) mask.storage.data[at] = keeps(column, row + diagonal) ? 1 : 0;
  }
  return where(wrap(mask), x, 0) as Tensor as Tensor<D>;
}

/**
 * The values of the last two axes whose column is at most row + diagonal, and 0 elsewhere. Differentiable, on any batch.
 *
 * @example
 * tril(ones([3, 3]));     // the causal mask
 */
export function tril<D extends DType>(x: Tensor<D>, diagonal = 0): Tensor<D> {
  return triangle('tril', x, diagonal, (column, edge) => column <= edge);
}

/** The values of the last two axes whose column is at least row + diagonal, and 0 elsewhere. Differentiable, on any batch. */
export function triu<D extends DType>(x: Tensor<D>, diagonal = 0): Tensor<D> {
  return triangle('triu', x, diagonal, (column, edge) => column >= edge);
}
