import { summed, toFloat, type DType, type Summed, type ToFloat } from '../dtype.ts';
import type { ReduceName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { normalizeAxes, sizeOf, type Shape } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { scalar } from './elementwise.ts';
import { concat } from './join.ts';
import { apply, defineOp, type Op } from './op.ts';

/** Which axes to reduce (default: all), and whether they stay with length 1. */
export type Axes = number | readonly number[];
export interface ReduceOptions {
  /** Reduced axes stay with length 1, so that the result broadcasts against x. Default false. */
  readonly keepDims?: boolean;
}

/** Inside ops reduced axes keep length 1; `dropAxes` takes them away. */
export interface ReduceAttributes {
  readonly axes: readonly number[];
}

export function keptShape(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((length, i) => (axes.includes(i) ? 1 : length));
}

/** How many values meet in one. */
export function countOf(shape: Shape, axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => shape[axis]));
}

export function forwardReduce(name: ReduceName, dtype: (d: DType) => DType) {
  return ([x]: readonly View[], { axes }: ReduceAttributes): View => {
    const output = allocate(keptShape(x.layout.shape, axes), dtype(x.storage.dtype));
    kernels.reduce(name, x, output);
    return output;
  };
}

/** Runs an op that keeps the axes it reduces, and drops them where `keepDims` is off. */
export function reduceBy<A extends ReduceAttributes>(op: Op<A>, x: Tensor, attributes: A, options: ReduceOptions): Tensor {
  return dropAxes(apply(op, [x], attributes), attributes.axes, options);
}

export function dropAxes(kept: Tensor, axes: readonly number[], { keepDims = false }: ReduceOptions): Tensor {
  return keepDims || axes.length === 0 ? kept : kept.reshape(kept.shape.filter((_, i) => !axes.includes(i)));
}

const toBool = (): DType => 'bool';

const sumOp: Op<ReduceAttributes> = defineOp({
  name: 'sum',
  forward: forwardReduce('sum', summed),
  backward: (g, { shapes: [shape] }) => [g.expand(shape)],
});

const meanOp: Op<ReduceAttributes> = defineOp({
  name: 'mean',
  forward: forwardReduce('mean', toFloat),
  backward: (g, { shapes: [shape], attributes: { axes } }) => [g.div(countOf(shape, axes)).expand(shape)],
});

const prodOp: Op<ReduceAttributes> = defineOp({
  name: 'prod',
  saves: { inputs: [0] },
  forward: forwardReduce('prod', summed),
  // The product of all the others, which division cannot give where a value is 0.
  backward: (g, { inputs: [x], attributes: { axes } }) => [g.mul(productOfOthers(x, axes))],
});

/** For each value the product of those before it times the product of those after, in float64 as the product itself. */
function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...rest, ...axes];
  const moved = x.permute(order);
  const lanes = moved.reshape([...rest.map((i) => x.shape[i]), countOf(x.shape, axes)]).cast('float64');
  const length = lanes.shape[rest.length];
  if (length === 0) return x;
  const one = scalar('prod', 1, 'float64').expand([...lanes.shape.slice(0, -1), 1]);
  const before = concat([one, lanes.narrow(-1, 0, length - 1).cumProd(-1)], -1);
  const after = concat([one, lanes.narrow(-1, 1, length - 1).flip(-1).cumProd(-1)], -1).flip(-1);
  const inverse = new Array<number>(order.length);
  order.forEach((axis, i) => (inverse[axis] = i));
  return before.mul(after).reshape(moved.shape).permute(inverse);
}

const allOp: Op<ReduceAttributes> = defineOp({ name: 'all', forward: forwardReduce('all', toBool), backward: 'none' });
const anyOp: Op<ReduceAttributes> = defineOp({ name: 'any', forward: forwardReduce('any', toBool), backward: 'none' });

function reduce(op: Op<ReduceAttributes>, x: Tensor, axes: Axes | undefined, options: ReduceOptions): Tensor {
  return reduceBy(op, x, { axes: normalizeAxes(op.name, axes, x.rank) }, options);
}

/**
 * Σ x over the axes (default: all); 0 over nothing. Floats are added in float64 and rounded once.
 * @throws DTypeError when a sum of integers or bools, which is int32, does not fit.
 * @example
 * tensor([[1, 2], [3, 4]]).sum(0).toArray(); // [4, 6]
 */
export function sum<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<Summed<D>> {
  return reduce(sumOp, x, axes, options) as Tensor<Summed<D>>;
}

/**
 * Π x over the axes (default: all); 1 over nothing. Its gradient is exact where values are 0.
 * @throws DTypeError when a product of integers, which is int32, does not fit.
 */
export function prod<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<Summed<D>> {
  return reduce(prodOp, x, axes, options) as Tensor<Summed<D>>;
}

/** Σ x / n over the axes (default: all); NaN over nothing. Integers give float32. */
export function mean<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<ToFloat<D>> {
  return reduce(meanOp, x, axes, options) as Tensor<ToFloat<D>>;
}

/** Whether every value is other than 0 (NaN is); true over nothing. */
export function all(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> {
  return reduce(allOp, x, axes, options) as Tensor<'bool'>;
}

/** Whether any value is other than 0 (NaN is); false over nothing. */
export function any(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> {
  return reduce(anyOp, x, axes, options) as Tensor<'bool'>;
}
