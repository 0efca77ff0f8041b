import { promote, type DType } from '../dtype.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxis, sameShape, slice, type Shape } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast, where } from './elementwise.ts';
import { apply, defineOp, wrap, type Op } from './op.ts';

/**
 * Indices as int32 from 0: negative ones count from the end, as in PyTorch. Values that already are so pass unchanged.
 * Every index is checked before a kernel runs, so kernels need not.
 */
function checkIndices(op: string, index: Tensor, length: number): Tensor {
  if (index.dtype === 'float32' || index.dtype === 'float64' || index.dtype === 'bool') {
    throw new DTypeError(`${op}: indices must be integers, not ${index.dtype}; use cast('int32'), or a mask with maskedSelect()`);
  }
  const ids = index.dtype === 'int32' ? index : cast(index, 'int32');
  let negative = false;
  const values = ids.isContiguous ? ids.storage.data.subarray(ids.layout.offset, ids.layout.offset + ids.size) : ids.toTypedArray();
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < -length || value >= length) throw new IndexError(`${op}: index ${value} (number ${i} of the indices) is outside an axis of ${length} values`);
    negative ||= value < 0;
  }
  return negative ? where(ids.lt(0), ids.add(length), ids) : ids;
}

interface AxisOnly {
  readonly axis: number;
}
interface IntoShape extends AxisOnly {
  readonly shape: Shape;
}

const indexSelectOp: Op<AxisOnly> = defineOp({
  name: 'indexSelect',
  saves: { inputs: [1] },
  forward([x, index], { axis }) {
    const output = allocate(x.layout.shape.map((length, i) => (i === axis ? index.layout.shape[0] : length)), x.storage.dtype);
    kernels.indexSelect(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], shapes: [shape], attributes: { axis } }) => [apply(indexSpreadOp, [g, index], { axis, shape }), null],
});

/** Zeros of `shape` with x added at the indices: the transpose of indexSelect. */
const indexSpreadOp: Op<IntoShape> = defineOp({
  name: 'indexSpread',
  saves: { inputs: [1] },
  forward([x, index], { axis, shape }) {
    const output = allocate(shape, x.storage.dtype);
    kernels.indexAdd(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], attributes: { axis } }) => [apply(indexSelectOp, [g, index], { axis }), null],
});

/** x at the positions `index` [n] of an axis: out[…, i, …] = x[…, index[i], …]. */
export function indexSelect<D extends DType>(x: Tensor<D>, axis: number, index: Tensor): Tensor<D> {
  const at = normalizeAxis('indexSelect', axis, x.rank);
  if (index.rank !== 1) throw new ShapeError(`indexSelect: the indices must have one axis, not shape ${formatShape(index.shape)}`);
  return apply(indexSelectOp, [x, checkIndices('indexSelect', index, x.shape[at])], { axis: at }) as Tensor<D>;
}

/** x with `source` added at the positions `index` [n] of an axis; positions named twice add up. */
export function indexAdd<D extends DType>(x: Tensor<D>, axis: number, index: Tensor, source: Tensor): Tensor<D> {
  const at = normalizeAxis('indexAdd', axis, x.rank);
  const expected = x.shape.map((length, i) => (i === at ? index.shape[0] : length));
  if (index.rank !== 1 || !sameShape(source.shape, expected)) {
    throw new ShapeError(`indexAdd: with indices ${formatShape(index.shape)} on axis ${axis} of ${formatShape(x.shape)} the source must have shape ${formatShape(expected)}, not ${formatShape(source.shape)}`);
  }
  const ids = checkIndices('indexAdd', index, x.shape[at]);
  return cast(x.add(apply(indexSpreadOp, [cast(source, x.dtype), ids], { axis: at, shape: x.shape })), x.dtype);
}

/**
 * Rows of a table [V, H] at ids of any shape: out[..., h] = weight[ids[...], h], shape [...ids, H].
 * No gradient flows into row `paddingIndex`.
 */
export function embedding<D extends DType>(weight: Tensor<D>, ids: Tensor, options: { readonly paddingIndex?: number } = {}): Tensor<D> {
  if (weight.rank !== 2) throw new ShapeError(`embedding: the table must have shape [rows, width], not ${formatShape(weight.shape)}`);
  const flat = checkIndices('embedding', ids, weight.shape[0]).reshape([ids.size]);
  const table = options.paddingIndex === undefined ? weight : apply(paddingRowOp, [weight], { row: options.paddingIndex });
  return indexSelect(table, 0, flat).reshape([...ids.shape, weight.shape[1]]) as Tensor<D>;
}

/** The table itself; its gradient is 0 in one row. */
const paddingRowOp = defineOp<{ readonly row: number }>({
  name: 'paddingRow',
  forward: ([weight]) => ({ storage: weight.storage, layout: weight.layout }),
  backward: (g, { attributes: { row } }) => {
    const rows = wrap(allocate([g.shape[0], 1], 'bool'));
    rows.storage.data[row] = 1;
    return [where(rows, 0, g)];
  },
});

const gatherOp: Op<AxisOnly> = defineOp({
  name: 'gather',
  saves: { inputs: [1] },
  forward([x, index], { axis }) {
    const output = allocate(index.layout.shape, x.storage.dtype);
    kernels.gather(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], shapes: [shape], attributes: { axis } }) => [apply(spreadOp, [g, index], { axis, shape }), null],
});

/** Zeros of `shape` with x added where the index says: the transpose of gather. */
const spreadOp: Op<IntoShape> = defineOp({
  name: 'scatterSpread',
  saves: { inputs: [1] },
  forward([x, index], { axis, shape }) {
    const output = allocate(shape, x.storage.dtype);
    kernels.scatter('add', x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], attributes: { axis } }) => [apply(gatherOp, [g, index], { axis }), null],
});

/** Indices for gather and scatter: the rank of x, and no longer than x on the other axes. */
function checkGather(op: string, x: Tensor, axis: number, index: Tensor): Tensor {
  if (index.rank !== x.rank || index.shape.some((length, i) => i !== axis && length > x.shape[i])) {
    throw new ShapeError(`${op}: indices ${formatShape(index.shape)} must have as many axes as ${formatShape(x.shape)} and be no longer, except on axis ${axis}`);
  }
  return checkIndices(op, index, x.shape[axis]);
}

/** out[i, j, …] = x[index[i, j, …], j, …] for axis 0, and so on; the result has the shape of the indices. */
export function gather<D extends DType>(x: Tensor<D>, axis: number, index: Tensor): Tensor<D> {
  const at = normalizeAxis('gather', axis, x.rank);
  return apply(gatherOp, [x, checkGather('gather', x, at, index)], { axis: at }) as Tensor<D>;
}

/** x with source[i, j, …] added at [index[i, j, …], j, …] for axis 0, and so on; `source` may be larger than the indices. */
export function scatterAdd<D extends DType>(x: Tensor<D>, axis: number, index: Tensor, source: Tensor): Tensor<D> {
  const at = normalizeAxis('scatterAdd', axis, x.rank);
  const ids = checkGather('scatterAdd', x, at, index);
  const used = partOf('scatterAdd', source, index.shape);
  return cast(x.add(apply(spreadOp, [cast(used, x.dtype), ids], { axis: at, shape: x.shape })), x.dtype);
}

/** The first values of each axis of `source`, as many as `shape` names. */
function partOf(op: string, source: Tensor, shape: Shape): Tensor {
  if (source.rank !== shape.length || shape.some((length, i) => length > source.shape[i])) {
    throw new ShapeError(`${op}: the source ${formatShape(source.shape)} must be at least as long as the indices ${formatShape(shape)} on every axis`);
  }
  return shape.reduce<Tensor>((part, length, axis) => part.narrow(axis, 0, length), source);
}

/** x with `value` where the mask holds; the mask broadcasts. */
export function maskedFill<D extends DType>(x: Tensor<D>, mask: Tensor, value: number | Tensor): Tensor<D> {
  if (mask.dtype !== 'bool') throw new DTypeError(`maskedFill: the mask must be bool, not ${mask.dtype}; compare first, for example mask.ne(0)`);
  return cast(where(mask, value, x), x.dtype);
}

const concatOp = defineOp<AxisOnly>({
  name: 'concat',
  forward(inputs, { axis }) {
    const shape = inputs[0].layout.shape.slice();
    shape[axis] = inputs.reduce((sum, { layout }) => sum + layout.shape[axis], 0);
    const output = allocate(shape, inputs[0].storage.dtype);
    let start = 0;
    for (const input of inputs) {
      const end = start + input.layout.shape[axis];
      const part: View = { storage: output.storage, layout: slice('concat', output.layout, axis, start, end) };
      kernels.copy(input, part);
      start = end;
    }
    return output;
  },
  backward(g, { shapes, attributes: { axis } }) {
    let start = 0;
    return shapes.map((shape) => {
      const part = g.narrow(axis, start, shape[axis]);
      start += shape[axis];
      return part;
    });
  },
});

/** Tensors one after another along an axis that exists; all other axes must agree. */
export function concat<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  if (tensors.length === 0) throw new ArgumentError('concat: at least one tensor is needed');
  const first = tensors[0];
  const at = normalizeAxis('concat', axis, first.rank);
  for (const tensor of tensors) {
    if (tensor.rank !== first.rank || tensor.shape.some((length, i) => i !== at && length !== first.shape[i])) {
      throw new ShapeError(`concat: ${formatShape(tensor.shape)} does not follow ${formatShape(first.shape)} on axis ${axis}: every other axis must have the same length`);
    }
  }
  const dtype = tensors.reduce<DType>((met, tensor) => promote(met, tensor.dtype), first.dtype);
  return apply(concatOp, tensors.map((tensor) => cast(tensor, dtype)), { axis: at }) as Tensor<D>;
}

/** Tensors of one shape along a new axis. */
export function stack<D extends DType>(tensors: readonly Tensor<D>[], axis = 0): Tensor<D> {
  if (tensors.length === 0) throw new ArgumentError('stack: at least one tensor is needed');
  for (const tensor of tensors) {
    if (!sameShape(tensor.shape, tensors[0].shape)) {
      throw new ShapeError(`stack: all tensors must have one shape, not ${formatShape(tensors[0].shape)} and ${formatShape(tensor.shape)}`);
    }
  }
  const at = normalizeAxis('stack', axis, tensors[0].rank + 1);
  return concat(tensors.map((tensor) => tensor.unsqueeze(at)), at) as Tensor<D>;
}
