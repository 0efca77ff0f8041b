import type { Arithmetic, DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { formatShape } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { mul } from './elementwise.ts';
import { matmul } from './matmul.ts';

function checkVectors(op: string, a: Tensor, b: Tensor, remedy: string): void {
  if (a.rank !== 1 || b.rank !== 1) throw new ShapeError(`${op}: both operands must have one axis, not ${formatShape(a.shape)} and ${formatShape(b.shape)}; ${remedy}`);
}

/**
 * Σᵢ a[i]·b[i] of two vectors.
 * @throws ShapeError when an operand has not one axis, or their lengths differ.
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])).item(); // 11
 */
export function dot<A extends DType, B extends DType>(a: Tensor<A>, b: Tensor<B>): Tensor<Arithmetic<A, B>> {
  checkVectors('dot', a, b, 'use matmul() for matrices');
  if (a.shape[0] !== b.shape[0]) throw new ShapeError(`dot: the vectors have ${a.shape[0]} and ${b.shape[0]} values; both must have the same number`);
  return matmul(a, b);
}

/**
 * out[i, j] = a[i]·b[j] of two vectors.
 * @throws ShapeError when an operand has not one axis.
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])); // [[3, 4], [6, 8]]
 */
export function outer<A extends DType, B extends DType>(a: Tensor<A>, b: Tensor<B>): Tensor<Arithmetic<A, B>> {
  checkVectors('outer', a, b, 'use flatten() first');
  return mul<Tensor, Tensor>(a.unsqueeze(1), b) as Tensor<Arithmetic<A, B>>;
}
