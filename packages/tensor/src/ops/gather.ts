import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxis, type Shape } from '../layout.ts';
import { allocate, allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast, scalar, where } from './elementwise.ts';
import { checkIndices, fitInto } from './indices.ts';
import { apply, checkTensor, defineOp, wrap, type Op } from './op.ts';

/** Reading and writing along one axis, with an index for every value. */

interface AxisOnly {
  readonly axis: number;
}
interface IntoShape extends AxisOnly {
  readonly shape: Shape;
}

const gatherOp: Op<AxisOnly> = defineOp({
  name: 'gather',
  saves: { inputs: [1] },
  forward([x, index], { axis }) {
    const output = allocateUnset(index.layout.shape, x.storage.dtype);
    kernels.gather(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], shapes: [shape], attributes: { axis } }) => [apply(spreadOp, [g, index], { axis, shape }), null],
});

/** Zeros of `shape` with x added where the index says: the transpose of gather. */
const spreadOp: Op<IntoShape> = defineOp({
  name: 'gatherSpread',
  saves: { inputs: [1] },
  forward([x, index], { axis, shape }) {
    const output = allocate(shape, x.storage.dtype);
    kernels.scatter('add', x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], attributes: { axis } }) => [apply(gatherOp, [g, index], { axis }), null],
});

/** A copy of x with the source written where the index says. */
function writeAt(mode: 'set' | 'add') {
  return ([x, index, source]: readonly View[], { axis }: AxisOnly): View => {
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    kernels.copy(x, output);
    kernels.scatter(mode, source, axis, index, output);
    return output;
  };
}

const scatterAddOp: Op<AxisOnly> = defineOp({
  name: 'scatterAdd',
  saves: { inputs: (needs) => (needs[2] ? [1] : []) },
  forward: writeAt('add'),
  backward: (g, { inputs: [, index], needs, attributes: { axis } }) => [g, null, needs[2] ? apply(gatherOp, [g, index], { axis }) : null],
});

const scatterOp: Op<AxisOnly> = defineOp({
  name: 'scatter',
  saves: { inputs: [1] },
  forward: writeAt('set'),
  // Nothing flows to a value of x that was written over, nor to a value of the source that a later one wrote over.
  backward: (g, { inputs: [, index], shapes: [shape], needs, attributes: { axis } }) => [
    needs[0] ? apply(scatterOp, [g, index, scalar('scatter', 0, g.dtype).expand(index.shape)], { axis }) : null,
    null,
    needs[2] ? where(lasting(index, axis, shape), apply(gatherOp, [g, index], { axis }), 0) : null,
  ],
});

/** Which values of a source stay when it is scattered: each writes its own number, and those that still find it stayed. */
function lasting(index: Tensor, axis: number, shape: Shape): Tensor {
  const numbers = allocate(index.shape, 'int32');
  for (let i = 0; i < numbers.storage.data.length; i++) numbers.storage.data[i] = i;
  const [written, found, stayed] = [allocate(shape, 'int32'), allocate(index.shape, 'int32'), allocate(index.shape, 'bool')];
  kernels.scatter('set', numbers, axis, index, written);
  kernels.gather(written, axis, index, found);
  kernels.binary('eq', found, numbers, stayed);
  return wrap(stayed);
}

/** Indices for gather and scatter: the rank of x, and no longer than x on the other axes. */
function checkIndex(op: string, x: Tensor, axis: number, index: Tensor): Tensor<'int32'> {
  checkTensor(op, index);
  if (index.rank !== x.rank || index.shape.some((length, i) => i !== axis && length > x.shape[i])) {
    throw new ShapeError(`${op}: the indices ${formatShape(index.shape)} must have as many axes as ${formatShape(x.shape)} and be no longer, except on axis ${axis}; expand() or narrow() them`);
  }
  return checkIndices(op, index, x.shape[axis]);
}

/** A number everywhere, or the first values of each axis of `source`: as many as there are indices. */
function checkSource<D extends DType>(op: string, x: Tensor<D>, index: Tensor, source: Tensor | number): Tensor<D> {
  const values = fitInto(op, source, x);
  const { shape } = index;
  if (typeof source === 'number') return values.expand(shape);
  if (values.rank !== shape.length || shape.some((length, i) => length > values.shape[i])) {
    throw new ShapeError(`${op}: the source ${formatShape(values.shape)} must be at least as long as the indices ${formatShape(shape)} on every axis; expand() it`);
  }
  return shape.reduce((part, length, axis) => (part.shape[axis] === length ? part : part.narrow(axis, 0, length)), values);
}

/**
 * out[i, j, …] = x[index[i, j, …], j, …] for axis 0, out[i, j, …] = x[i, index[i, j, …], …] for axis 1, and so on: the
 * result has the shape of the indices, which may be shorter than x on the other axes. Negative indices count from the end.
 * @throws IndexError for an index out of range, ShapeError where the indices do not fit beside x.
 */
export function gather<D extends DType>(x: Tensor<D>, axis: number, index: Tensor): Tensor<D> {
  const at = normalizeAxis('gather', axis, x.rank);
  return gatherChecked(x, at, checkIndex('gather', x, at, index));
}

/** `gather` with indices that are known to be right. */
export function gatherChecked<D extends DType>(x: Tensor<D>, axis: number, index: Tensor<'int32'>): Tensor<D> {
  return apply(gatherOp, [x, index], { axis }) as Tensor<D>;
}

/**
 * A copy of x with source[i, j, …] at [index[i, j, …], j, …] for axis 0, and so on; `source` is a number, or a tensor
 * at least as long as the indices. Where an index repeats, the last in row-major order wins, and only it gets a gradient.
 * @throws IndexError for an index out of range, DTypeError where x cannot hold the source's dtype.
 */
export function scatter<D extends DType>(x: Tensor<D>, axis: number, index: Tensor, source: Tensor | number): Tensor<D> {
  const at = normalizeAxis('scatter', axis, x.rank);
  const values = checkSource('scatter', x, index, source);
  return apply(scatterOp, [x, checkIndex('scatter', x, at, index), values], { axis: at }) as Tensor<D>;
}

/**
 * x with source[i, j, …] added at [index[i, j, …], j, …] for axis 0, and so on; where an index repeats, all add up.
 * Integers wrap as in elementwise addition; bools stay bools.
 * @throws IndexError for an index out of range, DTypeError where x cannot hold the source's dtype.
 */
export function scatterAdd<D extends DType>(x: Tensor<D>, axis: number, index: Tensor, source: Tensor | number): Tensor<D> {
  const at = normalizeAxis('scatterAdd', axis, x.rank);
  const values = checkSource('scatterAdd', x, index, source);
  const ids = checkIndex('scatterAdd', x, at, index);
  return throughCounts(x, values, (base, terms) => apply(scatterAddOp, [base, ids, terms], { axis: at }));
}

/** Adds bools as int32, so that true and true do not make a byte of 2. */
export function throughCounts<D extends DType>(x: Tensor<D>, source: Tensor, add: (x: Tensor, source: Tensor) => Tensor): Tensor<D> {
  if (x.dtype !== 'bool') return add(x, source) as Tensor<D>;
  return cast(add(cast(x, 'int32'), cast(source, 'int32')), x.dtype);
}
