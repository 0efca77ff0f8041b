import { randint, randn, tensor, zeros, type Tensor } from '@strided/tensor';
import { expectClose, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CrossEntropyTargets } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { crossEntropy, crossEntropyBackward, takesCrossEntropy, takesCrossEntropyBackward } from '../../packages/tensor/src/kernels/wasm/crossEntropy.ts';
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
    const classes = tensors({ shape: [...batch, 1], dtype: 'int32', values: fc.oneof(fc.nat(C - 1), fc.constant(-100)) });
    // Not all of one sum, so that the gradient's Σ q is no constant.
    const distributions = tensors({ shape: [...batch, C], range: [0, 1] }).map((x) => x.div(x.sum(-1, { keepDims: true }).add(0.1)));
    const shared = { weight: fc.option(tensors({ shape: [C], range: [0, 3] })), smoothing: fc.constantFrom(0, 0.1, 1) };
    return fc.record({
      logits: tensors({ shape: [...batch, C], range: [-20, 20] }),
      targets: fc.oneof(
        fc.record({ view: classes as fc.Arbitrary<Tensor>, ...shared, ignoreIndex: fc.constant<number | null>(-100) }),
        fc.record({ view: distributions as fc.Arbitrary<Tensor>, ...shared, ignoreIndex: fc.constant<number | null>(null) }),
      ),
      g: tensors({ shape: [...batch, 1] }),
      out: tensors({ shape: [...batch, C], layout: 'unshared' }),
    });
  });

function run(on: Runtime | null, { logits, targets, g, out }: Case) {
  const rows = [...logits.shape.slice(0, -1), 1];
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
      logits: tensors({ shape: [3, C], values: special }), weighted: fc.boolean(), soft: fc.boolean(), smoothing: fc.constantFrom(0, 0.1),
      classes: fc.array(fc.oneof(fc.nat(C - 1), fc.constant(-100)), { minLength: 3, maxLength: 3 }),
    }));
    fc.assert(fc.property(odd, ({ logits, classes, weighted, soft, smoothing }) => {
      const view = tensor(classes.map((target) => [target]), { dtype: 'int32' });
      const weight = weighted ? randn([logits.shape[1]]).abs().add(0.1) : null;
      // As distributions these have zeros, which make NaN of infinities.
      const targets = soft ? { view: logits.gt(0).cast('float32'), ignoreIndex: null } : { view, ignoreIndex: -100 };
      const given = { logits, targets: { ...targets, weight, smoothing }, g: tensor([[1], [2], [3]]) };
      const [exact, ours] = [null, chosen()].map((on) => run(on, { ...given, out: zeros(logits.shape) }));
      expectClose(ours.logSumExp, exact.logSumExp, { rtol: 2e-7 });
      expectClose(ours.losses, exact.losses, { rtol: 1e-6, atol: 1e-4 });
      expectClose(ours.gradient, exact.gradient, { rtol: 1e-6, atol: 1e-5 });
    }));
  });

  it('is shared out without a change', () => {
    const { pool: _, ...alone } = chosen();
    const [logits, view] = [randn([13, 301]), randint(0, 301, [13, 1], { dtype: 'int32' })];
    for (const targets of [{ view, ignoreIndex: 7 }, { view: randn([13, 301]).softmax(-1), ignoreIndex: null }]) {
      const given = { logits, targets: { ...targets, weight: randn([301]), smoothing: 0.2 }, g: randn([13, 1]) };
      const [one, other] = [alone, chosen()].map((on) => run(on, { ...given, out: zeros(logits.shape) }));
      for (const name of ['losses', 'logSumExp', 'gradient'] as const) expectSameBits(other[name], one[name]);
    }
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits, forward and backward', () => {
  fc.assert(fc.property(cases, (given) => {
    const [one, other] = [narrow, wide].map((on) => run(on, { ...given, out: zeros(given.out.shape) }));
    for (const name of ['losses', 'logSumExp', 'gradient'] as const) expectSameBits(other[name], one[name]);
  }));
});

it('leaves gradients of distributions, float64 and few values to the js loops', () => {
  const large = zeros([4, 1024]);
  expect([large, zeros([4, 1024], { dtype: 'float64' }), zeros([4, 4])].map(takesCrossEntropy)).toEqual([true, false, false]);
  expect(takesCrossEntropyBackward(large, { logits: large, targets: null })).toBe(true);
  expect(takesCrossEntropyBackward(large, { logits: large, targets: large })).toBe(false);
});
