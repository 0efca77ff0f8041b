import { counted, promote, type Arithmetic, type DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes, formatShape } from '../layout.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast, stretch } from './elementwise.ts';
import { apply, checkTensor, defineOp } from './op.ts';

/** a [..., M, K] · b [..., K, N] → [..., M, N]; leading axes broadcast. */
const matmulOp = defineOp({
  name: 'matmul',
  saves: { inputs: (needs) => [...(needs[0] ? [1] : []), ...(needs[1] ? [0] : [])] },
  forward([a, b]) {
    const batch = broadcastShapes('matmul', a.layout.shape.slice(0, -2), b.layout.shape.slice(0, -2));
    const left = [...batch, ...a.layout.shape.slice(-2)];
    const right = [...batch, ...b.layout.shape.slice(-2)];
    const output = allocateUnset([...batch, left[left.length - 2], right[right.length - 1]], a.storage.dtype);
    kernels.matmul(stretch('matmul', a, left), stretch('matmul', b, right), output);
    return output;
  },
  backward: (g, { inputs: [a, b], needs }) => [
    needs[0] ? matmul(g, b.transpose()) : null,
    needs[1] ? matmul(a.transpose(), g) : null,
  ],
});

/**
 * The product of matrices a [..., M, K] and b [..., K, N]: out[..., m, n] = Σₖ a[..., m, k]·b[..., k, n].
 * Leading axes broadcast; an operand with one axis is a row (on the left) or a column (on the right) whose axis
 * the result does not have. Any strides. Floats are summed in float64 by the plain loops and rounded once; integers wrap.
 *
 * @throws ShapeError when the summed axes differ or an operand is a scalar.
 * @example
 * matmul(ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 */
export function matmul<A extends DType, B extends DType>(a: Tensor<A>, b: Tensor<B>): Tensor<Arithmetic<A, B>> {
  for (const operand of [a, b]) checkTensor('matmul', operand);
  if (a.rank === 0 || b.rank === 0) {
    throw new ShapeError(`matmul: operands ${formatShape(a.shape)} and ${formatShape(b.shape)} must have at least one axis; use mul() for scalars`);
  }
  const K = a.shape[a.rank - 1];
  const axis = b.rank === 1 ? 0 : b.rank - 2;
  if (b.shape[axis] !== K) {
    const last = b.shape[b.rank - 1];
    const remedy = b.rank >= 2 && last === K ? '; did you mean b.transpose()?' : '';
    throw new ShapeError(
      `matmul: last dimension of the first operand (${K} in ${formatShape(a.shape)}) must equal the ${b.rank === 1 ? 'only' : 'second-to-last'} of the second (${b.shape[axis]} in ${formatShape(b.shape)})${remedy}`,
    );
  }
  const dtype = counted(promote(a.dtype, b.dtype));
  const left = a.rank === 1 ? cast(a, dtype).unsqueeze(0) : cast(a, dtype);
  const right = b.rank === 1 ? cast(b, dtype).unsqueeze(1) : cast(b, dtype);
  let result = apply(matmulOp, [left, right], undefined);
  if (b.rank === 1) result = result.squeeze(-1);
  if (a.rank === 1) result = result.squeeze(b.rank === 1 ? -1 : -2);
  return result as Tensor<Arithmetic<A, B>>;
}
