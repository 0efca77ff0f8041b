import { ones, Tensor, tensor, zeros } from '@strided/tensor';
import { expectClose, layouts, runs, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearActivations } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { linear, linearPacked, matmul, packedWeightBytes, packWeight } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { place } from '../../packages/tensor/src/kernels/wasm/operands.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

/** Lengths around the tiles' edges (5, 6, 8, 16 and their multiples) and the blocks' (130 or 132 rows, 256 of k). */
const length = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 40 }), weight: 6 }, fc.constantFrom(48, 64, 119, 129, 130, 131, 132, 133, 250));
const depth = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 40 }), weight: 6 }, fc.constantFrom(255, 256, 257, 300));
const batch = fc.oneof({ arbitrary: fc.constant<number[]>([]), weight: 2 }, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }));

/** A tensor on any layout, filled from a seed: thousands of arbitrary numbers would be slow to make and to shrink. */
const seeded = (shape: readonly number[], expanded = true): fc.Arbitrary<Tensor> =>
  fc.tuple(layouts(shape, { expanded }), fc.nat(1000)).map(([{ layout, length: size }, seed]) => {
    const storage = sequence(size, seed).storage;
    return new Tensor({ storage, layout });
  });

const operands = fc.record({ lead: batch, M: length, N: length, K: depth }).filter(({ M, N, K }) => M * N * K <= 120_000).chain(({ lead, M, N, K }) =>
  fc.record({ a: seeded([...lead, M, K]), b: seeded([...lead, K, N]), out: seeded([...lead, M, N], false) }),
);

/** What the layer of a perceptron takes beside x and its weight. */
const layers = fc.record({ M: length, N: length, K: depth }).filter(({ M, N, K }) => M * N * K <= 120_000).chain(({ M, N, K }) =>
  fc.record({ a: seeded([M, K]), b: seeded([K, N]), bias: seeded([N]), residual: seeded([M, N]), out: seeded([M, N], false) }),
);
const plain = { bias: null, scale: 1, activation: null, dropout: null, residual: null, slope: null } as const;
const activation = fc.constantFrom(...linearActivations);
/** Where dropout draws from; near 2³² blocks a count of blocks carries. */
const streams = fc.option(fc.record({ p: fc.constantFrom(0.1, 0.5, 0.999), state: fc.record({ seed: fc.nat(), offset: fc.constantFrom(0, 8, 2 ** 34 - 8) }) }));
/** Rows of the result are whole blocks of eight draws where anything is dropped. */
const dropsFor = <T>({ shape }: Tensor, stream: T | null): T | null => (shape[1] % 8 === 0 ? stream : null);

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

  it('linear, with and without a bias and a residual', () => {
    fc.assert(fc.property(layers, fc.boolean(), fc.boolean(), fc.constantFrom(1, -0.25), ({ a, b, bias, residual, out }, biased, added, scale) => {
      const weight = b.transpose();
      const epilogue = { ...plain, scale, bias: biased ? bias : null, residual: added ? residual : null };
      const [exact, magnitude] = [fresh(out), fresh(out)];
      jsKernels.linear(a, weight, epilogue, exact);
      const sizes = { ...plain, bias: biased ? bias.abs() : null, residual: added ? residual.abs() : null };
      jsKernels.linear(a.abs(), weight.abs(), sizes, magnitude);
      linear(chosen(), a, weight, epilogue, out);
      expectProduct(out, exact, magnitude, a.shape[1]);
    }), { numRuns: runs(1 / 2) });
  });

  it('blocks of rows hold what they pack, however many rows there are', () => {
    const [K, N] = [8, 16];
    const b = ones([K, N]);
    for (let M = 120; M <= 1400; M += 5) {
      const a = sequence(M * K, M).reshape([M, K]);
      const [exact, out] = [zeros([M, N]), zeros([M, N])];
      jsKernels.matmul(a, b, exact);
      matmul(chosen(), a, b, out);
      expectClose(out, exact, { atol: 1e-4, rtol: 1e-5 });
    }
  });

  it('rows that repeat are not taken for the rows of the next matrix', () => {
    const a = tensor([[[1, 2]], [[3, 4]]]).expand([2, 3, 2]);
    const b = tensor([[1], [10]]).expand([2, 2, 1]);
    const out = zeros([2, 3, 1]);
    matmul(chosen(), a, b, out);
    expect(out.flatten().toArray()).toEqual([21, 21, 21, 43, 43, 43]);
  });

  it.each([
    ['few rows and many columns', 3, 2500, 1100],
    ['a block of A that holds not all of K', 130, 40, 900],
    ['many rows, and B in pieces of columns', 260, 1000, 1100],
  ] as const)('%s: %i×%i×%i', (_, M, N, K) => {
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

describe.skipIf(runtime === null)(`what follows the sums of linear at level ${level}`, () => {
  it('is the activation of the js loops within 1e-5 of the size of what it is given and makes, with its slope, and drops what the js loops drop', () => {
    fc.assert(fc.property(layers, fc.option(activation), fc.boolean(), streams, ({ a, b, bias, residual, out }, name, added, stream) => {
      const weight = b.transpose();
      const dropout = dropsFor(out, stream);
      const slope = fresh(out);
      const epilogue = { bias, scale: 0.5, activation: name, dropout, residual: added ? residual : null, slope };
      linear(chosen(), a, weight, epilogue, out);
      // The sums are compared above; here they are given, as the result of a product with 1.
      const sums = zeros(out.shape);
      linear(chosen(), a, weight, { ...plain, scale: 0.5, bias }, sums);
      const one = tensor([[1]], { dtype: 'float64' });
      const [exact, exactSlope] = [sums, sums].map((x) => zeros([x.size, 1], { dtype: 'float64' }));
      jsKernels.linear(sums.cast('float64').reshape([-1, 1]), one, { ...plain, activation: name, slope: exactSlope }, exact);
      const factors = zeros(out.shape, { dtype: 'float64' });
      if (dropout === null) factors.fill(1);
      else jsKernels.dropout(ones(out.shape, { dtype: 'float64' }), dropout.p, dropout.state, factors);
      const dropped = exact.reshape(out.shape).mul(factors);
      const scale = dropout === null ? 1 : 1 / (1 - dropout.p);
      expectClose(out.cast('float64'), added ? dropped.add(residual) : dropped, { rtol: 1e-5, atol: 1e-6 * scale });
      expectClose(slope.cast('float64'), exactSlope.reshape(out.shape).mul(factors), { rtol: 1e-7, atol: 1e-6 * scale });
    }), { numRuns: runs(1 / 2) });
  });

  it('drops to 0 what is not finite, and in pieces of columns what it drops at once', () => {
    // B is packed in pieces of columns: each piece begins its draws where the last one ended.
    const [M, N, K] = [260, 1000, 1100];
    const [a, weight] = [sequence(M * K).reshape([M, K]), sequence(N * K, 7).reshape([N, K])];
    const dropout = { p: 0.5, state: { seed: 3, offset: 2 ** 34 - 4 } };
    const [out, kept, mask] = [zeros([M, N]), zeros([M, N]), zeros([M, N])];
    linear(chosen(), a, weight, { ...plain, dropout }, out);
    linear(chosen(), a, weight, plain, kept);
    jsKernels.dropout(ones([M, N]), 0.5, dropout.state, mask);
    expectSameBits(out, kept.mul(mask).add(0));
    const [infinite, dropped] = [zeros([1, 8]).fill(Infinity), zeros([1, 8])];
    linear(chosen(), ones([1, 1]), infinite.transpose(), { ...plain, dropout: { p: 0.5, state: { seed: 1, offset: 0 } } }, dropped);
    expect(new Set(dropped.toTypedArray())).toEqual(new Set([0, Infinity]));
  });

  it('is the same with the weight packed before, bit for bit, for any number of rows', () => {
    const rows = fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(239, 240, 241, 250, 500));
    const cases = fc.record({ M: rows, N: length, K: depth }).filter(({ M, N, K }) => M * N * K <= 120_000).chain(({ M, N, K }) =>
      fc.record({ x: seeded([M, K]), weight: seeded([N, K]), residual: seeded([M, N]), bias: seeded([N]) }),
    );
    fc.assert(fc.property(cases, fc.option(activation), streams, ({ x, weight, residual, bias }, name, stream) => {
      const on = chosen();
      const [M, K] = x.shape;
      const [N] = weight.shape;
      const [fromWeight, fromPacked] = [0, 1].map(() => ({ out: zeros([M, N]), slope: zeros([M, N]) }));
      const epilogue = { bias, scale: 1, activation: name, dropout: dropsFor(residual, stream), residual };
      linear(on, x, weight, { ...epilogue, slope: fromWeight.slope }, fromWeight.out);
      on.heap.scratch(() => {
        const bytes = packedWeightBytes(on, N, K);
        const packed = on.heap.allocate(bytes);
        packWeight(on, place(on.heap, weight), N, K, packed);
        linearPacked(on, x, packed, { ...epilogue, slope: fromPacked.slope }, fromPacked.out);
      });
      expectSameBits(fromPacked.out, fromWeight.out);
      expectSameBits(fromPacked.slope, fromWeight.slope);
    }), { numRuns: runs(1 / 2) });
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

  it('finish a layer to the same bits', () => {
    if (narrow === null || wide === null) return;
    fc.assert(fc.property(layers, fc.option(activation), fc.boolean(), streams, ({ a, b, bias, residual }, name, keeps, stream) => {
      const [one, other] = [narrow, wide].map((on) => {
        const [out, slope] = [zeros(residual.shape), zeros(residual.shape)];
        linear(on, a, b.transpose(), { bias, scale: 0.3, activation: name, dropout: dropsFor(residual, stream), residual, slope: keeps ? slope : null }, out);
        return { out, slope };
      });
      expectSameBits(other.out, one.out);
      expectSameBits(other.slope, one.slope);
    }), { numRuns: runs(1 / 2) });
  });
});

/** Numbers between −1 and 1 without a pattern that tiles could hide. */
function sequence(count: number, seed = 0): Tensor<'float32'> {
  const x = zeros([count]);
  for (let i = 0; i < count; i++) x.storage.data[i] = (((i + seed) * 7919) % 1009) / 504.5 - 1;
  return x;
}
