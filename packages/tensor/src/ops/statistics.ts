import { toFloat, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { normalizeAxes, type Shape } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { stretch, where } from './elementwise.ts';
import { refuseEmpty, shareExtreme } from './extreme.ts';
import { defineOp, type Op } from './op.ts';
import { countOf, keptShape, reduceBy, type Axes, type ReduceAttributes, type ReduceOptions } from './reduce.ts';

/** Reductions of more than one pass. They compute in float64 and round once, when the result is stored. */

function inFloat64(x: View): View {
  const wide = allocate(x.layout.shape, 'float64');
  kernels.copy(x, wide);
  return wide;
}

/** A float64 result as the dtype that x's op gives. */
function rounded(result: View, x: View): View {
  const dtype = toFloat(x.storage.dtype);
  if (dtype === 'float64') return result;
  const output = allocate(result.layout.shape, dtype);
  kernels.copy(result, output);
  return output;
}

interface SpreadAttributes extends ReduceAttributes {
  readonly correction: number;
}

/** What `variance` and `std` divide by: n − correction. 1 (the default) is unbiased. */
export interface VarianceOptions extends ReduceOptions {
  readonly correction?: number;
}

function divisorOf(shape: Shape, { axes, correction }: SpreadAttributes): number {
  return Math.max(0, countOf(shape, axes) - correction);
}

/** Σ (x − mean)² / (n − correction), in float64. */
function spread(x: View, attributes: SpreadAttributes): View {
  const { shape } = x.layout;
  const mean = allocate(keptShape(shape, attributes.axes), 'float64');
  kernels.reduce('mean', x, mean);
  const centred = inFloat64(x);
  kernels.binary('sub', centred, stretch('variance', mean, shape), centred);
  const result = allocate(mean.layout.shape, 'float64');
  kernels.reduce('sumOfSquares', centred, result);
  const { data } = result.storage;
  const divisor = divisorOf(shape, attributes);
  for (let i = 0; i < data.length; i++) data[i] /= divisor;
  return result;
}

const centre = (x: Tensor, axes: readonly number[]): Tensor => x.sub(x.mean(axes, { keepDims: true }));

const varianceOp: Op<SpreadAttributes> = defineOp({
  name: 'variance',
  saves: { inputs: [0] },
  forward: ([x], attributes) => rounded(spread(x, attributes), x),
  backward: (g, { inputs: [x], shapes: [shape], attributes }) => [centre(x, attributes.axes).mul(g.mul(2 / divisorOf(shape, attributes)))],
});

const stdOp: Op<SpreadAttributes> = defineOp({
  name: 'std',
  saves: { inputs: [0], output: true },
  forward([x], attributes) {
    const result = spread(x, attributes);
    kernels.unary('sqrt', result, result);
    return rounded(result, x);
  },
  // 0 where all values are equal: the root has no derivative there, and PyTorch's choice trains on.
  backward: (g, { inputs: [x], output: y, shapes: [shape], attributes }) => [
    centre(x, attributes.axes).mul(overOrZero(g, y).div(divisorOf(shape, attributes))),
  ],
});

/** g / y, and 0 where y is 0, also in the derivatives. */
function overOrZero(g: Tensor, y: Tensor): Tensor {
  const zero = y.eq(0);
  return where(zero, 0, g.div(where(zero, 1, y)));
}

function spreadBy(op: Op<SpreadAttributes>, x: Tensor, axes: Axes | undefined, { correction = 1, ...options }: VarianceOptions): Tensor {
  if (!Number.isFinite(correction)) throw new ArgumentError(`${op.name}: the correction must be a finite number, not ${correction}; 1 is unbiased, 0 divides by n`);
  return reduceBy(op, x, { axes: normalizeAxes(op.name, axes, x.rank), correction }, options);
}

/** Σ (x − mean)² / (n − correction) over the axes (default: all); NaN where n ≤ correction and over nothing. Integers give float32. */
export function variance<D extends DType>(x: Tensor<D>, axes?: Axes, options: VarianceOptions = {}): Tensor<ToFloat<D>> {
  return spreadBy(varianceOp, x, axes, options) as Tensor<ToFloat<D>>;
}

/** √variance; where all values are equal its gradient is 0, as in PyTorch. */
export function std<D extends DType>(x: Tensor<D>, axes?: Axes, options: VarianceOptions = {}): Tensor<ToFloat<D>> {
  return spreadBy(stdOp, x, axes, options) as Tensor<ToFloat<D>>;
}

interface NormAttributes extends ReduceAttributes {
  readonly p: number;
}

export interface NormOptions extends ReduceOptions {
  /** The order: 2 (the default) is Euclid's, 1 the sum of magnitudes, Infinity the largest, −Infinity the smallest, 0 the number of values other than 0. */
  readonly p?: number;
}

function powerSum(x: View, p: number, result: View): void {
  const magnitudes = inFloat64(x);
  kernels.unary('abs', magnitudes, magnitudes);
  const power = (base: View, exponent: number): void => {
    const operand = allocate([], 'float64');
    operand.storage.data[0] = exponent;
    kernels.binary('pow', base, stretch('norm', operand, base.layout.shape), base);
  };
  if (p === Infinity || p === -Infinity) kernels.reduce(p > 0 ? 'max' : 'min', magnitudes, result);
  else if (p === 0) {
    const present = allocate(x.layout.shape, 'bool');
    kernels.copy(magnitudes, present);
    kernels.reduce('sum', present, result);
  } else {
    if (p !== 1) power(magnitudes, p);
    kernels.reduce('sum', magnitudes, result);
    if (p !== 1) power(result, 1 / p);
  }
}

const normOp: Op<NormAttributes> = defineOp({
  name: 'norm',
  saves: { inputs: [0], output: true },
  forward([x], { axes, p }) {
    const result = allocate(keptShape(x.layout.shape, axes), 'float64');
    if (p === 2) {
      kernels.reduce('sumOfSquares', x, result);
      kernels.unary('sqrt', result, result);
    } else powerSum(x, p, result);
    return rounded(result, x);
  },
  backward(g, { inputs: [x], output: y, attributes: { axes, p } }) {
    if (p === 0) return [x.mul(0)];
    if (p === 2) return [x.mul(overOrZero(g, y))];
    if (Math.abs(p) === Infinity) return [x.sign().mul(shareExtreme(g, x.abs(), y, axes))];
    if (p === 1) return [x.sign().mul(g)];
    // sign(x)·|x|ᵖ⁻¹ / yᵖ⁻¹, and 0 where x or y is 0.
    const zero = x.eq(0);
    const slope = where(zero, 0, x.sign().mul(where(zero, 1, x.abs()).pow(p - 1)));
    const none = y.eq(0);
    return [slope.mul(where(none, 0, g.mul(where(none, 1, y).pow(1 - p))))];
  },
});

/**
 * (Σ |x|ᵖ)^(1/p) over the axes (default: all). The gradient at 0 is 0, and equal values share that of ±Infinity, as in
 * PyTorch. Integers give float32.
 * @throws ShapeError for p = ±Infinity over an axis of length 0.
 * @example
 * tensor([3, -4]).norm().item();                  // 5
 * tensor([3, -4]).norm(0, { p: Infinity }).item(); // 4
 */
export function norm<D extends DType>(x: Tensor<D>, axes?: Axes, { p = 2, ...options }: NormOptions = {}): Tensor<ToFloat<D>> {
  const normalized = normalizeAxes('norm', axes, x.rank);
  if (typeof p !== 'number' || Number.isNaN(p)) throw new ArgumentError(`norm: the order p must be a number, Infinity and -Infinity included, not ${p}`);
  if (Math.abs(p) === Infinity) refuseEmpty('norm', x, normalized);
  return reduceBy(normOp, x, { axes: normalized, p }, options) as Tensor<ToFloat<D>>;
}

const logSumExpOp: Op<ReduceAttributes> = defineOp({
  name: 'logSumExp',
  saves: { inputs: [0], output: true },
  forward([x], { axes }) {
    const { shape } = x.layout;
    const top = allocate(keptShape(shape, axes), 'float64');
    if (countOf(shape, axes) > 0) kernels.reduce('max', x, top);
    // Shifting by an infinity would make NaN of what is ±Infinity.
    const { data } = top.storage;
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) data[i] = 0;
    const terms = inFloat64(x);
    kernels.binary('sub', terms, stretch('logSumExp', top, shape), terms);
    kernels.unary('exp', terms, terms);
    const result = allocate(top.layout.shape, 'float64');
    kernels.reduce('sum', terms, result);
    kernels.unary('log', result, result);
    kernels.binary('add', result, top, result);
    return rounded(result, x);
  },
  // g·softmax(x), and 0 where all values are −Infinity.
  backward: (g, { inputs: [x], output: y }) => [g.mul(x.sub(where(y.eq(-Infinity), 0, y)).exp())],
});

/**
 * ln Σ exp(x) over the axes (default: all), shifted by the largest value so that nothing overflows; −Infinity over
 * nothing and over nothing but −Infinity (where its gradient is 0). Integers give float32.
 */
export function logSumExp<D extends DType>(x: Tensor<D>, axes?: Axes, options: ReduceOptions = {}): Tensor<ToFloat<D>> {
  return reduceBy(logSumExpOp, x, { axes: normalizeAxes('logSumExp', axes, x.rank) }, options) as Tensor<ToFloat<D>>;
}
