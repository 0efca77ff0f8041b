import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from './errors.ts';
import { defaultGenerator, Generator, manualSeed, philox } from './random.ts';
import { philoxByDefinition, wordsOf } from './testing/philox.ts';

const numRuns = Number(process.env.STRIDED_RUNS ?? 100);

/** Number `index` of the stream of `seed`, from the definition. */
function wordOf(seed: number, index: number): number {
  return Number(philoxByDefinition([...wordsOf(Math.floor(index / 4)), 0n, 0n], wordsOf(seed))[index % 4]);
}

function words(...[seed, block, ...kind]: [number, number, rounds?: 7 | 10, beside?: 0 | 1]): number[] {
  const out = new Uint32Array(4);
  philox(seed, block, out, ...kind);
  return [...out];
}

/** Σ (observed − expected)² / expected: for a fair die of k sides about k − 1. */
function chiSquare(observed: Iterable<number>, expected: number): number {
  let sum = 0;
  for (const count of observed) sum += (count - expected) ** 2 / expected;
  return sum;
}

const whole = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(),
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 52),
);

describe('philox', () => {
  // The known answers published with the authors' Random123 library (kat_vectors, philox4x32 10).
  const ones = 0xffffffffn;
  it.each([
    [[0n, 0n, 0n, 0n], [0n, 0n], [0x6627e8d5n, 0xe169c58dn, 0xbc57ac4cn, 0x9b00dbd8n]],
    [[ones, ones, ones, ones], [ones, ones], [0x408f276dn, 0x41c83b0en, 0xa20bc7c6n, 0x6d5451fdn]],
    [[0x243f6a88n, 0x85a308d3n, 0x13198a2en, 0x03707344n], [0xa4093822n, 0x299f31d0n], [0xd16cfe09n, 0x94fdccebn, 0x5001e420n, 0x24126ea1n]],
  ])('the oracle gives the published answer for counter %s and key %s', (counter, key, answer) => {
    expect(philoxByDefinition(counter, key)).toEqual(answer);
  });

  it('gives the published answer for counter 0 and key 0', () => {
    expect(words(0, 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });

  it('equals the definition for any seed and block below 2⁵³', () => {
    fc.assert(fc.property(whole, whole, fc.constantFrom(7, 10), fc.constantFrom(0, 1), (seed, block, rounds, beside) => {
      expect(words(seed, block, rounds, beside)).toEqual(philoxByDefinition([...wordsOf(block), BigInt(beside), 0n], wordsOf(seed), rounds).map(Number));
    }), { numRuns: numRuns * 10 });
    expect(words(1, 2)).toEqual(words(1, 2, 10, 0));
  });
});

describe('Generator', () => {
  it('counts through the stream word by word, from wherever its state says', () => {
    fc.assert(fc.property(whole, fc.integer({ min: 0, max: 2 ** 53 - 20 }), (seed, offset) => {
      const generator = new Generator(seed);
      generator.state = { seed, offset };
      for (let i = 0; i < 10; i++) expect(generator.next()).toBe(wordOf(seed, offset + i));
      expect(generator.state).toEqual({ seed, offset: offset + 10 });
    }), { numRuns });
  });

  it('goes on from a saved state as if it had never stopped, also in the middle of a block', () => {
    fc.assert(fc.property(whole, whole, fc.nat({ max: 11 }), fc.nat({ max: 11 }), (seed, other, before, used) => {
      const uninterrupted = new Generator(seed);
      const first = new Generator(seed);
      for (let i = 0; i < before; i++) expect(first.next()).toBe(uninterrupted.next());
      // JSON, as a checkpoint keeps it; and a generator that has a block of another stream at hand.
      const state = JSON.parse(JSON.stringify(first.state)) as typeof first.state;
      const second = new Generator(other);
      for (let i = 0; i < used; i++) second.next();
      second.state = state;
      for (let i = 0; i < 9; i++) expect(second.next()).toBe(uninterrupted.next());
      expect(second.uniform()).toBe(uninterrupted.uniform());
      expect(second.state).toEqual(uninterrupted.state);
    }), { numRuns });
  });

  it('reserves whole blocks\' beginnings: multiples of 4, never a number twice', () => {
    const step = fc.oneof(fc.constant<'next'>('next'), fc.nat({ max: 13 }));
    fc.assert(fc.property(whole, fc.array(step, { maxLength: 20 }), (seed, steps) => {
      const generator = new Generator(seed);
      let furthest = 0;
      for (const each of steps) {
        if (each === 'next') {
          expect(generator.next()).toBe(wordOf(seed, furthest));
          furthest++;
        } else {
          const { offset, seed: reservedSeed } = generator.reserve(each);
          expect(reservedSeed).toBe(seed);
          expect(offset % 4).toBe(0);
          expect(offset - furthest).toBeGreaterThanOrEqual(0);
          expect(offset - furthest).toBeLessThan(4);
          furthest = offset + each;
        }
        expect(generator.state.offset).toBe(furthest);
      }
    }), { numRuns });
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('refuses the seed %d', (seed) => {
    expect(() => new Generator(seed)).toThrow(ArgumentError);
    const generator = new Generator(7);
    expect(() => {
      generator.state = { seed, offset: 0 };
    }).toThrow(ArgumentError);
    expect(() => {
      generator.state = { seed: 1, offset: seed };
    }).toThrow(ArgumentError);
  });

  it('stays where it was when a state is refused', () => {
    const generator = new Generator(7);
    generator.next();
    expect(() => {
      generator.state = { seed: 1, offset: -1 };
    }).toThrow(ArgumentError);
    expect(generator.state).toEqual({ seed: 7, offset: 1 });
    expect(generator.next()).toBe(wordOf(7, 1));
  });
});

describe('uniform', () => {
  it('is made of 27 bits of one word and 26 of the next, in [0, 1)', () => {
    fc.assert(fc.property(whole, (seed) => {
      const value = new Generator(seed).uniform();
      const bits = (BigInt(wordOf(seed, 0)) >> 5n) * 2n ** 26n + (BigInt(wordOf(seed, 1)) >> 6n);
      expect(BigInt(value * 2 ** 53)).toBe(bits);
      expect(value >= 0 && value < 1).toBe(true);
    }), { numRuns });
  });

  it('fills 64 bins evenly, and a pair of draws 8 × 8 (chi-square below its 99.9% point, 103.4)', () => {
    const generator = new Generator(20);
    const single = new Uint32Array(64);
    const pairs = new Uint32Array(64);
    for (let i = 0; i < 64_000; i++) {
      const [a, b] = [generator.uniform(), generator.uniform()];
      single[Math.floor(a * 64)]++;
      pairs[Math.floor(a * 8) * 8 + Math.floor(b * 8)]++;
    }
    expect(chiSquare(single, 1000)).toBeLessThan(103.4);
    expect(chiSquare(pairs, 1000)).toBeLessThan(103.4);
  });
});

describe('integer', () => {
  it('skips the words beyond the last whole multiple of the bound, and only those', () => {
    const bound = fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 1, max: 100 }), fc.constantFrom(2 ** 32, 2 ** 32 - 1, 2 ** 31 + 1, 3 * 2 ** 30));
    fc.assert(fc.property(whole, bound, (seed, limit) => {
      const generator = new Generator(seed);
      let at = 0;
      for (let i = 0; i < 20; i++) {
        const usable = (2n ** 32n / BigInt(limit)) * BigInt(limit);
        while (BigInt(wordOf(seed, at)) >= usable) at++;
        expect(generator.integer(limit)).toBe(wordOf(seed, at++) % limit);
      }
      expect(generator.state.offset).toBe(at);
    }), { numRuns });
  });

  it('throws a die fairly (chi-square of 6 sides below its 99.9% point, 20.5)', () => {
    const generator = new Generator(21);
    const counts = new Uint32Array(6);
    for (let i = 0; i < 60_000; i++) counts[generator.integer(6)]++;
    expect(chiSquare(counts, 10_000)).toBeLessThan(20.5);
  });

  it('is fair where the remainder alone would favour the lower third two to one (3 × 2³⁰; below 13.8)', () => {
    const generator = new Generator(22);
    const counts = new Uint32Array(3);
    for (let i = 0; i < 30_000; i++) counts[Math.floor(generator.integer(3 * 2 ** 30) / 2 ** 30)]++;
    expect(chiSquare(counts, 10_000)).toBeLessThan(13.8);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('refuses the bound %d', (bound) => {
    expect(() => new Generator(0).integer(bound)).toThrow(ArgumentError);
  });
});

describe('shuffle', () => {
  it('keeps the items, works in place and is a function of the seed', () => {
    fc.assert(fc.property(whole, fc.array(fc.integer()), (seed, items) => {
      const shuffled = [...items];
      expect(new Generator(seed).shuffle(shuffled)).toBe(shuffled);
      expect([...shuffled].sort()).toEqual([...items].sort());
      expect(new Generator(seed).shuffle([...items])).toEqual(shuffled);
    }), { numRuns });
  });

  it('gives each of the 24 orders of four items equally often (chi-square below its 99.9% point, 49.7)', () => {
    const generator = new Generator(23);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = generator.shuffle(['a', 'b', 'c', 'd']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare(counts.values(), 1000)).toBeLessThan(49.7);
  });
});

it('manualSeed starts the default generator anew', () => {
  manualSeed(5);
  const first = [defaultGenerator.next(), defaultGenerator.uniform(), defaultGenerator.integer(10)];
  manualSeed(5);
  expect([defaultGenerator.next(), defaultGenerator.uniform(), defaultGenerator.integer(10)]).toEqual(first);
  expect(first[0]).toBe(wordOf(5, 0));
  expect(() => manualSeed(-1)).toThrow(ArgumentError);
});
