import { randn, zeros, type Tensor } from '@strided/tensor';
import { expectClose, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NormForm, NormStatistics } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { layerNorm, layerNormBackward } from '../../packages/tensor/src/kernels/wasm/layerNorm.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

const forms: readonly NormForm[] = ['variance', 'deviation', 'rms'];

interface Case {
  readonly form: NormForm;
  readonly epsilon: number;
  readonly x: Tensor;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly g: Tensor;
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }), fc.integer({ min: 2, max: 40 }))
  .chain(([batch, C]) =>
    fc.record({
      form: fc.constantFrom(...forms),
      epsilon: fc.constantFrom(1e-12, 1e-5, 1),
      x: tensors({ shape: [...batch, C] }),
      weight: fc.option(tensors({ shape: [C] })),
      bias: fc.option(tensors({ shape: [C] })),
      g: tensors({ shape: [...batch, C] }),
    }),
  );

interface Result {
  readonly out: Tensor;
  readonly statistics: NormStatistics & Record<'mean' | 'reciprocal' | 'slope', Tensor>;
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
}

function run(on: Runtime | null, { form, epsilon, x, weight, bias, g }: Case): Result {
  const one = () => zeros([...x.shape.slice(0, -1), 1], { dtype: 'float64' });
  const C = x.shape[x.rank - 1];
  const statistics = { mean: one(), reciprocal: one(), slope: one() };
  const [out, gradients] = [zeros(x.shape), { x: zeros(x.shape), weight: zeros([C]), bias: zeros([C]) }];
  if (on === null) {
    jsKernels.layerNorm(form, epsilon, x, weight, bias, out, statistics);
    jsKernels.layerNormBackward(form, x, weight, g, statistics, gradients);
  } else {
    layerNorm(on, form, epsilon, x, weight, bias, out, statistics);
    layerNormBackward(on, form, x, weight, g, statistics, gradients);
  }
  return { out, statistics, ...gradients };
}

const biggest = (...list: readonly (Tensor | null)[]): number => list.reduce((most, x) => Math.max(most, x === null ? 1 : (x.abs().max().item() as number)), 1);

describe.skipIf(runtime === null)(`layerNorm at level ${level}`, () => {
  it('and its gradients equal the js loops within 2e-5 of the largest factor, on any layout, with and without weight and bias', () => {
    // Where the values of a row hardly differ their differences are mostly rounding, in either kernel.
    const spread = cases.filter(({ x, epsilon }) => epsilon === 1 || x.size < 2 || (x.sub(x.mean(-1, { keepDims: true })).square().mean(-1).min().item() as number) > 1e-3);
    fc.assert(fc.property(spread, (given) => {
      const [ours, exact] = [run(chosen(), given), run(null, given)];
      const scale = biggest(given.weight) * biggest(given.g);
      const r = biggest(exact.statistics.reciprocal as Tensor);
      expectClose(ours.statistics.mean, exact.statistics.mean, { atol: 1e-6 });
      expectClose(ours.statistics.reciprocal, exact.statistics.reciprocal, { rtol: 2e-6 });
      expectClose(ours.statistics.slope, exact.statistics.slope, { rtol: 2e-6 });
      expectClose(ours.out, exact.out, { rtol: 1e-5, atol: 2e-5 * biggest(given.weight) });
      expectClose(ours.x, exact.x, { rtol: 1e-5, atol: 2e-5 * scale * r });
      const rows = given.x.size / given.x.shape[given.x.rank - 1];
      expectClose(ours.weight, exact.weight, { rtol: 1e-5, atol: 1e-5 * biggest(given.g) * rows });
      expectClose(ours.bias, exact.bias, { rtol: 1e-5, atol: 1e-6 * biggest(given.g) * rows });
    }));
  });

  it('keeps its digits where the mean is a thousand times the deviation', () => {
    const x = randn([8, 100]).add(1000);
    const exact = run(null, { form: 'variance', epsilon: 1e-12, x, weight: null, bias: null, g: x });
    const ours = run(chosen(), { form: 'variance', epsilon: 1e-12, x, weight: null, bias: null, g: x });
    expectClose(ours.out, exact.out, { atol: 1e-6 });
  });

  it('takes equal values for equal: 0 with an ε', () => {
    for (const value of [0.1, 1e4 / 3, -7e-5]) {
      const x = zeros([2, 77]);
      x.fill(Math.fround(value));
      const { out, statistics } = run(chosen(), { form: 'variance', epsilon: 1e-12, x, weight: null, bias: null, g: x });
      expect(Math.max(...out.abs().toTypedArray())).toBe(0);
      expectClose(statistics.reciprocal as Tensor, [[1e6], [1e6]], { rtol: 1e-12 });
    }
  });

  it('a NaN or an infinity spoils its row and no other', () => {
    for (const special of [NaN, Infinity]) {
      const x = randn([3, 21]);
      x.storage.data[25] = special;
      const { out } = run(chosen(), { form: 'variance', epsilon: 1e-5, x, weight: null, bias: null, g: x });
      expect(out.isNaN().all(-1).toArray()).toEqual([false, true, false]);
    }
  });

  it('sums the gradients of weight and bias over many blocks of rows', () => {
    const given: Case = { form: 'variance', epsilon: 1e-5, x: randn([1000, 13]), weight: randn([13]), bias: null, g: randn([1000, 13]) };
    const [ours, exact] = [run(chosen(), given), run(null, given)];
    expectClose(ours.weight, exact.weight, { atol: 1e-4 });
    expectClose(ours.bias, exact.bias, { atol: 1e-4 });
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits, forward and backward', () => {
  fc.assert(fc.property(cases, (given) => {
    const [one, other] = [run(narrow, given), run(wide, given)];
    for (const name of ['out', 'x', 'weight', 'bias'] as const) expectSameBits(other[name], one[name]);
    for (const name of ['mean', 'reciprocal', 'slope'] as const) expectSameBits(other.statistics[name], one.statistics[name]);
  }));
});
