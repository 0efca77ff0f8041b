import type { DType } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { broadcastShapes, formatShape, sizeOf } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { checkIndices } from './indices.ts';
import { selectChecked } from './select.ts';

/** Reading single values, or slices named by several indices each, through their position in row-major order. */

/** The values of x at positions in its row-major order: out[…] = x.flatten()[positions[…]], in their shape. */
export function take<D extends DType>(x: Tensor<D>, positions: Tensor): Tensor<D> {
  const flat = checkIndices('take', positions, x.size).reshape([positions.size]);
  return selectChecked(x.reshape([x.size]), 0, flat).reshape(positions.shape);
}

/**
 * x[i₀[…], i₁[…], …]: an index tensor for each of the first axes, which broadcast together; their shape takes the place
 * of those axes.
 * @throws IndexError for an index out of range, ArgumentError for no indices or more than x has axes.
 * @example
 * hidden.index([batch, position]); // [8, 128, 768] at [n] and [n]: [n, 768]
 */
export function index<D extends DType>(x: Tensor<D>, indices: readonly Tensor[]): Tensor<D> {
  if (indices.length === 0 || indices.length > x.rank) {
    throw new ArgumentError(`index: ${formatShape(x.shape)} takes from 1 to ${x.rank} index tensors, one for each of its first axes, not ${indices.length}`);
  }
  const shape = broadcastShapes('index', ...indices.map((each) => each.shape));
  const lead = x.shape.slice(0, indices.length);
  const rest = x.shape.slice(indices.length);
  const ids = indices.map((each, axis) => checkIndices('index', each, lead[axis]));
  const position = ids.reduce((sum, each, axis) => (axis === 0 ? each : sum.mul(lead[axis]).add(each))).expand(shape);
  const rows = selectChecked(x.reshape([sizeOf(lead), ...rest]), 0, position.reshape([sizeOf(shape)]));
  return rows.reshape([...shape, ...rest]);
}
