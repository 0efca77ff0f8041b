import type { DType } from '../dtype.ts';
import { IndexError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxis, sameShape, type Shape } from '../layout.ts';
import { allocate, allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './elementwise.ts';
import { throughCounts } from './gather.ts';
import { checkIndices, fitInto } from './indices.ts';
import { apply, checkTensor, defineOp, type Op } from './op.ts';

/** Reading and adding whole slices of a tensor, with one index for each. */

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
    const output = allocateUnset(x.layout.shape.map((length, i) => (i === axis ? index.layout.shape[0] : length)), x.storage.dtype);
    kernels.indexSelect(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], shapes: [shape], attributes: { axis } }) => [apply(spreadOp, [g, index], { axis, shape }), null],
});

/** Zeros of `shape` with x added at the indices: the transpose of indexSelect. */
const spreadOp: Op<IntoShape> = defineOp({
  name: 'indexSpread',
  saves: { inputs: [1] },
  forward([x, index], { axis, shape }) {
    const output = allocate(shape, x.storage.dtype);
    kernels.indexAdd(x, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], attributes: { axis } }) => [apply(indexSelectOp, [g, index], { axis }), null],
});

/** Zeros of `shape` with the rows of x added at `index` on axis 0; the indices are known to be right. */
export function spreadRows(x: Tensor, index: Tensor<'int32'>, shape: Shape): Tensor {
  return apply(spreadOp, [x, index], { axis: 0, shape });
}

const indexAddOp: Op<AxisOnly> = defineOp({
  name: 'indexAdd',
  saves: { inputs: (needs) => (needs[2] ? [1] : []) },
  forward([x, index, source], { axis }) {
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    kernels.copy(x, output);
    kernels.indexAdd(source, axis, index, output);
    return output;
  },
  backward: (g, { inputs: [, index], needs, attributes: { axis } }) => [g, null, needs[2] ? apply(indexSelectOp, [g, index], { axis }) : null],
});

/**
 * x at the positions `index` [n] of an axis: out[…, i, …] = x[…, index[i], …]. Negative indices count from the end.
 * @throws IndexError for an index out of range.
 * @example
 * tensor([10, 20, 30]).indexSelect(0, tensor([2, 0, -1], { dtype: 'int32' })).toArray(); // [30, 10, 30]
 */
export function indexSelect<D extends DType>(x: Tensor<D>, axis: number, index: Tensor): Tensor<D> {
  const at = normalizeAxis('indexSelect', axis, x.rank);
  checkTensor('indexSelect', index);
  if (index.rank !== 1) throw new ShapeError(`indexSelect: the indices must have one axis, not shape ${formatShape(index.shape)}; flatten() them, or use take() or gather()`);
  return selectChecked(x, at, checkIndices('indexSelect', index, x.shape[at]));
}

/** `indexSelect` with indices that are known to be right. */
export function selectChecked<D extends DType>(x: Tensor<D>, axis: number, index: Tensor<'int32'>): Tensor<D> {
  return apply(indexSelectOp, [x, index], { axis }) as Tensor<D>;
}

/**
 * x with `source` added at the positions `index` [n] of an axis; positions named twice add up. Integers wrap as in
 * elementwise addition; bools stay bools.
 * @throws IndexError for an index out of range, DTypeError where x cannot hold the source's dtype.
 */
export function indexAdd<D extends DType>(x: Tensor<D>, axis: number, index: Tensor, source: Tensor): Tensor<D> {
  const at = normalizeAxis('indexAdd', axis, x.rank);
  const expected = x.shape.map((length, i) => (i === at ? index.size : length));
  if (index.rank !== 1 || !sameShape(source.shape, expected)) {
    throw new ShapeError(`indexAdd: the indices ${formatShape(index.shape)} must have one axis, and with them on axis ${axis} of ${formatShape(x.shape)} the source shape ${formatShape(expected)}, not ${formatShape(source.shape)}`);
  }
  const values = fitInto('indexAdd', source, x);
  const ids = checkIndices('indexAdd', index, x.shape[at]);
  return throughCounts(x, values, (base, terms) => apply(indexAddOp, [base, ids, terms], { axis: at }));
}

const embeddingOp: Op<{ readonly paddingIndex: number | null }> = defineOp({
  name: 'embedding',
  saves: { inputs: [1] },
  forward([weight, ids]) {
    const output = allocateUnset([ids.layout.shape[0], weight.layout.shape[1]], weight.storage.dtype);
    kernels.indexSelect(weight, 0, ids, output);
    return output;
  },
  backward: (g, { inputs: [, ids], shapes: [shape], attributes: { paddingIndex } }) => {
    const rows = paddingIndex === null ? g : where(ids.eq(paddingIndex).unsqueeze(-1), 0, g);
    return [apply(spreadOp, [rows, ids], { axis: 0, shape }), null];
  },
});

export interface EmbeddingOptions {
  /** A row that no gradient flows into; a negative one counts from the end. */
  readonly paddingIndex?: number;
}

/**
 * Rows of a table [V, H] at ids of any shape: out[…, h] = weight[ids[…], h], shape [...ids, H].
 * @throws IndexError for an id or a padding row out of range.
 */
export function embedding<D extends DType>(weight: Tensor<D>, ids: Tensor, { paddingIndex }: EmbeddingOptions = {}): Tensor<D> {
  if (weight.rank !== 2) throw new ShapeError(`embedding: the table must have shape [rows, width], not ${formatShape(weight.shape)}`);
  const [length, width] = weight.shape;
  if (paddingIndex !== undefined && (!Number.isInteger(paddingIndex) || paddingIndex < -length || paddingIndex >= length)) {
    throw new IndexError(`embedding: paddingIndex ${paddingIndex} must be a row of the table ${formatShape(weight.shape)}: a whole number from ${-length} to ${length - 1}`);
  }
  const padding = paddingIndex === undefined ? null : paddingIndex < 0 ? paddingIndex + length : paddingIndex;
  const flat = checkIndices('embedding', ids, length).reshape([ids.size]);
  return apply(embeddingOp, [weight, flat], { paddingIndex: padding }).reshape([...ids.shape, width]) as Tensor<D>;
}
