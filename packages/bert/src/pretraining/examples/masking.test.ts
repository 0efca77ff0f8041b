import { Generator } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Masker } from './masking.ts';

const ids = { pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 };
const tokens = fc.array(fc.integer({ min: 0, max: 29 }), { maxLength: 60 });

describe('Masker', () => {
  it('chooses only ordinary tokens, keeps labels, changes nothing elsewhere, and is a function of the state', () => {
    fc.assert(
      fc.property(tokens, fc.nat(), (text, seed) => {
        const masker = new Masker(ids, [7], 30);
        const { inputIds, positions, labels } = masker.mask(text, new Generator(seed));
        expect(masker.mask(text, new Generator(seed))).toEqual({ inputIds, positions, labels });
        const ordinary = text.filter((id) => id > 4 && id !== 7).length;
        expect(positions.length).toBeGreaterThanOrEqual(Math.min(1, ordinary));
        expect(positions.length).toBeLessThanOrEqual(Math.max(Math.min(1, ordinary), Math.ceil(0.15 * ordinary)));
        expect([...new Set(positions)]).toEqual([...positions].sort((a, b) => a - b));
        const restored = Int32Array.from(inputIds);
        positions.forEach((position, i) => {
          expect(labels[i] > 4 && labels[i] !== 7).toBe(true);
          expect(inputIds[position] === 4 || (inputIds[position] > 4 && inputIds[position] !== 7)).toBe(true);
          restored[position] = labels[i];
        });
        expect([...restored]).toEqual(text);
      }),
    );
  });

  it('masks 15% on the average, of these 80% by the mask, 10% at random, 10% not (within 4 standard deviations)', () => {
    const masker = new Masker(ids, [], 1005);
    const generator = new Generator(5);
    const text = Array.from({ length: 37 }, (_, i) => 5 + i);
    let [chosen, masked, kept] = [0, 0, 0];
    const places = new Float64Array(37);
    const rounds = 4000;
    for (let round = 0; round < rounds; round++) {
      const { inputIds, positions, labels } = masker.mask(text, generator);
      chosen += positions.length;
      positions.forEach((position, i) => {
        places[position]++;
        if (inputIds[position] === ids.mask) masked++;
        else if (inputIds[position] === labels[i]) kept++;
      });
    }
    const total = rounds * 37;
    expect(Math.abs(chosen / total - 0.15)).toBeLessThan((4 * Math.sqrt(0.15 * 0.85)) / Math.sqrt(total));
    const sigma = (p: number): number => 4 * Math.sqrt((p * (1 - p)) / chosen);
    expect(Math.abs(masked / chosen - 0.8)).toBeLessThan(sigma(0.8));
    expect(Math.abs(kept / chosen - 0.1)).toBeLessThan(sigma(0.1) + 0.001);
    for (const count of places) expect(Math.abs(count / rounds - 0.15)).toBeLessThan(5 * Math.sqrt((0.15 * 0.85) / rounds));
  });

  it('predicts one token of a short text, and none of a text of special tokens', () => {
    const masker = new Masker(ids, [], 30);
    expect(masker.mask([2, 9, 3, 3], new Generator(1)).positions).toEqual(Int32Array.of(1));
    expect(masker.mask([2, 3, 1, 3], new Generator(1)).positions.length).toBe(0);
    expect(new Masker(ids, [], 30, { probability: 0 }).mask([9, 9], new Generator(1)).positions.length).toBe(0);
  });

  it('refuses what makes no sense', () => {
    expect(() => new Masker(ids, [], 4)).toThrow('special id 4 is not in a vocabulary of 4');
    expect(() => new Masker(ids, [], 5)).toThrow('all 5 tokens are special');
    expect(() => new Masker(ids, [], 9, { probability: 1.5 })).toThrow('probability must be from 0 to 1, not 1.5');
    expect(() => new Masker(ids, [], 9, { maskShare: 0.8, randomShare: 0.3 })).toThrow('more than 1 together');
  });
});
