import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType, FileDType, TypedArray } from '../../dtype.ts';
import { bytesPerElement, newArray } from '../../dtype.ts';
import { ArgumentError, DTypeError, FormatError } from '../../errors.ts';
import { computeDType, decodeTensor, encodeValues, swapBytes } from './codec.ts';

const numRuns = Number(process.env.STRIDED_RUNS ?? 100);

function bytesOf(array: TypedArray | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** `bytes` at an odd place in a larger buffer. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const room = new Uint8Array(bytes.length + 5).fill(0xee);
  room.set(bytes, 3);
  return room.subarray(3, 3 + bytes.length);
}

const native: readonly DType[] = ['float32', 'float64', 'int32', 'uint8', 'int8'];

describe('native dtypes', () => {
  it.each(native)('%s: any bytes decode to the values DataView reads, aligned or not, and encode to the same bytes', (dtype) => {
    const size = bytesPerElement(dtype);
    const read = { float32: 'getFloat32', float64: 'getFloat64', int32: 'getInt32', uint8: 'getUint8', int8: 'getInt8', bool: 'getUint8' } as const;
    fc.assert(fc.property(fc.uint8Array({ maxLength: 10 * size }), fc.boolean(), (any, odd) => {
      const bytes = any.slice(0, any.length - (any.length % size));
      const given = odd ? unaligned(bytes) : bytes;
      const { data, dtype: decoded } = decodeTensor({ dtype, shape: [bytes.length / size], bytes: given });
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      expect(decoded).toBe(dtype);
      expect([...data]).toEqual(Array.from({ length: bytes.length / size }, (_, i) => view[read[dtype]](i * size, true)));
      expect(encodeValues(data, dtype, dtype)).toEqual(bytes);
      if (odd) expect(data.buffer).not.toBe(given.buffer);
    }), { numRuns });
  });

  it('copies from a Node Buffer, whose memory is shared with others', () => {
    const pooled = Buffer.from([1, 0, 0, 0]);
    const { data } = decodeTensor({ dtype: 'int32', shape: [], bytes: pooled });
    pooled[0] = 9;
    expect([...data]).toEqual([1]);
  });

  it('encodes a view of part of a buffer, and never shares memory', () => {
    const all = Float32Array.of(1, 2, 3, 4);
    const bytes = encodeValues(all.subarray(1, 3), 'float32', 'float32');
    all.fill(9);
    expect(bytes).toEqual(bytesOf(Float32Array.of(2, 3)));
    expect(bytes.buffer.byteLength).toBe(8);
    expect(encodeValues(all.subarray(1, 3), 'float32', 'bfloat16').length).toBe(4);
  });
});

describe('bool', () => {
  it('takes bytes of 0 and 1 and refuses any other, naming the tensor and the element', () => {
    expect([...decodeTensor({ dtype: 'bool', shape: [2], bytes: Uint8Array.of(0, 1) }).data]).toEqual([0, 1]);
    for (const wrong of [2, 127, 255]) {
      const raw = { dtype: 'bool', shape: [3], bytes: Uint8Array.of(0, wrong, 1) } as const;
      expect(() => decodeTensor(raw, 'f: tensor "mask"')).toThrow(FormatError);
      expect(() => decodeTensor(raw, 'f: tensor "mask"')).toThrow(`f: tensor "mask": element 1 of a bool tensor is the byte ${wrong}`);
    }
  });
});

describe('int64', () => {
  const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2147483647, -2147483648));

  it('becomes int32 and comes back to the same bytes', () => {
    fc.assert(fc.property(fc.array(int32), fc.boolean(), (values, odd) => {
      const bytes = bytesOf(BigInt64Array.from(values, BigInt));
      const { data, dtype } = decodeTensor({ dtype: 'int64', shape: [values.length], bytes: odd ? unaligned(bytes) : bytes });
      expect(dtype).toBe('int32');
      expect([...data]).toEqual(values);
      expect(encodeValues(data, 'int32', 'int64')).toEqual(bytes);
    }), { numRuns });
  });

  it('that int32 cannot hold is an error with the tensor, the place and the exact value', () => {
    const outside = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((value) => value !== BigInt.asIntN(32, value));
    const edges = fc.constantFrom(2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n);
    fc.assert(fc.property(fc.oneof(edges, outside), (value) => {
      const raw = { dtype: 'int64', shape: [2], bytes: bytesOf(BigInt64Array.of(5n, value)) } as const;
      expect(() => decodeTensor(raw, 'f: tensor "ids"')).toThrow(DTypeError);
      expect(() => decodeTensor(raw, 'f: tensor "ids"')).toThrow(`f: tensor "ids": element 1 is ${value}, an int64`);
    }), { numRuns });
  });
});

describe('halves', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it.each(['float16', 'bfloat16'] as const)('%s: all 65,536 values go to float32 and back to the same bytes', (dtype) => {
    const { data, dtype: decoded } = decodeTensor({ dtype, shape: [256, 256], bytes: unaligned(bytesOf(all)) });
    expect(decoded).toBe('float32');
    expect(encodeValues(data, 'float32', dtype)).toEqual(bytesOf(all));
  });

  it.each(['float16', 'bfloat16'] as const)('%s: float64 that a half holds is stored exactly', (dtype) => {
    const numbers = Float64Array.from(decodeTensor({ dtype, shape: [65536], bytes: bytesOf(all) }).data);
    const back = decodeTensor({ dtype, shape: [65536], bytes: encodeValues(numbers, 'float64', dtype) });
    expect(Float64Array.from(back.data)).toEqual(numbers);
  });

  it('float64 is rounded once: 1 + 2⁻¹¹ + 2⁻⁴⁰ lies above the tie that float32 would make of it', () => {
    const value = 1 + 2 ** -11 + 2 ** -40;
    expect([...encodeValues(Float64Array.of(value), 'float64', 'float16')]).toEqual([0x01, 0x3c]);
    expect([...encodeValues(Float32Array.of(value), 'float32', 'float16')]).toEqual([0x00, 0x3c]);
  });
});

it('refuses every other change of dtype and says what to do', () => {
  const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint8', 'int8', 'bool'];
  const files: readonly FileDType[] = [...dtypes, 'float16', 'bfloat16', 'int64'];
  const allowed = dtypes.map((from) => files.filter((to) => {
    try {
      return encodeValues(newArray(from, 1), from, to).length === bytesPerElement(to);
    } catch (error) {
      expect(error).toBeInstanceOf(DTypeError);
      expect(String(error)).toContain('cast the tensor first');
      return false;
    }
  }));
  expect(allowed).toEqual([
    ['float32', 'float16', 'bfloat16'], ['float64', 'float16', 'bfloat16'], ['int32', 'int64'], ['uint8'], ['int8'], ['bool'],
  ]);
  for (const [i, tos] of allowed.entries()) for (const to of tos) expect(computeDType(to) === dtypes[i] || dtypes[i] === 'float64').toBe(true);
});

it('refuses bytes that do not fill the shape', () => {
  expect(() => decodeTensor({ dtype: 'float32', shape: [2], bytes: new Uint8Array(7) })).toThrow(ArgumentError);
  expect(() => decodeTensor({ dtype: 'float32', shape: [2], bytes: new Uint8Array(12) })).toThrow(ArgumentError);
});

it('swapBytes turns each element around', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  swapBytes(bytes, 4);
  expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
  swapBytes(bytes, 1);
  expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
});
