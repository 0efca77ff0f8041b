import { randint, randn, tensor, zeros, type Tensor } from '@strided/tensor';
import { expectClose, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CrossEntropyTargets } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { crossEntropy, crossEntropyBackward, takesCrossEntropy } from '../../packages/tensor/src/kernels/wasm/crossEntropy.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

interface Case {
  readonly logits: Tensor;
  readonly targets: CrossEntropyTargets;
  readonly g: Tensor;
  readonly out: Tensor;
}

const cases: fc.Arbitrary<Case> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }), fc.integer({ min: 1, max: 40 }))
  .chain(([batch, C]) => {
    const targets = tensors({ shape: [...batch, 1], dtype: 'int32', values: fc.oneof(fc.nat(C - 1), fc.constant(-100)) });
    return fc.record({
      logits: tensors({ shape: [...batch, C], range: [-20, 20] }),
      targets: fc.record({ view: targets, weight: fc.option(tensors({ shape: [C], range: [0, 3] })), ignoreIndex: fc.constant(-100), smoothing: fc.constantFrom(0, 0.1, 1) }),
      g: tensors({ shape: [...batch, 1] }),
      out: tensors({ shape: [...batch, C], layout: 'unshared' }),
    });
  });

function run(on: Runtime | null, { logits, targets, g, out }: Case) {
  const rows = targets.view.layout.shape;
  const [losses, logSumExp] = [0, 1].map(() => zeros(rows, { dtype: 'float64' }));
  if (on === null) {
    jsKernels.crossEntropy(logits, targets, losses, logSumExp);
    jsKernels.crossEntropyBackward(logits, targets, logSumExp, g, { logits: out, targets: null });
  } else {
    crossEntropy(on, logits, targets, losses, logSumExp);
    crossEntropyBackward(on, logits, targets, logSumExp, g, { logits: out, targets: null });
  }
  return { losses, logSumExp, gradient: out };
}

describe.skipIf(runtime === null)(`crossEntropy at level ${level}`, () => {
  it('has the losses of the js loops within 1e-6 of the largest term and gradients within 4e-7·|g|·w, on any layout', () => {
    fc.assert(fc.property(cases, (given) => {
      const exact = run(null, { ...given, out: zeros(given.out.shape) });
      const ours = run(chosen(), given);
      expectClose(ours.logSumExp, exact.logSumExp, { rtol: 2e-7, atol: 2e-7 });
      // Terms are logits, at most 40 from logSumExp, times a weight, at most 3.
      expectClose(ours.losses, exact.losses, { rtol: 1e-6, atol: 1.2e-5 });
      expectClose(ours.gradient, exact.gradient, { atol: 4e-7 * 2 * 3 * Math.max(1, given.g.abs().max().item() as number) });
    }));
  });

  it('keeps its digits over a vocabulary of 30522', () => {
    const [logits, classes] = [randn([3, 30522]), randint(0, 30522, [3, 1], { dtype: 'int32' })];
    const given = { logits, targets: { view: classes, weight: null, ignoreIndex: -100, smoothing: 0.1 }, g: tensor([[1], [-2], [0.5]]) };
    const [exact, ours] = [null, chosen()].map((on) => run(on, { ...given, out: zeros(logits.shape) }));
    expectClose(ours.logSumExp, exact.logSumExp, { rtol: 2e-8 });
    expectClose(ours.losses, exact.losses, { rtol: 1e-7 });
    expectClose(ours.gradient, exact.gradient, { rtol: 3e-6, atol: 1e-11 });
  });

  it('NaN and infinities do what they do in the js loops, and nothing in rows that are ignored', () => {
    const special = fc.constantFrom(NaN, Infinity, -Infinity, 0, 3, -100, 1e4);
    const odd = fc.integer({ min: 1, max: 20 }).chain((C) => fc.record({
      logits: tensors({ shape: [3, C], values: special }), weighted: fc.boolean(), smoothing: fc.constantFrom(0, 0.1),
      classes: fc.array(fc.oneof(fc.nat(C - 1), fc.constant(-100)), { minLength: 3, maxLength: 3 }),
    }));
    fc.assert(fc.property(odd, ({ logits, classes, weighted, smoothing }) => {
      const view = tensor(classes.map((target) => [target]), { dtype: 'int32' });
      const weight = weighted ? randn([logits.shape[1]]).abs().add(0.1) : null;
      const given = { logits, targets: { view, weight, ignoreIndex: -100, smoothing }, g: tensor([[1], [2], [3]]) };
      const [exact, ours] = [null, chosen()].map((on) => run(on, { ...given, out: zeros(logits.shape) }));
      expectClose(ours.logSumExp, exact.logSumExp, { rtol: 2e-7 });
      expectClose(ours.losses, exact.losses, { rtol: 1e-6, atol: 1e-4 });
      expectClose(ours.gradient, exact.gradient, { rtol: 1e-6, atol: 1e-5 });
    }));
  });

  it('is shared out without a change', () => {
    const { pool: _, ...alone } = chosen();
    const [logits, view] = [randn([13, 301]), randint(0, 301, [13, 1], { dtype: 'int32' })];
    const given = { logits, targets: { view, weight: randn([301]), ignoreIndex: 7, smoothing: 0.2 }, g: randn([13, 1]) };
    const [one, other] = [alone, chosen()].map((on) => run(on, { ...given, out: zeros(logits.shape) }));
    for (const name of ['losses', 'logSumExp', 'gradient'] as const) expectSameBits(other[name], one[name]);
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits, forward and backward', () => {
  fc.assert(fc.property(cases, (given) => {
    const [one, other] = [narrow, wide].map((on) => run(on, { ...given, out: zeros(given.out.shape) }));
    for (const name of ['losses', 'logSumExp', 'gradient'] as const) expectSameBits(other[name], one[name]);
  }));
});

it('leaves distributions, float64 and few values to the js loops', () => {
  const [large, view] = [zeros([4, 1024]), zeros([4, 1], { dtype: 'int32' })];
  const targets = { view, weight: null, ignoreIndex: -100, smoothing: 0 };
  expect(takesCrossEntropy(large, targets)).toBe(true);
  expect(takesCrossEntropy(large, { ...targets, view: large, ignoreIndex: null })).toBe(false);
  expect(takesCrossEntropy(zeros([4, 1024], { dtype: 'float64' }), targets)).toBe(false);
  expect(takesCrossEntropy(zeros([4, 4]), targets)).toBe(false);
});
