import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canDrop, dropThreshold, maskOf, reserveMask } from './dropoutMask.ts';
import { Generator } from './random.ts';
import { philoxByDefinition, wordsOf } from './testing/philox.ts';

const seeds = fc.oneof(fc.nat(), fc.maxSafeNat());
const offsets = fc.oneof(fc.nat(100), fc.integer({ min: -4, max: 4 }).map((block) => 2 ** 32 + block)).map((block) => block * 4);
const probabilities = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 2 ** -20, 1));

/** Draw i of a stream, or of the one beside it: half i % 2 of word ⌊i/2⌋. */
function draw(seed: number, offset: number, i: number, beside: bigint): number {
  const word = offset + Math.floor(i / 2);
  const value = philoxByDefinition([...wordsOf(Math.floor(word / 4)), beside, 0n], wordsOf(seed), 7)[word % 4];
  return Number((value >> BigInt(16 * (i % 2))) & 0xffffn);
}

describe('the mask of dropout', () => {
  it('compares halves of words with the high half of p·2³², and halves beside them with the low one where they are equal', () => {
    fc.assert(fc.property(seeds, offsets, probabilities, fc.nat(40), fc.boolean(), (seed, offset, share, i, equal) => {
      const first = draw(seed, offset, i, 0n);
      // Equals are one in 65,536: half of the cases are made of them.
      const p = equal ? (first + share) / 65536 : share;
      const number = (first * 65536 + draw(seed, offset, i, 1n)) / 2 ** 32;
      expect(maskOf({ seed, offset }, p)(i)).toBe(first === Math.floor((p * 2 ** 32) / 65536) ? number >= p : first / 65536 >= p);
    }));
  });

  it('drops the share p, to the last of 32 bits: 2 million draws within four deviations at 0.1, and next to none at 2⁻²⁰', () => {
    const count = 2_000_000;
    for (const p of [0.1, 0.5, 2 ** -20]) {
      const keeps = maskOf({ seed: 4, offset: 0 }, p);
      let dropped = 0;
      for (let i = 0; i < count; i++) if (!keeps(i)) dropped++;
      expect(Math.abs(dropped - p * count)).toBeLessThan(4 * Math.sqrt(p * (1 - p) * count));
    }
  });

  it('has no pattern between neighbours: pairs one to sixteen apart are dropped together at p²', () => {
    const count = 200_000;
    const p = 0.25;
    const keeps = maskOf({ seed: 9, offset: 0 }, p);
    const dropped = Uint8Array.from({ length: count + 16 }, (_, i) => (keeps(i) ? 0 : 1));
    for (let apart = 1; apart <= 16; apart++) {
      let together = 0;
      for (let i = 0; i < count; i++) together += dropped[i] & dropped[i + apart];
      expect(Math.abs(together - p * p * count)).toBeLessThan(5 * Math.sqrt(p * p * (1 - p * p) * count));
    }
  });

  it('takes two draws of a word, from the start of a block', () => {
    const generator = new Generator(1);
    generator.next();
    expect(reserveMask(generator, 9)).toEqual({ seed: 1, offset: 4 });
    expect(generator.state.offset).toBe(9);
    expect(reserveMask(generator, 0)).toEqual({ seed: 1, offset: 12 });
  });

  it('is for kernels where 16 bits can keep a value', () => {
    expect([0.1, 1 - 2 ** -16, 1 - 2 ** -17, 1].map(canDrop)).toEqual([true, true, false, false]);
    expect([0, 2 ** -40, 0.5, 1].map(dropThreshold)).toEqual([0, 1, 2 ** 31, 2 ** 32]);
  });
});
