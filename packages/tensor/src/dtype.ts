import { ArgumentError, DTypeError } from './errors.ts';

/** The dtypes that ops compute with. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** The dtypes that files may hold; float16 and bfloat16 are read as float32, int64 as int32. */
export type FileDType = DType | 'float16' | 'bfloat16' | 'int64';

export type FloatDType = 'float32' | 'float64';

/** The typed array that holds values of a dtype; a bool is a byte of 0 or 1. */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  bool: Uint8Array;
}
export type TypedArrayOf<D extends DType> = TypedArrays[D];
export type TypedArray = TypedArrays[DType];

/** What reading one value gives: a boolean for bool, a number for every other dtype. */
export type ScalarOf<D extends DType> = D extends 'bool' ? boolean : number;

export const dtypes = ['float32', 'float64', 'int32', 'uint8', 'int8', 'bool'] as const satisfies readonly DType[];

const bytes: Record<FileDType, number> = {
  float64: 8, int64: 8, float32: 4, int32: 4, float16: 2, bfloat16: 2, uint8: 1, int8: 1, bool: 1,
};

/** Bytes that one value takes. */
export function bytesPerElement(dtype: FileDType): number {
  return bytes[dtype];
}

/** Refuses what is no dtype of tensors: a name from JavaScript that no type has checked, or a dtype of files. */
export function checkDType(op: string, dtype: DType): void {
  if (!Object.hasOwn(constructors, dtype)) throw new DTypeError(`${op}: '${String(dtype)}' is not a dtype to compute with; use ${dtypes.join(', ')}`);
}

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
}

const constructors = {
  float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array, bool: Uint8Array,
} as const;

/** A new typed array of `length` zeros. */
export function newArray<D extends DType>(dtype: D, length: number): TypedArrayOf<D> {
  return new constructors[dtype](length) as TypedArrayOf<D>;
}

/** The values that lie in a buffer, all of it or `length` from byte `offset` on. */
export function arrayOn<D extends DType>(dtype: D, buffer: ArrayBufferLike, offset = 0, length?: number): TypedArrayOf<D> {
  // The library's types know of no shared memory here; the constructors take it.
  return new constructors[dtype](buffer as ArrayBuffer, offset, length) as TypedArrayOf<D>;
}

/**
 * The one table of promotion: the dtype that two dtypes meet in. It is PyTorch's, with these differences:
 * - uint8 with int8 gives int32 (PyTorch: int16, which Strided does not have);
 * - arithmetic of bools, sums and products over axes of integers, counts and indices give int32 (PyTorch: int64);
 *   a sum or product that overflows int32 is an error, elementwise arithmetic wraps;
 * - a 0-dimensional tensor counts like any other (in PyTorch it gives way to one with axes);
 * - a JavaScript number takes the tensor's dtype; a fraction or an out-of-range number beside an integer tensor
 *   is a DTypeError that suggests `cast`;
 * - division and mean of integers give float32, as in PyTorch with its default dtype.
 */
export const promotion = {
  bool: { bool: 'bool', uint8: 'uint8', int8: 'int8', int32: 'int32', float32: 'float32', float64: 'float64' },
  uint8: { bool: 'uint8', uint8: 'uint8', int8: 'int32', int32: 'int32', float32: 'float32', float64: 'float64' },
  int8: { bool: 'int8', uint8: 'int32', int8: 'int8', int32: 'int32', float32: 'float32', float64: 'float64' },
  int32: { bool: 'int32', uint8: 'int32', int8: 'int32', int32: 'int32', float32: 'float32', float64: 'float64' },
  float32: { bool: 'float32', uint8: 'float32', int8: 'float32', int32: 'float32', float32: 'float32', float64: 'float64' },
  float64: { bool: 'float64', uint8: 'float64', int8: 'float64', int32: 'float64', float32: 'float64', float64: 'float64' },
} as const satisfies Record<DType, Record<DType, DType>>;

/** The dtype that values of A and B meet in, without arithmetic (`where`, `concat`, `minimum`). */
export type Promote<A extends DType, B extends DType> = (typeof promotion)[A][B];

/** The dtype of `a + b`: as `Promote`, but bools are counted. */
export type Arithmetic<A extends DType, B extends DType> = Counted<Promote<A, B>>;

/** bool becomes int32. */
export type Counted<D extends DType> = D extends 'bool' ? 'int32' : D;

/** Integers and bools become float32: division, mean, exp and the like. */
export type ToFloat<D extends DType> = D extends FloatDType ? D : 'float32';

/** Integers and bools become int32: sums and products over axes. */
export type Summed<D extends DType> = D extends FloatDType ? D : 'int32';

export function promote<A extends DType, B extends DType>(a: A, b: B): Promote<A, B> {
  return promotion[a][b] as Promote<A, B>;
}

export function counted<D extends DType>(dtype: D): Counted<D> {
  return (dtype === 'bool' ? 'int32' : dtype) as Counted<D>;
}

export function toFloat<D extends DType>(dtype: D): ToFloat<D> {
  return (isFloat(dtype) ? dtype : 'float32') as ToFloat<D>;
}

export function summed<D extends DType>(dtype: D): Summed<D> {
  return (isFloat(dtype) ? dtype : 'int32') as Summed<D>;
}

const ranges = { int32: [-2147483648, 2147483647], uint8: [0, 255], int8: [-128, 127], bool: [0, 1] } as const;

/** `value` as a number that `dtype` holds exactly (floats take any number), or a DTypeError that names `op` and what to do. */
export function checkScalar(op: string, value: number | boolean, dtype: DType, remedy = "cast the tensor first, for example .cast('float32')"): number {
  if (typeof value !== 'number' && typeof value !== 'boolean') throw new ArgumentError(`${op}: a number or a boolean is needed, not ${typeof value}`);
  const number = Number(value);
  if (isFloat(dtype)) return number;
  const [low, high] = ranges[dtype];
  if (!Number.isInteger(number) || number < low || number > high) {
    throw new DTypeError(
      `${op}: ${number} is not a value of ${dtype} (integers from ${low} to ${high}); ${remedy}`,
    );
  }
  return number;
}
