import { summed, toFloat, type DType, type Summed, type ToFloat } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import type { ReduceName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxes, normalizeAxis, sizeOf } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast, scalar } from './elementwise.ts';
import { concat } from './indexing.ts';
import { apply, defineOp, type Op } from './op.ts';

/** Which axes to reduce (default: all), and whether they stay with length 1. */
export type Axes = number | readonly number[];
export interface ReduceOptions {
  readonly keepDims?: boolean;
}

interface Attributes {
  readonly axes: readonly number[];
}

/** Reduced axes keep length 1 inside ops; `finish` drops them. */
function forwardReduce(name: ReduceName, dtype: (d: DType) => DType) {
  return ([x]: readonly View[], { axes }: Attributes): View => {
    const output = allocate(x.layout.shape.map((length, i) => (axes.includes(i) ? 1 : length)), dtype(x.storage.dtype));
    kernels.reduce(name, x, output);
    return output;
  };
}

const same = (dtype: DType): DType => dtype;
const toBool = (): DType => 'bool';

const sumOp: Op<Attributes> = defineOp({
  name: 'sum',
  forward: forwardReduce('sum', summed),
  backward: (g, { shapes: [shape] }) => [g.expand(shape)],
});

const prodOp: Op<Attributes> = defineOp({
  name: 'prod',
  saves: { inputs: [0] },
  forward: forwardReduce('prod', summed),
  // The product of all the others, which division cannot give where a value is 0.
  backward: (g, { inputs: [x], attributes: { axes } }) => [g.mul(productOfOthers(x, axes))],
});

function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const rest = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...rest, ...axes];
  const moved = x.permute(order);
  const lanes = moved.reshape([...rest.map((i) => x.shape[i]), sizeOf(axes.map((i) => x.shape[i]))]);
  const length = lanes.shape[rest.length];
  if (length === 0) return x;
  const one = scalar('prod', 1, lanes.dtype).expand([...lanes.shape.slice(0, -1), 1]);
  const before = concat([one, cumProd(lanes.narrow(-1, 0, length - 1), -1)], -1);
  const after = concat([one, cumProd(lanes.narrow(-1, 1, length - 1).flip(-1), -1)], -1).flip(-1);
  const inverse = new Array<number>(order.length);
  order.forEach((axis, i) => (inverse[axis] = i));
  return before.mul(after).reshape(moved.shape).permute(inverse);
}

/** The gradient of an extreme value is shared evenly by all that attain it. */
function extremeOp(name: 'min' | 'max'): Op<Attributes> {
  return defineOp({
    name,
    saves: { inputs: [0], output: true },
    forward: forwardReduce(name, same),
    backward: (g, { inputs: [x], output, attributes: { axes } }) => {
      const attains = x.eq(output).logicalOr(x.isNaN().logicalAnd(output.isNaN())).cast(g.dtype);
      return [attains.mul(g.div(attains.sum(axes, { keepDims: true })))];
    },
  });
}
const minOp = extremeOp('min');
const maxOp = extremeOp('max');

const allOp: Op<Attributes> = defineOp({ name: 'all', forward: forwardReduce('all', toBool), backward: 'none' });
const anyOp: Op<Attributes> = defineOp({ name: 'any', forward: forwardReduce('any', toBool), backward: 'none' });

function reduce(op: Op<Attributes>, x: Tensor, axes: Axes | undefined, options: ReduceOptions): Tensor {
  const normalized = normalizeAxes(op.name, axes, x.rank);
  return finish(apply(op, [x], { axes: normalized }), normalized, options);
}

function finish(kept: Tensor, axes: readonly number[], { keepDims = false }: ReduceOptions): Tensor {
  return keepDims || axes.length === 0 ? kept : kept.reshape(kept.shape.filter((_, i) => !axes.includes(i)));
}

function refuseEmpty(op: string, x: Tensor, axes: readonly number[]): void {
  if (axes.some((axis) => x.shape[axis] === 0)) {
    throw new ShapeError(`${op}: ${formatShape(x.shape)} has no values along axis ${axes.find((axis) => x.shape[axis] === 0)}, and nothing has no ${op}`);
  }
}

/** Σ x over the axes. Integers and bools are summed as int32; an overflow is a DTypeError. */
export function sum<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<Summed<D>> {
  return reduce(sumOp, x, axes, options) as Tensor<Summed<D>>;
}

/** Π x over the axes. Integers as int32; an overflow is a DTypeError. */
export function prod<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<Summed<D>> {
  return reduce(prodOp, x, axes, options) as Tensor<Summed<D>>;
}

/** Σ x / n over the axes; NaN over nothing. Integers give float32. */
export function mean<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<ToFloat<D>> {
  const count = sizeOf(normalizeAxes('mean', axes, x.rank).map((axis) => x.shape[axis]));
  return sum(cast(x, toFloat(x.dtype)), axes, options).div(count) as Tensor<ToFloat<D>>;
}

/** The smallest value over the axes; NaN where there is one. */
export function min<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<D> {
  refuseEmpty('min', x, normalizeAxes('min', axes, x.rank));
  return reduce(minOp, x, axes, options) as Tensor<D>;
}

/** The largest value over the axes; NaN where there is one. */
export function max<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<D> {
  refuseEmpty('max', x, normalizeAxes('max', axes, x.rank));
  return reduce(maxOp, x, axes, options) as Tensor<D>;
}

/** Whether every value is other than 0. */
export function all(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> {
  return reduce(allOp, x, axes, options) as Tensor<'bool'>;
}

/** Whether any value is other than 0. */
export function any(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor<'bool'> {
  return reduce(anyOp, x, axes, options) as Tensor<'bool'>;
}

/** What `variance` and `std` divide by: n − correction. 1 (the default) is unbiased. */
export interface VarianceOptions extends ReduceOptions {
  readonly correction?: number;
}

/** Σ (x − mean)² / (n − correction) over the axes. */
export function variance<D extends DType>(x: Tensor<D>, axes?: Axes, { correction = 1, ...options }: VarianceOptions = {}): Tensor<ToFloat<D>> {
  const float = cast(x, toFloat(x.dtype));
  const count = sizeOf(normalizeAxes('variance', axes, x.rank).map((axis) => x.shape[axis]));
  const centred = float.sub(mean(float, axes, { keepDims: true }));
  return sum(centred.square(), axes, options).div(Math.max(0, count - correction)) as Tensor<ToFloat<D>>;
}

/** √variance. */
export function std<D extends DType>(x: Tensor<D>, axes?: Axes, options: VarianceOptions = {}): Tensor<ToFloat<D>> {
  return variance(x, axes, options).sqrt() as Tensor<ToFloat<D>>;
}

function defineArg(name: 'argmin' | 'argmax'): Op<{ readonly axis: number }> {
  return defineOp({
    name,
    forward([x], { axis }) {
      const output = allocate(x.layout.shape.map((length, i) => (i === axis ? 1 : length)), 'int32');
      kernels.argReduce(name, x, axis, output);
      return output;
    },
    backward: 'none',
  });
}
const argOps = { argmin: defineArg('argmin'), argmax: defineArg('argmax') };

function arg(name: 'argmin' | 'argmax', x: Tensor, axis: number | undefined, options: ReduceOptions): Tensor<'int32'> {
  const flat = axis === undefined ? x.reshape([sizeOf(x.shape)]) : x;
  const at = axis === undefined ? 0 : normalizeAxis(name, axis, x.rank);
  refuseEmpty(name, flat, [at]);
  const result = apply(argOps[name], [flat], { axis: at });
  if (axis === undefined) return result.reshape(options.keepDims ? x.shape.map(() => 1) : []) as Tensor<'int32'>;
  return finish(result, [at], options) as Tensor<'int32'>;
}

/** The first index of the smallest value along an axis, or in the flattened tensor; a NaN counts as smallest. */
export function argmin(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor<'int32'> {
  return arg('argmin', x, axis, options);
}

/** The first index of the largest value along an axis, or in the flattened tensor; a NaN counts as largest. */
export function argmax(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor<'int32'> {
  return arg('argmax', x, axis, options);
}

function defineScan(name: 'cumSum' | 'cumProd', backward: Op<{ readonly axis: number }>['backward']): Op<{ readonly axis: number }> {
  return defineOp({
    name,
    ...(name === 'cumProd' ? { saves: { inputs: [0] } } : {}),
    forward([x], { axis }) {
      const output = allocate(x.layout.shape, summed(x.storage.dtype));
      kernels.scan(name, x, axis, output);
      return output;
    },
    backward,
  });
}

const cumSumOp = defineScan('cumSum', (g, { attributes: { axis } }) => [cumSum(g.flip(axis), axis).flip(axis)]);
// d yⱼ / d xᵢ = Π of x₀ … xⱼ without xᵢ, for i ≤ j: column i of the products of x with a 1 in place i.
const cumProdOp = defineScan('cumProd', (g, { inputs: [x], attributes: { axis } }) => {
  const length = x.shape[axis];
  const columns = Array.from({ length }, (_, i) => {
    const one = scalar('cumProd', 1, x.dtype).expand(x.shape.map((n, d) => (d === axis ? 1 : n)));
    const others = concat([x.narrow(axis, 0, i), one, x.narrow(axis, i + 1, length - i - 1)], axis);
    return cumProd(others, axis).narrow(axis, i, length - i).mul(g.narrow(axis, i, length - i)).sum(axis, { keepDims: true });
  });
  return [length === 0 ? g : concat(columns, axis)];
});

/** y[i] = x[0] + … + x[i] along an axis. Integers as int32; an overflow is a DTypeError. */
export function cumSum<D extends DType>(x: Tensor<D>, axis: number): Tensor<Summed<D>> {
  return apply(cumSumOp, [x], { axis: normalizeAxis('cumSum', axis, x.rank) }) as Tensor<Summed<D>>;
}

/** y[i] = x[0] · … · x[i] along an axis. Integers as int32; an overflow is a DTypeError. */
export function cumProd<D extends DType>(x: Tensor<D>, axis: number): Tensor<Summed<D>> {
  return apply(cumProdOp, [x], { axis: normalizeAxis('cumProd', axis, x.rank) }) as Tensor<Summed<D>>;
}
