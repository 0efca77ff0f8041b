import type { DType } from '../dtype.ts';
import { formatShape, sameShape, type Shape } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { expectClose, type CloseOptions } from './close.ts';

/** Loops for oracles that share no code with the engine: they read memory by the definition of a strided layout. */

/** Every index of a shape in row-major order. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>((list, length) => list.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])), [[]]);
}

/** x[index]. */
export function valueAt(x: Tensor, index: readonly number[]): number {
  return x.storage.data[index.reduce((at, i, axis) => at + i * x.layout.strides[axis], x.layout.offset)];
}

/** For each index of the axes that stay, in row-major order, all values over the others, in row-major order. */
export function groupsOver(x: Tensor, axes: readonly number[]): number[][] {
  const kept = indicesOf(x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)));
  const over = indicesOf(x.shape.map((length, axis) => (axes.includes(axis) ? length : 1)));
  return kept.map((base) => over.map((step) => valueAt(x, base.map((i, axis) => i + step[axis]))));
}

/** Throws unless x has this dtype and shape, and at each index the value that `expected` gives. */
export function expectTensor(x: Tensor, dtype: DType, shape: Shape, expected: (index: readonly number[]) => number, options?: CloseOptions): void {
  if (x.dtype !== dtype) throw new Error(`expectTensor: dtype ${x.dtype} instead of ${dtype}`);
  if (!sameShape(x.shape, shape)) throw new Error(`expectTensor: shape ${formatShape(x.shape)} instead of ${formatShape(shape)}`);
  const indices = indicesOf(shape);
  expectClose(Float64Array.from(indices, (index) => valueAt(x, index)), Float64Array.from(indices, expected), options ?? (dtype === 'float32' ? { rtol: 1.3e-6, atol: 1e-5 } : {}));
}
