import { tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logBucket, positionsAfterPadding, relativeBuckets, sineTable, sinusoidalPositions } from './positions.ts';

describe('relativeBuckets', () => {
  it('begin new buckets where PyTorch does, edges of powers of two among them', () => {
    const row = relativeBuckets(200).select(0, 0).toTypedArray();
    const starts = [...row.keys()].filter((j) => j === 0 || row[j] !== row[j - 1]);
    expect(starts).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]);
    expect(starts.map((j) => row[j])).toEqual([0, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  });

  it('keep keys before the query in the first half', () => {
    const table = relativeBuckets(100).toArray() as number[][];
    for (let i = 0; i < 100; i++) for (let j = 0; j <= i; j++) expect(table[i][j]).toBe(i === j ? 0 : table[j][i] - 16);
  });
});

describe('logBucket', () => {
  it('is odd, exact up to half the buckets, and never falls', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 64 }), fc.integer({ min: 0, max: 600 }), (half, distance) => {
      const bucket = (d: number): number => logBucket(d, 2 * half, 4 * half + 100);
      expect(bucket(-distance)).toBe(distance === 0 ? -0 : -bucket(distance));
      if (distance <= half) expect(bucket(distance)).toBe(distance);
      expect(bucket(distance + 1)).toBeGreaterThanOrEqual(bucket(distance));
    }));
  });

  it('gives the last bucket to the longest distance', () => {
    expect(logBucket(511, 256, 512)).toBe(255);
    expect(logBucket(129, 256, 512)).toBe(129);
    expect(logBucket(-39, 8, 40)).toBe(-7);
  });
});

describe('positionsAfterPadding', () => {
  it('count what is not padding, wherever padding stands', () => {
    const ids = tensor([[0, 1, 5, 1], [1, 1, 7, 8], [1, 1, 1, 1]], { dtype: 'int32' });
    expect(positionsAfterPadding(ids, 1).toArray()).toEqual([[2, 1, 3, 1], [1, 1, 2, 3], [1, 1, 1, 1]]);
  });
});

describe('tables of sines', () => {
  it('hold the same numbers in both orders, and nearly those of the rounded angles', () => {
    const [mixed, halves] = [false, true].map((each) => sineTable(50, 6, { halves: each }).toArray() as number[][]);
    expect(halves).toEqual(mixed.map(([a, b, c, d, e, f]) => [a, c, e, b, d, f]));
    (sinusoidalPositions(50, 6).select(0, 0).toArray() as number[][]).forEach((row, p) => row.forEach((value, i) => expect(value).toBeCloseTo(mixed[p][i], 5)));
    expect(mixed[0]).toEqual([0, 1, 0, 1, 0, 1]);
  });
});
