import { checkDType, checkScalar, isFloat, newArray, type DType, type TypedArray, type TypedArrayOf } from './dtype.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from './errors.ts';
import { kernels } from './kernels/dispatch.ts';
import { checkShape, contiguous, formatShape, sizeOf, type Shape } from './layout.ts';
import { allocate, allocateLater, Storage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** Tensors of given or computed values; those of random ones are in `randomCreation.ts`. */

export interface TensorOptions<D extends DType = DType> {
  /** Default float32, where the function does not say otherwise. */
  readonly dtype?: D;
  /** Whether gradients flow to it. Default false; only float dtypes. */
  readonly requiresGrad?: boolean;
}

/** Nested arrays of values: a value alone is a scalar. */
export type NestedValues<T> = T | readonly NestedValues<T>[];

const remedy = "pass { dtype: 'float32' }";

export function finish<D extends DType>(tensor: Tensor<D>, options: { readonly requiresGrad?: boolean }): Tensor<D> {
  if (options.requiresGrad) tensor.requiresGrad = true;
  return tensor;
}

const dtypeOfArray = new Map<string, DType>([
  ['Float32Array', 'float32'], ['Float64Array', 'float64'], ['Int32Array', 'int32'], ['Uint8Array', 'uint8'], ['Int8Array', 'int8'],
]);

export type DTypeOfArray<A extends TypedArray> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : A extends Int8Array ? 'int8' : 'uint8';

/** The dtype of a typed array's own kind; subclasses such as Node's Buffer count as what they are. */
export function dtypeOf(op: string, data: TypedArray): DType {
  const kind = Object.prototype.toString.call(data).slice('[object '.length, -1);
  const dtype = dtypeOfArray.get(kind);
  if (dtype === undefined) throw new DTypeError(`${op}: ${kind} is no typed array with a dtype; use Float32Array, Float64Array, Int32Array, Uint8Array or Int8Array`);
  return dtype;
}

/**
 * A tensor of nested arrays, a number or a boolean, or of a copy of a typed array (one axis; `fromTypedArray` takes a
 * shape). Numbers make float32 and booleans bool unless a dtype is given; typed arrays keep theirs.
 *
 * @throws ShapeError where nested arrays are ragged; DTypeError for a value that the dtype cannot hold.
 * @example
 * tensor([[1, 2], [3, 4]]);                       // float32 [2, 2]
 * tensor([1, 2, 3], { dtype: 'int32' });
 * tensor(new Float64Array(8), { requiresGrad: true });
 */
export function tensor<A extends TypedArray>(values: A, options?: { readonly dtype?: undefined; readonly requiresGrad?: boolean }): Tensor<DTypeOfArray<A>>;
export function tensor<D extends DType>(values: TypedArray, options: TensorOptions<D> & { readonly dtype: D }): Tensor<D>;
export function tensor<D extends DType = 'float32'>(values: NestedValues<number>, options?: TensorOptions<D>): Tensor<D>;
export function tensor<D extends DType = 'bool'>(values: NestedValues<boolean>, options?: TensorOptions<D>): Tensor<D>;
export function tensor(values: NestedValues<number | boolean> | TypedArray, options: { readonly dtype?: DType | undefined; readonly requiresGrad?: boolean } = {}): Tensor {
  if (ArrayBuffer.isView(values)) return ofTypedArray(values, options);
  const shape: number[] = [];
  let level: unknown = values;
  while (Array.isArray(level)) {
    shape.push(level.length);
    level = level[0];
  }
  const dtype = options.dtype ?? (typeof level === 'boolean' ? 'bool' : 'float32');
  checkDType('tensor', dtype);
  const data = newArray(dtype, sizeOf(shape));
  let at = 0;
  const fill = (value: unknown, axis: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== shape[axis]) throw ragged(axis, `an array of length ${value.length}`, shape);
      for (const inner of value) fill(inner, axis + 1);
    } else if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw new ArgumentError(`tensor: the values must be numbers or booleans in nested arrays, not ${value === null ? 'null' : typeof value}`);
    } else {
      if (axis < shape.length) throw ragged(axis, `a ${typeof value}`, shape);
      data[at++] = checkScalar('tensor', value, dtype, remedy);
    }
  };
  fill(values, 0);
  return finish(new Tensor({ storage: new Storage(dtype, data), layout: contiguous(shape) }), options);
}

function ragged(depth: number, found: string, shape: Shape): ShapeError {
  const first = depth < shape.length ? `length ${shape[depth]}` : 'a single value';
  return new ShapeError(`tensor: the nested arrays are ragged: at depth ${depth} stands ${found} where the first has ${first}; make all of one depth equally long`);
}

function ofTypedArray(values: TypedArray, options: { readonly dtype?: DType | undefined; readonly requiresGrad?: boolean }): Tensor {
  const natural = dtypeOf('tensor', values);
  const dtype = options.dtype ?? natural;
  checkDType('tensor', dtype);
  const data = newArray(dtype, values.length);
  if (isFloat(dtype) || dtype === natural) data.set(values);
  else for (let i = 0; i < data.length; i++) data[i] = checkScalar('tensor', values[i], dtype, remedy);
  return finish(new Tensor({ storage: new Storage(dtype, data), layout: contiguous([data.length]) }), options);
}

/**
 * A tensor of a shape that copies a typed array in row-major order; the dtype is the array's, or bool for bytes of 0 and 1.
 *
 * @throws ShapeError where the shape holds another number of values.
 * @example
 * fromTypedArray(new Float32Array([1, 2, 3, 4]), [2, 2]);
 */
export function fromTypedArray<A extends TypedArray>(data: A, shape?: Shape, options?: { readonly dtype?: undefined; readonly requiresGrad?: boolean }): Tensor<DTypeOfArray<A>>;
export function fromTypedArray<D extends DType>(data: TypedArrayOf<D>, shape: Shape, options: { readonly dtype: D; readonly requiresGrad?: boolean }): Tensor<D>;
export function fromTypedArray(data: TypedArray, shape: Shape = [data.length], options: { readonly dtype?: DType | undefined; readonly requiresGrad?: boolean } = {}): Tensor {
  const natural = dtypeOf('fromTypedArray', data);
  const dtype = options.dtype ?? natural;
  if (dtype !== natural && !(dtype === 'bool' && natural === 'uint8')) throw new DTypeError(`fromTypedArray: the array holds ${natural}, not ${dtype}; use cast('${dtype}') on the result`);
  if (sizeOf(checkShape('fromTypedArray', shape)) !== data.length) throw new ShapeError(`fromTypedArray: ${data.length} values do not fill the shape ${formatShape(shape)} (${sizeOf(shape)} values)`);
  if (dtype === 'bool' && data.some((value) => value > 1)) throw new DTypeError('fromTypedArray: a bool is a byte of 0 or 1; compare first, for example with ne(0)');
  const copy = newArray(dtype, data.length);
  copy.set(data);
  return finish(new Tensor({ storage: new Storage(dtype, copy), layout: contiguous([...shape]) }), options);
}

/**
 * A tensor whose values are about to be given, by `copyFrom` or from a file. Until then they are 0 and take no memory.
 *
 * @example
 * const weight = empty([30522, 768]);
 */
export function empty<D extends DType = 'float32'>(shape: Shape, options: TensorOptions<D> = {}): Tensor<D> {
  const dtype = options.dtype ?? ('float32' as D);
  checkDType('empty', dtype);
  return finish(new Tensor(allocateLater([...checkShape('empty', shape)], dtype)), options);
}

/** A tensor of one value everywhere; of a boolean, bool. */
export function full<D extends DType = 'float32'>(shape: Shape, value: number, options?: TensorOptions<D>): Tensor<D>;
export function full<D extends DType = 'bool'>(shape: Shape, value: boolean, options?: TensorOptions<D>): Tensor<D>;
export function full(shape: Shape, value: number | boolean, options: TensorOptions = {}): Tensor {
  return filled('full', shape, value, options.dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32'), options);
}

function filled<D extends DType>(op: string, shape: Shape, value: number | boolean, dtype: D, options: { readonly requiresGrad?: boolean }): Tensor<D> {
  checkDType(op, dtype);
  const number = checkScalar(op, value, dtype, remedy);
  const view = allocate([...checkShape(op, shape)], dtype);
  if (number !== 0 || Object.is(number, -0)) kernels.fill(view, number);
  return finish(new Tensor(view), options);
}

/** A tensor of zeros. */
export function zeros<D extends DType = 'float32'>(shape: Shape, options: TensorOptions<D> = {}): Tensor<D> {
  return filled('zeros', shape, 0, options.dtype ?? ('float32' as D), options);
}

/** A tensor of ones. */
export function ones<D extends DType = 'float32'>(shape: Shape, options: TensorOptions<D> = {}): Tensor<D> {
  return filled('ones', shape, 1, options.dtype ?? ('float32' as D), options);
}

/** Zeros in the shape and, unless another is given, the dtype of x. */
export function zerosLike<D extends DType, E extends DType = D>(x: Tensor<D>, options: TensorOptions<E> = {}): Tensor<E> {
  return filled('zerosLike', x.shape, 0, options.dtype ?? (x.dtype as DType as E), options);
}

/** Ones in the shape and, unless another is given, the dtype of x. */
export function onesLike<D extends DType, E extends DType = D>(x: Tensor<D>, options: TensorOptions<E> = {}): Tensor<E> {
  return filled('onesLike', x.shape, 1, options.dtype ?? (x.dtype as DType as E), options);
}

/** One value everywhere, in the shape and, unless another is given, the dtype of x. */
export function fullLike<D extends DType, E extends DType = D>(x: Tensor<D>, value: number | boolean, options: TensorOptions<E> = {}): Tensor<E> {
  return filled('fullLike', x.shape, value, options.dtype ?? (x.dtype as DType as E), options);
}

/**
 * start, start + step, … up to but without stop; each is start + i·step, rounded once.
 * int32 unless another dtype is given, which fractions need.
 *
 * @example
 * arange(3);                                     // 0, 1, 2
 * arange(1, 0, -0.25, { dtype: 'float32' });     // 1, 0.75, 0.5, 0.25
 */
export function arange(stop: number): Tensor<'int32'>;
export function arange<D extends DType = 'int32'>(start: number, stop: number, step?: number, options?: TensorOptions<D>): Tensor<D>;
export function arange(startOrStop: number, maybeStop?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [start, stop] = maybeStop === undefined ? [0, startOrStop] : [startOrStop, maybeStop];
  if (!Number.isFinite(start) || !Number.isFinite(stop) || !Number.isFinite(step) || step === 0) {
    throw new ArgumentError(`arange: start, stop and step must be finite and the step other than 0, not ${start}, ${stop}, ${step}`);
  }
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return computed('arange', count, (i) => start + i * step, options.dtype ?? 'int32', options);
}

/**
 * `count` values from start to stop, both included, evenly spaced; the second half is counted from stop, so that both
 * ends are exact.
 *
 * @example
 * linspace(0, 1, 5); // 0, 0.25, 0.5, 0.75, 1
 */
export function linspace<D extends DType = 'float32'>(start: number, stop: number, count: number, options: TensorOptions<D> = {}): Tensor<D> {
  if (!Number.isFinite(start) || !Number.isFinite(stop)) throw new ArgumentError(`linspace: start and stop must be finite, not ${start} and ${stop}`);
  if (!Number.isSafeInteger(count) || count < 0) throw new ArgumentError(`linspace: the count must be a whole number from 0, not ${count}`);
  const gaps = Math.max(1, count - 1);
  const step = Number.isFinite(stop - start) ? (stop - start) / gaps : stop / gaps - start / gaps;
  const between = (i: number) => (i < count / 2 ? start + i * step : stop - (count - 1 - i) * step);
  const at = (i: number) => (i === 0 ? start : i === count - 1 ? stop : between(i));
  return computed('linspace', count, at, options.dtype ?? ('float32' as D), options);
}

function computed<D extends DType>(op: string, count: number, at: (i: number) => number, dtype: D, options: { readonly requiresGrad?: boolean }): Tensor<D> {
  checkDType(op, dtype);
  const view = allocate(checkShape(op, [count]), dtype);
  const { data } = view.storage;
  for (let i = 0; i < count; i++) data[i] = checkScalar(op, at(i), dtype, remedy);
  return finish(new Tensor(view), options);
}

/** 1 on the diagonal and 0 elsewhere: [rows, columns], square by default. */
export function eye<D extends DType = 'float32'>(rows: number, columns = rows, options: TensorOptions<D> = {}): Tensor<D> {
  const dtype = options.dtype ?? ('float32' as D);
  checkDType('eye', dtype);
  const view = allocate(checkShape('eye', [rows, columns]), dtype);
  for (let i = 0; i < Math.min(rows, columns); i++) view.storage.data[i * (columns + 1)] = 1;
  return finish(new Tensor(view), options);
}

/**
 * For each index a row of zeros with a 1 in the index's place: [...] → [..., classes]. int32 unless another dtype is given.
 *
 * @param classes The length of the rows. Default: the largest index + 1.
 * @throws DTypeError where the indices are not integers; IndexError where one is not from 0 to classes − 1.
 * @example
 * oneHot(tensor([2, 0], { dtype: 'int32' }), 3); // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot<D extends DType = 'int32'>(index: Tensor, classes?: number, options: TensorOptions<D> = {}): Tensor<D> {
  const dtype = options.dtype ?? ('int32' as D);
  checkDType('oneHot', dtype);
  if (isFloat(index.dtype) || index.dtype === 'bool') throw new DTypeError(`oneHot: the indices must be integers, not ${index.dtype}; use cast('int32')`);
  const indices: ArrayLike<number> = index.toTypedArray();
  if (classes === undefined && indices.length === 0) throw new ArgumentError(`oneHot: no indices, in ${formatShape(index.shape)}, tell no number of classes; pass it`);
  let length = classes ?? 0;
  if (classes === undefined) for (let i = 0; i < indices.length; i++) length = Math.max(length, indices[i] + 1);
  const view = allocate(checkShape('oneHot', [...index.shape, length]), dtype);
  for (let i = 0; i < indices.length; i++) {
    const one = indices[i];
    if (one < 0 || one >= length) throw new IndexError(`oneHot: index ${one} is not from 0 to ${length - 1}, the classes`);
    view.storage.data[i * length + one] = 1;
  }
  return finish(new Tensor(view), options);
}
