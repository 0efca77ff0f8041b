import { enableGrad, grad, noGrad } from '../autograd.ts';
import { zerosLike } from '../creation.ts';
import { ArgumentError, DTypeError } from '../errors.ts';
import { contiguous, formatShape, sameShape, type Shape } from '../layout.ts';
import { Generator } from '../random.ts';
import { Storage } from '../storage.ts';
import { Tensor } from '../tensor.ts';
import { unravel } from './close.ts';

export interface GradientOptions {
  /** 2 also checks the gradients' own gradients, through `createGraph`. Default 1. */
  readonly order?: 1 | 2;
  /** How far an input value is moved either way, times its magnitude where that is above 1. Default 1e-5. */
  readonly step?: number;
  /** Allowed difference as a share of the greater of the two numbers. Default 1e-5. */
  readonly rtol?: number;
  /** Allowed difference on top, times the greatest gradient of the input where that is above 1. Default 1e-7. */
  readonly atol?: number;
  /** Of the weights with which all output values are summed. Default 0. */
  readonly seed?: number;
}

/** A function to check: float64 tensors (and integer or bool ones, which have no gradient) to tensors. */
export type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/**
 * Compares what `backward` gives with central differences, for every value of every float64 input, on the inputs' own
 * layouts. All output values take part: they are summed with random weights, and a rule that is wrong in any of them
 * shows. The function must give the same result each time (seed its randomness), and inputs must keep away from kinks
 * by more than `step`.
 *
 * @throws Error naming the input, the index and both numbers.
 * @example
 * checkGradients((a, b) => a.matmul(b), [randn([2, 3], { dtype: 'float64' }), randn([3, 4], { dtype: 'float64' })]);
 */
export function checkGradients(fn: Differentiable, inputs: readonly Tensor[], options: GradientOptions = {}): void {
  inputs.forEach(({ dtype }, i) => {
    if (dtype === 'float32') throw new DTypeError(`checkGradients: input ${i} is float32, whose differences are mostly rounding; use cast('float64')`);
  });
  if (!inputs.some(isDifferentiable)) throw new ArgumentError('checkGradients: none of the inputs is float64; only those have gradients');
  const { order = 1, seed = 0 } = options;
  checkOrder('first', fn, inputs, seed, options);
  if (order === 1) return;
  const gradients: Differentiable = (...given) =>
    enableGrad(() => backwardOf(fn, given.map((input) => (isDifferentiable(input) && !input.requiresGrad ? leafOf(input) : input)), seed, true));
  checkOrder('second', gradients, inputs, seed + 1, options);
}

function checkOrder(order: 'first' | 'second', fn: Differentiable, inputs: readonly Tensor[], seed: number, options: GradientOptions): void {
  const { step = 1e-5, rtol = 1e-5, atol = 1e-7 } = options;
  const found = enableGrad(() => backwardOf(fn, inputs.map((input) => (isDifferentiable(input) ? leafOf(input) : input)), seed, false));
  let next = 0;
  inputs.forEach((input, n) => {
    if (!isDifferentiable(input)) return;
    const gradient = found[next++];
    if (!sameShape(gradient.shape, input.shape)) {
      throw new Error(`checkGradients: the gradient of input ${n} has shape ${formatShape(gradient.shape)}, the input itself ${formatShape(input.shape)}`);
    }
    const ours = Float64Array.from(gradient.toTypedArray());
    const scale = ours.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 1);
    const values = input.toTypedArray();
    for (let i = 0; i < values.length; i++) {
      const move = step * Math.max(1, Math.abs(values[i]));
      const [above, below] = [values[i] + move, values[i] - move];
      const at = (x: number) => valuesAt(fn, inputs.with(n, withValue(values, input.shape, i, x)));
      const theirs = weighedDifference(at(above), at(below), seed) / (above - below);
      if (Math.abs(ours[i] - theirs) <= atol * scale + rtol * Math.max(Math.abs(ours[i]), Math.abs(theirs))) continue;
      throw new Error(
        `checkGradients: ${order} order, input ${n} at ${formatShape(unravel(i, input.shape))}, value ${values[i]}: backward gives ${ours[i]}, central differences give ${theirs}`,
      );
    }
  });
}

function isDifferentiable(input: Tensor): input is Tensor<'float64'> {
  return input.dtype === 'float64';
}

/** The same values on the same layout, on memory of its own. */
function leafOf(input: Tensor<'float64'>): Tensor<'float64'> {
  const leaf = new Tensor({ storage: new Storage('float64', input.storage.data.slice()), layout: input.layout });
  leaf.requiresGrad = true;
  return leaf;
}

/** Dense, so that moving one value moves no other. */
function withValue(values: Float64Array, shape: Shape, i: number, value: number): Tensor<'float64'> {
  return new Tensor({ storage: new Storage('float64', values.with(i, value)), layout: contiguous(shape) });
}

function outputsOf(fn: Differentiable, inputs: readonly Tensor[]): readonly Tensor[] {
  const result = fn(...inputs);
  return result instanceof Tensor ? [result] : result;
}

/** Between ½ and 3⁄2, and of either sign: none is close to 0, which would hide a value. */
function weightOf(generator: Generator): number {
  const draw = generator.uniform() * 2 - 1;
  return draw + Math.sign(draw) / 2;
}

/** The gradients of all weighed output values, one for each float64 leaf. */
function backwardOf(fn: Differentiable, leaves: readonly Tensor[], seed: number, createGraph: boolean): Tensor[] {
  const generator = new Generator(seed);
  const weighed = outputsOf(fn, leaves).map((output) => {
    const weights = Float64Array.from({ length: output.size }, () => weightOf(generator));
    return { output, weights: new Tensor({ storage: new Storage('float64', weights), layout: contiguous(output.shape) }) };
  });
  const tracked = weighed.filter(({ output }) => output.requiresGrad);
  const asked = leaves.filter(isDifferentiable);
  const gradOutputs = tracked.map(({ weights }) => weights);
  const outputs = tracked.map(({ output }) => output);
  const found = outputs.length === 0 ? asked.map(() => null) : grad(outputs, asked, { gradOutputs, createGraph, allowUnused: true });
  return found.map((gradient, i) => gradient ?? zerosLike(asked[i]));
}

function valuesAt(fn: Differentiable, inputs: readonly Tensor[]): number[] {
  return noGrad(() => outputsOf(fn, inputs).flatMap((output) => Array.from(output.toTypedArray())));
}

/** Subtracted value by value before they are summed: fewer digits cancel. */
function weighedDifference(above: readonly number[], below: readonly number[], seed: number): number {
  const generator = new Generator(seed);
  return above.reduce((sum, value, i) => sum + weightOf(generator) * (value - below[i]), 0);
}
