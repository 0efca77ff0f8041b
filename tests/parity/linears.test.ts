import { linear, linears, noGrad, persist, randn, scope, type Tensor } from '@strided/tensor';
import { runs } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectSameBits } from './bits.ts';
import { level, runtime } from './levels.ts';

/** Whole panels of every level, of some, and of none; sizes on both sides of where the js loops end. */
const width = fc.constantFrom<number[]>(8, 16, 24, 48, 64);
const rows = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(96, 241));
const depth = fc.constantFrom(3, 40, 256, 300);
const weights: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.tuple(width, fc.integer({ min: 1, max: 4 })).map(([N, count]) => new Array<number>(count).fill(N)),
  fc.array(width, { minLength: 2, maxLength: 3 }),
);

describe(`several linear layers of one x at level ${level}`, () => {
  it('are what each gives alone, bit for bit, wherever operands lie and whichever weights are packed', () => {
    const cases = fc.record({ M: rows, K: depth, heights: weights, biased: fc.nat(15), packed: fc.constantFrom(0, 5, 15), scoped: fc.boolean(), turned: fc.boolean() });
    fc.assert(fc.property(cases, ({ M, K, heights, biased, packed, scoped, turned }) => {
      const matrices = heights.map((N) => randn([N, K]));
      // From the last on: panels in the order of their weights would look right where only the first's place is read.
      persist(matrices.filter((_, i) => (packed >> i) % 2 === 1).reverse(), { packed: true });
      const biases = heights.map((N, i) => ((biased >> i) % 2 === 1 ? randn([N]) : null));
      const given = turned ? randn([K, M]).transpose() : randn([M, K]);
      const run = (compute: (x: Tensor) => Tensor[]): Tensor[] =>
        noGrad(() => (scoped ? scope(() => compute(given.clone()).map((each) => each.clone())) : compute(given).map((each) => each.clone())));
      const together = run((x) => linears(x, matrices, biases));
      const apart = run((x) => matrices.map((weight, i) => linear(x, weight, biases[i])));
      together.forEach((result, i) => expectSameBits(result, apart[i]));
    }), { numRuns: runs(1) });
  });

  it.skipIf(runtime === null)('follow a packed weight that has changed', () => {
    const matrices = [randn([32, 64]), randn([32, 64])];
    persist([...matrices].reverse(), { packed: true });
    const x = randn([20, 64]);
    noGrad(() => {
      linears(x, matrices, [null, null]);
      matrices[1].copyFrom(randn([32, 64]));
      const fresh = matrices.map((weight) => weight.clone());
      linears(x, matrices, [null, null]).forEach((result, i) => expectSameBits(result.clone(), linear(x, fresh[i])));
    });
  });
});
