import type { DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, normalizeAxes, normalizeAxis } from '../layout.ts';
import { allocate } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './elementwise.ts';
import { apply, defineOp, type Op } from './op.ts';
import { dropAxes, forwardReduce, keptShape, reduceBy, type Axes, type ReduceAttributes, type ReduceOptions } from './reduce.ts';

/** g where x attains its extreme y, shared evenly by all that do; a NaN attains a NaN. */
export function shareExtreme(g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]): Tensor {
  const attains = x.eq(y).logicalOr(x.isNaN().logicalAnd(y.isNaN()));
  return where(attains, g.div(attains.sum(axes, { keepDims: true })), 0);
}

function defineExtreme(name: 'min' | 'max'): Op<ReduceAttributes> {
  return defineOp({
    name,
    saves: { inputs: [0], output: true },
    forward: forwardReduce(name, (dtype) => dtype),
    backward: (g, { inputs: [x], output, attributes: { axes } }) => [shareExtreme(g, x, output, axes)],
  });
}
const extremeOps = { min: defineExtreme('min'), max: defineExtreme('max') };

export function refuseEmpty(op: string, x: Tensor, axes: readonly number[]): void {
  const empty = axes.find((axis) => x.shape[axis] === 0);
  if (empty !== undefined) {
    throw new ShapeError(`${op}: ${formatShape(x.shape)} has no values along axis ${empty}, and nothing has no ${op}; reduce other axes, or check the size first`);
  }
}

function extreme(name: 'min' | 'max', x: Tensor, axes: Axes | undefined, options: ReduceOptions): Tensor {
  const normalized = normalizeAxes(name, axes, x.rank);
  refuseEmpty(name, x, normalized);
  return reduceBy(extremeOps[name], x, { axes: normalized }, options);
}

/**
 * The smallest value over the axes (default: all); NaN where there is one. Equal values share the gradient evenly.
 * @throws ShapeError over an axis of length 0.
 */
export function min<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<D> {
  return extreme('min', x, axes, options) as Tensor<D>;
}

/**
 * The largest value over the axes (default: all); NaN where there is one. Equal values share the gradient evenly.
 * @throws ShapeError over an axis of length 0.
 */
export function max<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<D> {
  return extreme('max', x, axes, options) as Tensor<D>;
}

function defineArg(name: 'argmin' | 'argmax'): Op<{ readonly axis: number }> {
  return defineOp({
    name,
    forward([x], { axis }) {
      const output = allocate(keptShape(x.layout.shape, [axis]), 'int32');
      kernels.argReduce(name, x, axis, output);
      return output;
    },
    backward: 'none',
  });
}
const argOps = { argmin: defineArg('argmin'), argmax: defineArg('argmax') };

function arg(name: 'argmin' | 'argmax', x: Tensor, axis: number | undefined, options: ReduceOptions): Tensor<'int32'> {
  const flat = axis === undefined ? x.reshape([x.size]) : x;
  const at = axis === undefined ? 0 : normalizeAxis(name, axis, x.rank);
  refuseEmpty(name, flat, [at]);
  const result = apply(argOps[name], [flat], { axis: at });
  if (axis === undefined) return result.reshape(options.keepDims ? x.shape.map(() => 1) : []) as Tensor<'int32'>;
  return dropAxes(result, [at], options) as Tensor<'int32'>;
}

/** The first index of the smallest value along an axis, or in the flattened tensor; a NaN counts as smallest. */
export function argmin(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor<'int32'> {
  return arg('argmin', x, axis, options);
}

/** The first index of the largest value along an axis, or in the flattened tensor; a NaN counts as largest. */
export function argmax(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor<'int32'> {
  return arg('argmax', x, axis, options);
}
