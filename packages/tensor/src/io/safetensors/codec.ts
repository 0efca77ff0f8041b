import type { DType, FileDType, TypedArray } from '../../dtype.ts';
import { bytesPerElement, isFloat } from '../../dtype.ts';
import { ArgumentError, DTypeError, FormatError } from '../../errors.ts';
import type { HalfFormat } from '../../kernels/contract.ts';
import { kernels } from '../../kernels/dispatch.ts';
import { roundToOddFloat32 } from '../../kernels/js/halves.ts';

/** A tensor as a file holds it: little-endian values, last axis fastest. */
export interface RawTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Values ready to compute with. */
export interface DecodedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The dtype that values of a file's dtype are computed with: halves as float32, int64 as int32, others as they are. */
export function computeDType(dtype: FileDType): DType {
  if (dtype === 'float16' || dtype === 'bfloat16') return 'float32';
  return dtype === 'int64' ? 'int32' : dtype;
}

/**
 * A raw tensor's values in a typed array of a dtype to compute with. float16 and bfloat16 become float32, which is
 * exact; int64 becomes int32. Where `raw.bytes` fill their ArrayBuffer (as the readers' do) and need no conversion,
 * the values share that memory; otherwise they are a copy, so unaligned bytes are no matter.
 *
 * @param label what an error calls the tensor, for example `model.safetensors: tensor "embedding.weight"`
 * @throws DTypeError for an int64 that int32 cannot hold, FormatError for a bool that is neither 0 nor 1
 */
export function decodeTensor(raw: RawTensor, label = 'decodeTensor'): DecodedTensor {
  const dtype = computeDType(raw.dtype);
  const count = raw.shape.reduce((product, size) => product * size, 1);
  const size = bytesPerElement(raw.dtype);
  if (raw.bytes.length !== count * size) {
    throw new ArgumentError(`${label}: ${raw.bytes.length} bytes cannot be ${raw.dtype} of shape [${raw.shape.join(', ')}], which takes ${count * size}`);
  }
  const buffer = ownBuffer(raw.bytes, size);
  return { dtype, shape: raw.shape, data: decodeValues(raw.dtype, buffer, count, label) };
}

function decodeValues(dtype: FileDType, buffer: ArrayBuffer, count: number, label: string): TypedArray {
  switch (dtype) {
    case 'float32': return new Float32Array(buffer);
    case 'float64': return new Float64Array(buffer);
    case 'int32': return new Int32Array(buffer);
    case 'uint8': return new Uint8Array(buffer);
    case 'int8': return new Int8Array(buffer);
    case 'bool': return checkBools(new Uint8Array(buffer), label);
    case 'float16': case 'bfloat16': return widen(dtype, new Uint16Array(buffer));
    case 'int64': return narrowIntegers(new Int32Array(buffer), count, label);
  }
}

/** The bytes in an ArrayBuffer of their own, in the host's byte order: the same memory where they have it to themselves. */
function ownBuffer(bytes: Uint8Array, size: number): ArrayBuffer {
  const { buffer } = bytes;
  if (hostIsLittleEndian && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) return buffer;
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  if (!hostIsLittleEndian) swapBytes(copy, size);
  return copy.buffer;
}

/** Reverses the bytes of each element of `size` bytes, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  if (size > 1) for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

function checkBools(values: Uint8Array, label: string): Uint8Array {
  const wrong = values.findIndex((value) => value > 1);
  if (wrong >= 0) {
    throw new FormatError(`${label}: element ${wrong} of a bool tensor is the byte ${values[wrong]}; only 0 and 1 are bools: save it as uint8 or repair the file`);
  }
  return values;
}

function widen(format: HalfFormat, halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  kernels.widen(format, halves, values);
  return values;
}

function narrowIntegers(words: Int32Array, count: number, label: string): Int32Array {
  const values = new Int32Array(count);
  const [lowWord, highWord] = hostIsLittleEndian ? [0, 1] : [1, 0];
  for (let i = 0; i < count; i++) {
    const low = words[2 * i + lowWord];
    const high = words[2 * i + highWord];
    if (high !== low >> 31) {
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
      throw new DTypeError(`${label}: element ${i} is ${value}, an int64 that int32 (-2147483648 to 2147483647) cannot hold; read its bytes with read(), or save it as float64`);
    }
    values[i] = low;
  }
  return values;
}

/**
 * The bytes that hold `data`, a typed array of `dtype`, as `to` in a file: always a copy. Floats go into float16 and
 * bfloat16 rounded to the nearest, ties to even (float64 is rounded once, not by way of float32); int32 goes into int64.
 *
 * @throws DTypeError for any other change of dtype: `cast` the tensor first
 */
export function encodeValues(data: TypedArray, dtype: DType, to: FileDType, label = 'encodeValues'): Uint8Array {
  checkStorable(dtype, to, label);
  const bytes = new Uint8Array(encodedCopy(data, dtype, to).buffer);
  if (!hostIsLittleEndian) swapBytes(bytes, bytesPerElement(to));
  return bytes;
}

/** Refuses a change of dtype that `encodeValues` does not make. */
export function checkStorable(dtype: DType, to: FileDType, label: string): void {
  const half = to === 'float16' || to === 'bfloat16';
  if (to === dtype || (half && isFloat(dtype)) || (to === 'int64' && dtype === 'int32')) return;
  throw new DTypeError(`${label}: ${dtype} cannot be stored as ${to}; float32 and float64 can be stored as float16 or bfloat16, int32 as int64: cast the tensor first`);
}

function encodedCopy(data: TypedArray, dtype: DType, to: FileDType): TypedArray | Uint16Array | BigInt64Array {
  if (dtype === to) return data.slice();
  if (to === 'float16' || to === 'bfloat16') return narrow(to, data);
  return BigInt64Array.from(data, BigInt);
}

function narrow(format: HalfFormat, data: TypedArray): Uint16Array {
  const halves = new Uint16Array(data.length);
  kernels.narrow(format, data instanceof Float32Array ? data : roundedToOdd(data), halves);
  return halves;
}

/** float64 as the float32 that round to the halves that it rounds to. */
function roundedToOdd(data: TypedArray): Float32Array {
  const bits = new Uint32Array(data.length);
  for (let i = 0; i < bits.length; i++) bits[i] = roundToOddFloat32(data[i]);
  return new Float32Array(bits.buffer);
}
