import { Tensor, tensor, zeros } from '@strided/tensor';
import { layouts, runs, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { linear, matmul } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

/** Lengths around the tiles' edges (5, 6, 8, 16 and their multiples) and the blocks' (240 rows, 256 of k). */
const length = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 40 }), weight: 6 }, fc.constantFrom(64, 119, 239, 240, 241, 250));
const depth = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 40 }), weight: 6 }, fc.constantFrom(255, 256, 257, 300));
const batch = fc.oneof({ arbitrary: fc.constant<number[]>([]), weight: 2 }, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }));

/** A tensor on any layout, filled from a seed: thousands of arbitrary numbers would be slow to make and to shrink. */
const seeded = (shape: readonly number[], expanded = true): fc.Arbitrary<Tensor> =>
  fc.tuple(layouts(shape, { expanded }), fc.nat(1000)).map(([{ layout, length: size }, seed]) => {
    const storage = sequence(size, seed).storage;
    return new Tensor({ storage, layout });
  });

const operands = fc.record({ lead: batch, M: length, N: length, K: depth }).filter(({ M, N, K }) => M * N * K <= 120_000).chain(({ lead, M, N, K }) =>
  fc.record({ a: seeded([...lead, M, K]), b: seeded([...lead, K, N]), bias: seeded([N]), out: seeded([...lead, M, N], false) }),
);

const fresh = (x: Tensor): Tensor => zeros(x.shape);

/** |computed − exact| ≤ (K + 2)·2⁻²⁴·Σ|a·b|, the bound of any order of sums in float32, and one rounding more for a bias. */
function expectProduct(actual: Tensor, exact: Tensor, magnitude: Tensor, K: number): void {
  const [got, want, size] = [actual, exact, magnitude].map((x) => x.toTypedArray());
  for (let i = 0; i < want.length; i++) {
    const allowed = (K + 3) * 2 ** -24 * (size[i] + Math.abs(want[i]));
    if (!(Math.abs(got[i] - want[i]) <= allowed)) throw new Error(`value ${i}: ${got[i]} instead of ${want[i]}, allowed ${allowed}`);
  }
}

describe.skipIf(runtime === null)(`products at level ${level} equal those of the js loops within (K + 3)·2⁻²⁴·Σ|a·b|`, () => {
  it('matmul, on any layout of all three', () => {
    fc.assert(fc.property(operands, ({ a, b, out }) => {
      const [exact, magnitude] = [fresh(out), fresh(out)];
      jsKernels.matmul(a, b, exact);
      jsKernels.matmul(a.abs(), b.abs(), magnitude);
      matmul(chosen(), a, b, out);
      expectProduct(out, exact, magnitude, a.shape[a.rank - 1]);
    }));
  });

  it('linear, with and without a bias', () => {
    const rows = operands.filter(({ a }) => a.rank === 2);
    fc.assert(fc.property(rows, fc.boolean(), ({ a, b, bias, out }, biased) => {
      const weight = b.transpose();
      const added = biased ? bias : null;
      const [exact, magnitude] = [fresh(out), fresh(out)];
      jsKernels.linear(a, weight, added, exact);
      jsKernels.linear(a.abs(), weight.abs(), added === null ? null : added.abs(), magnitude);
      linear(chosen(), a, weight, added, out);
      expectProduct(out, exact, magnitude, a.shape[1]);
    }), { numRuns: runs(1 / 2) });
  });

  it('rows that repeat are not taken for the rows of the next matrix', () => {
    const a = tensor([[[1, 2]], [[3, 4]]]).expand([2, 3, 2]);
    const b = tensor([[1], [10]]).expand([2, 2, 1]);
    const out = zeros([2, 3, 1]);
    matmul(chosen(), a, b, out);
    expect(out.flatten().toArray()).toEqual([21, 21, 21, 43, 43, 43]);
  });

  it('a wide product in pieces of columns', () => {
    const [M, N, K] = [3, 2500, 1100];
    const a = sequence(M * K).reshape([M, K]);
    const b = sequence(K * N).reshape([K, N]);
    const [out, exact, magnitude] = [zeros([M, N]), zeros([M, N]), zeros([M, N])];
    matmul(chosen(), a, b, out);
    jsKernels.matmul(a, b, exact);
    jsKernels.matmul(a.abs(), b.abs(), magnitude);
    expectProduct(out, exact, magnitude, K);
  });

  it('NaN and infinities reach exactly the values that they belong to', () => {
    const special = fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, -2);
    const sizes = fc.record({ M: fc.integer({ min: 1, max: 13 }), N: fc.integer({ min: 1, max: 33 }), K: fc.integer({ min: 1, max: 3 }) });
    const cases = sizes.chain(({ M, N, K }) => fc.tuple(tensors({ shape: [M, K], values: special }), tensors({ shape: [K, N], values: special })));
    fc.assert(fc.property(cases, ([a, b]) => {
      const [out, exact] = [zeros([a.shape[0], b.shape[1]]), zeros([a.shape[0], b.shape[1]])];
      matmul(chosen(), a, b, out);
      jsKernels.matmul(a, b, exact);
      expect(out.add(0).toArray()).toEqual(exact.add(0).toArray());
    }));
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

describe.skipIf(narrow === null || wide === null)('relaxed and simd256', () => {
  it('multiply to the same bits', () => {
    if (narrow === null || wide === null) return;
    fc.assert(fc.property(operands, ({ a, b, out }) => {
      const [one, other] = [fresh(out), fresh(out)];
      matmul(narrow, a, b, one);
      matmul(wide, a, b, other);
      expectSameBits(other, one);
    }));
  });
});

/** Numbers between −1 and 1 without a pattern that tiles could hide. */
function sequence(count: number, seed = 0): Tensor<'float32'> {
  const x = zeros([count]);
  for (let i = 0; i < count; i++) x.storage.data[i] = (((i + seed) * 7919) % 1009) / 504.5 - 1;
  return x;
}
