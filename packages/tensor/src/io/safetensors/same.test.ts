import { describe, expect, it } from 'vitest';
import { fromTypedArray, zeros } from '../../creation.ts';
import type { Tensor } from '../../tensor.ts';
import { sameTensors } from './same.ts';
import { encodeSafetensors, openSafetensors, type SaveOptions } from './tensors.ts';

const same = async (a: Tensor, b: Tensor, options: SaveOptions = {}): Promise<boolean> => sameTensors(await openSafetensors(encodeSafetensors({ a, b }, options)), 'a', 'b');
const floats = (...values: number[]): Tensor => fromTypedArray(Float32Array.from(values), [values.length]);

describe('sameTensors', () => {
  it('compares values, in any piece, not bytes', async () => {
    const large = zeros([1_300_007]);
    const late = large.clone();
    late.narrow(0, 1_300_006, 1).fill(1);
    expect(await same(large, large)).toBe(true);
    expect(await same(large, late)).toBe(false);
    expect(await same(floats(0, Number.NaN, 1), floats(-0, Number.NaN, 1))).toBe(true);
    expect(await same(floats(1, 2), floats(2, 1))).toBe(false);
    expect(await same(floats(Number.NaN), floats(1))).toBe(false);
  });

  it('compares floats of different dtypes as float32, integers as they are', async () => {
    const exact = floats(0.5, -3, 0.1);
    const asHalf: SaveOptions = { storeAs: (name) => (name === 'a' ? 'float16' : 'float32') };
    expect(await same(floats(0.5, -3), floats(0.5, -3), asHalf)).toBe(true);
    expect(await same(exact, exact, asHalf)).toBe(false);
    expect(await same(exact.cast('float64'), exact)).toBe(true);
    expect(await same(fromTypedArray(Float64Array.of(0.1), [1]), floats(0.1))).toBe(true);
    expect(await same(fromTypedArray(Int32Array.of(16777217), [1]), fromTypedArray(Int32Array.of(16777216), [1]))).toBe(false);
  });

  it('wants the same shape', async () => {
    expect(await same(zeros([2, 3]), zeros([3, 2]))).toBe(false);
    expect(await same(zeros([0]), zeros([0]))).toBe(true);
  });
});
