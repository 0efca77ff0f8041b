import { checkDType, checkScalar, isFloat, type DType, type FloatDType } from './dtype.ts';
import { ArgumentError, DTypeError } from './errors.ts';
import { kernels } from './kernels/dispatch.ts';
import type { RandomKind } from './kernels/contract.ts';
import { checkShape, sizeOf, type Shape } from './layout.ts';
import { defaultGenerator, type Generator } from './random.ts';
import { allocate } from './storage.ts';
import { Tensor } from './tensor.ts';
import { finish, type TensorOptions } from './creation.ts';

/**
 * Tensors of random values. A value depends on the generator's state and its place in row-major order alone, so the
 * same seed gives the same values whatever the shape is divided into.
 */

export interface RandomOptions<D extends DType = DType> extends TensorOptions<D> {
  /** Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

function draw<D extends DType>(op: string, kind: RandomKind, shape: Shape, dtype: D, options: RandomOptions): Tensor<D> {
  checkDType(op, dtype);
  if (kind.kind !== 'bernoulli' && !isFloat(dtype)) throw new DTypeError(`${op}: the draws are real numbers, which ${dtype} cannot hold; use float32 or float64, or randint()`);
  const view = allocate([...checkShape(op, shape)], dtype);
  const count = sizeOf(shape);
  // Normal draws come in pairs.
  kernels.random(kind, (options.generator ?? defaultGenerator).reserve(kind.kind === 'normal' ? count + (count % 2) : count), view);
  return finish(new Tensor(view), options);
}

/**
 * Independent draws, uniform in [0, 1): multiples of 2⁻²⁴ (float32) or 2⁻³² (float64).
 *
 * @example
 * rand([2, 3]);
 * rand([2, 3], { dtype: 'float64', generator: new Generator(1) });
 */
export function rand<D extends FloatDType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  return draw('rand', { kind: 'uniform' }, shape, options.dtype ?? ('float32' as D), options);
}

/** Independent draws from the standard normal distribution (Box and Muller's method). */
export function randn<D extends FloatDType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  return draw('randn', { kind: 'normal' }, shape, options.dtype ?? ('float32' as D), options);
}

/** `rand` in the shape and, unless another is given, the dtype of x. */
export function randLike<D extends FloatDType, E extends FloatDType = D>(x: Tensor<D>, options: RandomOptions<E> = {}): Tensor<E> {
  return draw('randLike', { kind: 'uniform' }, x.shape, options.dtype ?? (x.dtype as DType as E), options);
}

/** `randn` in the shape and, unless another is given, the dtype of x. */
export function randnLike<D extends FloatDType, E extends FloatDType = D>(x: Tensor<D>, options: RandomOptions<E> = {}): Tensor<E> {
  return draw('randnLike', { kind: 'normal' }, x.shape, options.dtype ?? (x.dtype as DType as E), options);
}

/**
 * Independent whole numbers from low (default 0) up to but without high, each equally likely. int32 unless another dtype is given.
 *
 * @throws ArgumentError unless low < high are whole numbers at most 2³² apart; DTypeError where the dtype cannot hold them.
 * @example
 * randint(6, [10]);      // 0 … 5
 * randint(1, 7, [10]);   // 1 … 6
 */
export function randint<D extends DType = 'int32'>(high: number, shape: Shape, options?: RandomOptions<D>): Tensor<D>;
export function randint<D extends DType = 'int32'>(low: number, high: number, shape: Shape, options?: RandomOptions<D>): Tensor<D>;
export function randint(first: number, second: number | Shape, third: Shape | RandomOptions = {}, fourth: RandomOptions = {}): Tensor {
  const [low, high, shape, options] = typeof second === 'number' ? [first, second, third as Shape, fourth] : [0, first, second, third as RandomOptions];
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low >= high || high - low > 2 ** 32) {
    throw new ArgumentError(`randint: low and high must be whole numbers, low below high and at most 2^32 apart, not ${low} and ${high}`);
  }
  const dtype = options.dtype ?? 'int32';
  checkDType('randint', dtype);
  for (const end of [low, high - 1]) checkScalar('randint', end, dtype, 'choose a wider dtype');
  const view = allocate([...checkShape('randint', shape)], dtype);
  const generator = options.generator ?? defaultGenerator;
  const { data } = view.storage;
  for (let i = 0; i < data.length; i++) data[i] = low + generator.integer(high - low);
  return finish(new Tensor(view), options);
}

/**
 * Independent draws of 1 with probability p, else 0; or one draw for each value of a tensor of probabilities.
 *
 * @throws ArgumentError where a probability is not from 0 to 1.
 * @example
 * bernoulli([2, 3], 0.15, { dtype: 'bool' });
 * bernoulli(tensor([0.1, 0.9]));
 */
export function bernoulli<D extends DType = 'float32'>(shape: Shape, p: number, options?: RandomOptions<D>): Tensor<D>;
export function bernoulli<D extends DType = 'float32'>(probabilities: Tensor, options?: RandomOptions<D>): Tensor<D>;
export function bernoulli(first: Shape | Tensor, second?: number | RandomOptions, third: RandomOptions = {}): Tensor {
  if (!(first instanceof Tensor)) {
    const p = second as number;
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`bernoulli: the probability must be from 0 to 1, not ${p}`);
    return draw('bernoulli', { kind: 'bernoulli', p }, first, third.dtype ?? 'float32', third);
  }
  const options = (second ?? {}) as RandomOptions;
  if (!first.ge(0).logicalAnd(first.le(1)).all().item()) throw new ArgumentError('bernoulli: the probabilities must all be from 0 to 1');
  const { requiresGrad: _, ...drawn } = options;
  const uniform = draw('bernoulli', { kind: 'uniform' }, first.shape, 'float64', drawn);
  return finish(uniform.lt(first).cast(options.dtype ?? 'float32'), options);
}

/** The whole numbers from 0 to n − 1 in random order, every order equally likely. */
export function permutation<D extends DType = 'int32'>(n: number, options: RandomOptions<D> = {}): Tensor<D> {
  const dtype = options.dtype ?? ('int32' as D);
  checkDType('permutation', dtype);
  const view = allocate(checkShape('permutation', [n]), dtype);
  if (n > 0) checkScalar('permutation', n - 1, view.storage.dtype, 'choose a wider dtype');
  const order = (options.generator ?? defaultGenerator).shuffle(Array.from({ length: n }, (_, i) => i));
  view.storage.data.set(order);
  return finish(new Tensor(view), options);
}
