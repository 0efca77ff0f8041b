import { checkScalar, isFloat, newArray, type DType, type TypedArray, type TypedArrayOf } from './dtype.ts';
import { ArgumentError, DTypeError, ShapeError } from './errors.ts';
import { kernels } from './kernels/dispatch.ts';
import type { RandomKind } from './kernels/contract.ts';
import { checkShape, contiguous, formatShape, sizeOf, type Shape } from './layout.ts';
import { defaultGenerator, type Generator } from './random.ts';
import { allocate, Storage } from './storage.ts';
import { Tensor, type Nested } from './tensor.ts';

export interface TensorOptions<D extends DType = DType> {
  /** Default float32; `tensor` of booleans makes bool. */
  readonly dtype?: D;
  readonly requiresGrad?: boolean;
}

export interface RandomOptions<D extends DType = DType> extends TensorOptions<D> {
  /** Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

function finish<D extends DType>(tensor: Tensor<D>, options: { readonly requiresGrad?: boolean }): Tensor<D> {
  if (options.requiresGrad) tensor.requiresGrad = true;
  return tensor;
}

/**
 * A tensor of nested arrays, a number or a boolean. Values that the dtype cannot hold are a DTypeError.
 * @example
 * tensor([[1, 2], [3, 4]]);                       // float32 [2, 2]
 * tensor([1, 2, 3], { dtype: 'int32' });
 */
export function tensor<D extends DType = 'float32'>(values: Nested<number>, options?: TensorOptions<D>): Tensor<D>;
export function tensor<D extends DType = 'bool'>(values: Nested<boolean>, options?: TensorOptions<D>): Tensor<D>;
export function tensor(values: Nested<number | boolean>, options: TensorOptions = {}): Tensor {
  const shape: number[] = [];
  let level: Nested<number | boolean> = values;
  while (Array.isArray(level)) {
    shape.push(level.length);
    level = level[0];
  }
  const dtype = options.dtype ?? (typeof level === 'boolean' ? 'bool' : 'float32');
  const data = newArray(dtype, sizeOf(shape));
  let at = 0;
  const fill = (value: Nested<number | boolean>, axis: number): void => {
    if (Array.isArray(value) !== axis < shape.length || (Array.isArray(value) && value.length !== shape[axis])) {
      throw new ShapeError(`tensor: the nested arrays are ragged: at depth ${axis} one holds ${Array.isArray(value) ? `${value.length} values` : 'a number'} where the first has ${shape[axis] === undefined ? 'a number' : `${shape[axis]}`}`);
    }
    if (Array.isArray(value)) for (const inner of value) fill(inner, axis + 1);
    else if (typeof value !== 'number' && typeof value !== 'boolean') throw new ArgumentError(`tensor: the values must be numbers or booleans, not ${typeof value}`);
    else data[at++] = checkScalar('tensor', value, dtype);
  };
  fill(values, 0);
  return finish(new Tensor({ storage: new Storage(dtype, data as never), layout: contiguous(shape) }), options) as Tensor;
}

const dtypeOfArray = new Map<string, DType>([
  ['Float32Array', 'float32'], ['Float64Array', 'float64'], ['Int32Array', 'int32'], ['Uint8Array', 'uint8'], ['Int8Array', 'int8'],
]);

type DTypeOfArray<A extends TypedArray> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : A extends Int8Array ? 'int8' : 'uint8';

/** A tensor that copies a typed array; the dtype is the array's, or bool for bytes of 0 and 1. */
export function fromTypedArray<A extends TypedArray>(data: A, shape?: Shape, options?: { readonly dtype?: undefined; readonly requiresGrad?: boolean }): Tensor<DTypeOfArray<A>>;
export function fromTypedArray<D extends DType>(data: TypedArrayOf<D>, shape: Shape, options: { readonly dtype: D; readonly requiresGrad?: boolean }): Tensor<D>;
export function fromTypedArray(data: TypedArray, shape: Shape = [data.length], options: { readonly dtype?: DType | undefined; readonly requiresGrad?: boolean } = {}): Tensor {
  const natural = dtypeOfArray.get(data.constructor.name);
  if (natural === undefined) throw new DTypeError(`fromTypedArray: a ${data.constructor.name} has no dtype; use Float32Array, Float64Array, Int32Array, Uint8Array or Int8Array`);
  const dtype = options.dtype ?? natural;
  if (dtype !== natural && !(dtype === 'bool' && natural === 'uint8')) throw new DTypeError(`fromTypedArray: a ${data.constructor.name} holds ${natural}, not ${dtype}; use cast('${dtype}') on the result`);
  if (sizeOf(checkShape('fromTypedArray', shape)) !== data.length) throw new ShapeError(`fromTypedArray: ${data.length} values do not fill the shape ${formatShape(shape)} (${sizeOf(shape)} values)`);
  if (dtype === 'bool' && data.some((value) => value > 1)) throw new DTypeError('fromTypedArray: a bool is a byte of 0 or 1; compare first, for example with ne(0)');
  const copy = newArray(dtype, data.length);
  copy.set(data);
  return finish(new Tensor({ storage: new Storage(dtype, copy), layout: contiguous(shape) }), options);
}

/** A tensor of one value everywhere. */
export function full<D extends DType = 'float32'>(shape: Shape, value: number | boolean, options: TensorOptions<D> = {}): Tensor<D> {
  const dtype = options.dtype ?? ((typeof value === 'boolean' ? 'bool' : 'float32') as D);
  const number = checkScalar('full', value, dtype);
  const view = allocate(checkShape('full', shape), dtype);
  if (number !== 0) kernels.fill(view, number);
  return finish(new Tensor(view), options);
}

export function zeros<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return full(shape, 0, options);
}

export function ones<D extends DType = 'float32'>(shape: Shape, options?: TensorOptions<D>): Tensor<D> {
  return full(shape, 1, options);
}

export function zerosLike<D extends DType>(x: Tensor<D>): Tensor<D> {
  return full(x.shape, 0, { dtype: x.dtype });
}

export function onesLike<D extends DType>(x: Tensor<D>): Tensor<D> {
  return full(x.shape, 1, { dtype: x.dtype });
}

/** start, start + step, … up to but without stop. Whole numbers make int32 unless a dtype is given. */
export function arange(stop: number): Tensor<'int32'>;
export function arange<D extends DType = 'int32'>(start: number, stop: number, step?: number, options?: TensorOptions<D>): Tensor<D>;
export function arange(startOrStop: number, maybeStop?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [start, stop] = maybeStop === undefined ? [0, startOrStop] : [startOrStop, maybeStop];
  if (!Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step) || step === 0) {
    throw new ArgumentError(`arange: start, stop and step must be finite and the step other than 0, not ${start}, ${stop}, ${step}`);
  }
  const dtype = options.dtype ?? ([start, step].every(Number.isInteger) ? 'int32' : 'float32');
  const view = allocate([Math.max(0, Math.ceil((stop - start) / step))], dtype);
  for (let i = 0; i < view.layout.shape[0]; i++) view.storage.data[i] = checkScalar('arange', start + i * step, dtype);
  return finish(new Tensor(view), options);
}

function random<D extends DType>(op: string, kind: RandomKind, shape: Shape, dtype: D, options: RandomOptions<D>): Tensor<D> {
  const view = allocate(checkShape(op, shape), dtype);
  if (kind.kind !== 'bernoulli' && !isFloat(dtype)) throw new DTypeError(`${op}: the draws are real numbers, which ${dtype} cannot hold; use float32 or float64, or randint()`);
  const count = sizeOf(shape);
  kernels.random(kind, (options.generator ?? defaultGenerator).reserve(kind.kind === 'normal' ? count + (count % 2) : count), view);
  return finish(new Tensor(view), options);
}

/** Independent draws, uniform in [0, 1). */
export function rand<D extends DType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  return random('rand', { kind: 'uniform' }, shape, options.dtype ?? ('float32' as D), options);
}

/** Independent draws from the standard normal distribution. */
export function randn<D extends DType = 'float32'>(shape: Shape, options: RandomOptions<D> = {}): Tensor<D> {
  return random('randn', { kind: 'normal' }, shape, options.dtype ?? ('float32' as D), options);
}

/** Independent draws of 1 with probability p, else 0. */
export function bernoulli<D extends DType = 'float32'>(shape: Shape, p: number, options: RandomOptions<D> = {}): Tensor<D> {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`bernoulli: the probability must be from 0 to 1, not ${p}`);
  return random('bernoulli', { kind: 'bernoulli', p }, shape, options.dtype ?? ('float32' as D), options);
}
