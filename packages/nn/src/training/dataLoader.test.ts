import { CheckpointError } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataLoader, padSequences, type DataLoaderOptions } from './dataLoader.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const take = <B>(loader: DataLoader<number, B>, n: number): B[] => range(n).map(() => loader.next());
const collate = (examples: readonly number[]): readonly number[] => examples;
const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

const settings = fc.record({
  count: fc.integer({ min: 1, max: 300 }), batchSize: fc.integer({ min: 1, max: 7 }), shuffle: fc.boolean(), seed: fc.nat(), dropLast: fc.boolean(), bucket: fc.boolean(),
}).filter(({ count, batchSize, dropLast }) => !dropLast || count >= batchSize);
type Settings = typeof settings extends fc.Arbitrary<infer S> ? S : never;

/** The length of example i. */
const lengthOf = (i: number): number => (i * 7919) % 31;
const loaderOf = ({ count, batchSize, shuffle, seed, dropLast, bucket }: Settings) =>
  new DataLoader(range(count), { batchSize, collate, shuffle, seed, dropLast, ...(bucket ? { lengthOf } : {}) } satisfies DataLoaderOptions<number, readonly number[]>);

describe('DataLoader', () => {
  it('gives each example once a pass, in batches of the size, without the rest where asked', () => {
    fc.assert(fc.property(settings, (given) => {
      const { count, batchSize, dropLast } = given;
      const loader = loaderOf(given);
      for (let pass = 0; pass < 3; pass++) {
        const batches = take(loader, loader.length);
        const seen = ascending(batches.flat());
        if (!dropLast) expect(seen).toEqual(range(count));
        expect(new Set(seen).size).toBe(seen.length);
        expect(batches.filter(({ length }) => length < batchSize).length).toBeLessThanOrEqual(dropLast ? 0 : 1);
        if (!given.shuffle && !given.bucket) expect(batches.flat()).toEqual(range(seen.length));
      }
    }));
  });

  it('goes on from any place exactly', () => {
    fc.assert(fc.property(settings, fc.nat({ max: 40 }), (given, made) => {
      const loader = loaderOf(given);
      take(loader, made);
      const state = JSON.parse(JSON.stringify(loader.state)) as typeof loader.state;
      const rest = take(loader, 20);
      const other = loaderOf(given);
      take(other, 3);
      other.restore(state);
      expect(other.state).toEqual(state);
      expect(take(other, 20)).toEqual(rest);
    }));
  });

  it('has another order each pass, and another for another seed; the same for the same', () => {
    const order = (seed: number) => take(new DataLoader(range(50), { batchSize: 10, collate, seed }), 10).flat();
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1).slice(0, 50)).not.toEqual(order(1).slice(50));
  });

  it('lets examples of about the same length meet, which leaves less to pad, and batches keep a random order', () => {
    const padded = (bucket: boolean) => {
      const loader = new DataLoader(range(400), { batchSize: 8, collate, ...(bucket ? { lengthOf } : {}) });
      const batches = take(loader, loader.length);
      const longest = batches.map((batch) => Math.max(...batch.map(lengthOf)));
      return { waste: batches.reduce((sum, batch, i) => sum + batch.reduce((part, each) => part + longest[i] - lengthOf(each), 0), 0), longest };
    };
    const [with_, without] = [padded(true), padded(false)];
    expect(with_.waste).toBeLessThan(without.waste / 10);
    expect(with_.longest).not.toEqual(ascending(with_.longest));
  });

  it('inOrder gives all once as they are, and leaves the stream where it is', () => {
    const loader = new DataLoader(range(10), { batchSize: 4, collate, dropLast: true, lengthOf });
    const { state } = loader;
    expect([...loader.inOrder()]).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]);
    expect(loader.state).toEqual(state);
  });

  it('refuses what makes no sense, and the places of others', () => {
    expect(() => new DataLoader([], { batchSize: 1, collate })).toThrow('DataLoader: there are no examples');
    expect(() => new DataLoader([1], { batchSize: 0, collate })).toThrow('the batch size must be a whole number from 1, not 0');
    expect(() => new DataLoader([1], { batchSize: 2, collate, dropLast: true })).toThrow('1 examples fill no batch of 2');
    const loader = new DataLoader(range(10), { batchSize: 4, collate });
    const { state } = loader;
    expect(() => loader.restore({ ...state, examples: 11 })).toThrow(CheckpointError);
    expect(() => loader.restore({ ...state, position: 4 })).toThrow('the place is batch 4 of a pass of 3');
    expect(loader.state).toEqual(state);
  });
});

describe('padSequences', () => {
  it('puts sequences at the left, the value behind them, and says where', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 6 }), { maxLength: 5 }), fc.integer({ min: -3, max: 3 }), fc.integer({ min: 1, max: 4 }), (sequences, value, multipleOf) => {
      const { ids, padding } = padSequences(sequences, { value, multipleOf });
      const width = ids.shape[1];
      expect([ids.shape, width % multipleOf]).toEqual([[sequences.length, width], 0]);
      expect(width - Math.max(0, ...sequences.map(({ length }) => length))).toBeLessThan(multipleOf);
      expect(ids.toArray()).toEqual(sequences.map((each) => [...each, ...range(width - each.length).map(() => value)]));
      expect(padding.toArray()).toEqual(sequences.map((each) => range(width).map((i) => i >= each.length)));
    }));
  });

  it('to a fixed length, which none may exceed', () => {
    expect(padSequences([[1], [2, 3]], { length: 3 }).ids.toArray()).toEqual([[1, 0, 0], [2, 3, 0]]);
    expect(() => padSequences([[1, 2, 3, 4]], { length: 3 })).toThrow('padSequences: a sequence of 4 is longer than 3; truncate it first');
    expect(() => padSequences([], { multipleOf: 0 })).toThrow('multipleOf must be a whole number from 1');
  });
});
