import { promote, type DType } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { checkShape, formatShape, normalizeAxis, sameShape, slice } from '../layout.ts';
import { allocate, allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, checkTensor, defineOp, kindOf, wrap, type Op } from './op.ts';

/** Tensors beside one another, and copies of one beside itself. */

const concatOp: Op<{ readonly axis: number }> = defineOp({
  name: 'concat',
  forward(inputs, { axis }) {
    const shape = inputs[0].layout.shape.slice();
    shape[axis] = inputs.reduce((sum, { layout }) => sum + layout.shape[axis], 0);
    const output = allocateUnset(shape, inputs[0].storage.dtype);
    let start = 0;
    for (const input of inputs) {
      const end = start + input.layout.shape[axis];
      kernels.copy(input, { storage: output.storage, layout: slice('concat', output.layout, axis, start, end) });
      start = end;
    }
    return output;
  },
  backward(g, { shapes, needs, attributes: { axis } }) {
    let start = 0;
    return shapes.map((shape, i) => {
      const from = start;
      start += shape[axis];
      return needs[i] ? g.narrow(axis, from, shape[axis]) : null;
    });
  },
});

function checkTensors(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors)) throw new ArgumentError(`${op}: the tensors must be one array, as in ${op}([a, b]), not ${kindOf(tensors)}`);
  if (tensors.length === 0) throw new ArgumentError(`${op}: at least one tensor is needed`);
  for (const tensor of tensors) checkTensor(op, tensor);
}

/**
 * Tensors one after another along an axis that exists; all other axes must agree. Different dtypes are promoted.
 * @throws ShapeError where another axis differs, ArgumentError for no tensors.
 */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  checkTensors('concat', tensors);
  const first = tensors[0];
  if (first.rank === 0) throw new ShapeError('concat: scalars have no axis to follow one another on; use stack()');
  const at = normalizeAxis('concat', axis, first.rank);
  for (const tensor of tensors) {
    if (tensor.rank !== first.rank || tensor.shape.some((length, i) => i !== at && length !== first.shape[i])) {
      throw new ShapeError(`concat: ${formatShape(tensor.shape)} does not follow ${formatShape(first.shape)} on axis ${axis}: every other axis must have the same length`);
    }
  }
  const dtype = tensors.reduce<DType>((met, tensor) => promote(met, tensor.dtype), first.dtype);
  return apply(concatOp, tensors.map((tensor) => cast(tensor, dtype)), { axis: at }) as Tensor<D>;
}

/** Tensors of one shape along a new axis. Different dtypes are promoted. */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  checkTensors('stack', tensors);
  for (const tensor of tensors) {
    if (!sameShape(tensor.shape, tensors[0].shape)) {
      throw new ShapeError(`stack: all tensors must have one shape, not ${formatShape(tensors[0].shape)} and ${formatShape(tensor.shape)}`);
    }
  }
  const at = normalizeAxis('stack', axis, tensors[0].rank + 1);
  return concat(tensors.map((tensor) => tensor.unsqueeze(at)), at);
}

/**
 * x side by side with itself, repeats[i] times along axis i. Of repeats and x's axes the shorter list is filled up with
 * ones in front, as in NumPy.
 * @example
 * tensor([1, 2]).tile([2, 2]).toArray(); // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function tile<D extends DType>(x: Tensor<D>, repeats: readonly number[]): Tensor<D> {
  checkShape('tile', repeats);
  const rank = Math.max(x.rank, repeats.length);
  const ones = (count: number) => new Array<number>(count).fill(1);
  const times = [...ones(rank - repeats.length), ...repeats];
  const shape = [...ones(rank - x.rank), ...x.shape];
  const pairs = x.reshape(shape.flatMap((length) => [1, length]));
  return pairs.expand(shape.flatMap((length, i) => [times[i], length])).reshape(shape.map((length, i) => times[i] * length));
}

/**
 * Each slice of an axis (without one: each value of the flattened tensor) several times in a row: as often as a number
 * says for all, or a list [length] for each.
 * @example
 * tensor([1, 2]).repeatInterleave(2).toArray();      // [1, 1, 2, 2]
 * tensor([1, 2]).repeatInterleave([0, 3]).toArray(); // [2, 2, 2]
 */
export function repeatInterleave<D extends DType>(x: Tensor<D>, repeats: number | readonly number[], axis?: number): Tensor<D> {
  if (axis === undefined) return repeatInterleave(x.reshape([x.size]), repeats, 0);
  const at = normalizeAxis('repeatInterleave', axis, x.rank);
  const { shape } = x;
  for (const count of typeof repeats === 'number' ? [repeats] : repeats) {
    if (!Number.isSafeInteger(count) || count < 0) throw new ArgumentError(`repeatInterleave: the repeats must be whole numbers from 0, not ${count}`);
  }
  if (typeof repeats === 'number') {
    const wide = [...shape.slice(0, at + 1), repeats, ...shape.slice(at + 1)];
    return x.unsqueeze(at + 1).expand(wide).reshape(shape.map((length, i) => (i === at ? length * repeats : length)));
  }
  if (repeats.length !== shape[at]) {
    throw new ShapeError(`repeatInterleave: ${repeats.length} repeats for the ${shape[at]} slices of axis ${axis} of ${formatShape(shape)}; give one number for each, or one for all`);
  }
  const index = allocate([repeats.reduce((sum, count) => sum + count, 0)], 'int32');
  let n = 0;
  repeats.forEach((count, i) => {
    for (let k = 0; k < count; k++) index.storage.data[n++] = i;
  });
  return x.indexSelect(at, wrap(index));
}
