import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossEntropy, logSoftmax, nllLoss, ones, tensor, zeros, type Reduction, type Tensor } from '../index.ts';
import { checkGradients, expectClose, expectTwins, runs, tensors } from '../testing/index.ts';
import { registry, type Op } from './op.ts';

const { composed } = registry.get('crossEntropy') as unknown as Op<object>;
const int = (values: number | number[] | number[][]): Tensor<'int32'> => tensor(values, { dtype: 'int32' });

interface Case {
  readonly soft: boolean;
  readonly weighted: boolean;
  readonly labelSmoothing: number;
  readonly reduction: Reduction;
  readonly inputs: readonly Tensor[];
}

const ignoreIndex = -7;

/** Logits of any layout with classes (some ignored) or distributions as targets, weighted or not. */
function cases(dtype: 'float32' | 'float64'): fc.Arbitrary<Case> {
  const options = fc.record({
    soft: fc.boolean(), weighted: fc.boolean(), labelSmoothing: fc.constantFrom(0, 0.1, 1), reduction: fc.constantFrom<Reduction>('mean', 'sum', 'none'),
  });
  return fc.tuple(fc.array(fc.nat(3), { maxLength: 2 }), fc.integer({ min: 1, max: 5 }), options).chain(([rows, C, one]) => {
    const classes = fc.oneof({ arbitrary: fc.nat(C - 1), weight: 4 }, { arbitrary: fc.constant(ignoreIndex), weight: 1 });
    const targets: fc.Arbitrary<Tensor> = one.soft ? tensors({ dtype, shape: [...rows, C], range: [0, 1] }) : tensors({ dtype: 'int32', shape: rows, values: classes });
    const logits = tensors({ dtype, shape: [...rows, C], range: [-4, 4] });
    const weight = tensors({ dtype, shape: [C], range: [0.25, 2] });
    return fc.tuple(logits, targets, ...(one.weighted ? [weight] : [])).map((inputs) => ({ ...one, inputs }));
  });
}

/** The mean of nothing is NaN, whose gradient the twin spreads. */
const counts = ({ soft, reduction, inputs: [, targets] }: Case): boolean => reduction !== 'mean' || (targets.size > 0 && (soft || targets.ne(ignoreIndex).any().item()));

function fused({ soft, labelSmoothing, reduction, inputs }: Case, [logits, targets]: readonly Tensor[]): Tensor {
  return crossEntropy(logits, targets, { weight: inputs[2] ?? null, labelSmoothing, reduction, ...(soft ? {} : { ignoreIndex }) });
}

function twin({ soft, labelSmoothing, reduction, inputs: [, classes, weight] }: Case, [logits, targets]: readonly Tensor[]): Tensor {
  const numbers = soft ? [] : [...classes.toTypedArray()].filter((target) => target !== ignoreIndex);
  const factors = weight?.toTypedArray();
  const denominator = soft ? logits.size / logits.shape[logits.rank - 1] : numbers.reduce((sum, target) => sum + (factors === undefined ? 1 : factors[target]), 0);
  const attributes = { ignoreIndex: soft ? null : ignoreIndex, smoothing: labelSmoothing, reduction, denominator };
  return (composed as NonNullable<typeof composed>)(weight === undefined ? [logits, targets] : [logits, targets, weight.cast(logits.dtype)], attributes);
}

describe('crossEntropy', () => {
  it('equals logSoftmax and sums in float64, values within 2⁻²³ and gradients within 1e-6, every option, any layout', () => {
    fc.assert(fc.property(cases('float32').filter(counts), (one) => {
      expectTwins((...all) => fused(one, all), (...all) => twin(one, all), one.inputs.slice(0, 2), { values: { rtol: 2 ** -23, atol: 1e-10 }, gradients: { rtol: 1e-6, atol: 1e-6 } });
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(cases('float64').filter(counts), (one) => {
      checkGradients((...all) => fused(one, all), one.inputs.slice(0, 2), { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('is nllLoss of logSoftmax', () => {
    fc.assert(fc.property(cases('float64').filter((one) => counts(one) && !one.soft), (one) => {
      const [logits, targets, weight = null] = one.inputs;
      const options = { weight, ignoreIndex, reduction: one.reduction };
      expectClose(crossEntropy(logits, targets, options), nllLoss(logSoftmax(logits), targets, options), { rtol: 1e-12, atol: 1e-12 });
    }));
  });

  it('distributions that are one class each give what the classes give', () => {
    const logits = tensor([[0.5, -1, 2], [1, 1, -3]], { dtype: 'float64' });
    for (const labelSmoothing of [0, 0.2]) {
      for (const reduction of ['mean', 'sum', 'none'] as const) {
        const soft = crossEntropy(logits, tensor([[0, 0, 1], [1, 0, 0]]), { labelSmoothing, reduction });
        expectClose(soft, crossEntropy(logits, int([2, 0]), { labelSmoothing, reduction }), { rtol: 1e-14 });
      }
    }
  });

  it('divides the mean as PyTorch does: by the weights of the targets that count, by the rows of distributions', () => {
    const logits = zeros([3, 2], { dtype: 'float64' });
    const weight = tensor([1, 3], { dtype: 'float64' });
    const ln2 = Math.LN2;
    expectClose(crossEntropy(logits, int([0, 1, -100]), { weight, reduction: 'none' }), [ln2, 3 * ln2, 0]);
    expectClose(crossEntropy(logits, int([0, 1, -100]), { weight }), ln2);
    expectClose(crossEntropy(logits, int([0, 1, -100]), { weight, reduction: 'sum' }), 4 * ln2);
    // (0.8·4 + 0.2/2·(4 + 4))·ln 2 over 4
    expectClose(crossEntropy(logits, int([0, 1, -100]), { weight, labelSmoothing: 0.2 }), ln2);
    expectClose(crossEntropy(logits, tensor([[1, 0], [0, 1], [0, 0]]), { weight }), (4 / 3) * ln2);
  });

  it('is NaN with zero gradients where the mean has nothing to count, and 0 as a sum', () => {
    for (const labelSmoothing of [0, 0.1]) {
      const logits = tensor([[1, 2], [3, 4]], { requiresGrad: true });
      const loss = crossEntropy(logits, int([-100, -100]), { labelSmoothing });
      expect(loss.item()).toBeNaN();
      loss.backward();
      expectClose(logits.grad ?? ones([]), [[0, 0], [0, 0]]);
      expect(crossEntropy(logits, int([-100, -100]), { labelSmoothing, reduction: 'sum' }).item()).toBe(0);
    }
    expect(crossEntropy(zeros([0, 3]), zeros([0], { dtype: 'int32' })).item()).toBeNaN();
    expect(crossEntropy(zeros([0, 3]), zeros([0], { dtype: 'int32' }), { reduction: 'none' }).shape).toEqual([0]);
  });

  it('overflows nowhere and loses no small loss', () => {
    expectClose(crossEntropy(tensor([[1e4, -1e4]]), int([1])), 2e4);
    expectClose(crossEntropy(tensor([[20, 0]]), int([0])), Math.log1p(Math.exp(-20)), { rtol: 1e-6 });
    expectClose(crossEntropy(tensor([[0, -Infinity]]), int([0])), 0);
    expect(crossEntropy(tensor([[0, -Infinity]]), int([1])).item()).toBe(Infinity);
    expect(crossEntropy(tensor([[0, NaN]]), int([0])).item()).toBeNaN();
  });

  it('keeps nothing of the size of the logits but the logits', () => {
    const logits = ones([5, 7], { requiresGrad: true });
    const node = crossEntropy(logits, int([0, 1, 2, 3, 4])).gradFn;
    const saved = node?.saved as { readonly extras: readonly { readonly storage: { readonly data: ArrayLike<number> } }[] };
    expect(saved.extras.map(({ storage }) => storage.data.length)).toEqual([5]);
  });

  it('takes a single row, uint8 targets and integer logits', () => {
    expectClose(crossEntropy(tensor([0, 0], { dtype: 'int32' }), tensor(1, { dtype: 'uint8' })), Math.LN2);
    expect(crossEntropy(tensor([0, 0], { dtype: 'int32' }), int(1)).dtype).toBe('float32');
  });

  it('says what does not fit', () => {
    const logits = zeros([2, 3]);
    expect(() => crossEntropy(logits, int([0, 3]))).toThrow('crossEntropy: target 3 (number 1 in row-major order) is no class: 3 classes are numbered 0 to 2, and -100 is ignored');
    expect(() => crossEntropy(logits, int([0, -1]))).toThrow('target -1');
    expect(() => crossEntropy(logits, int([[0, 1]]))).toThrow('crossEntropy: class targets must be [2], one for each row of the scores [2, 3] (classes are the last axis), not [1, 2]');
    expect(() => crossEntropy(logits, zeros([2]))).toThrow("are distributions of the shape of the logits [2, 3], not [2]; cast class numbers to 'int32'");
    expect(() => crossEntropy(logits, zeros([2, 3]), { ignoreIndex: 0 })).toThrow('distributions as targets have no ignoreIndex');
    expect(() => crossEntropy(logits, int([0, 1]), { weight: ones([2]) })).toThrow('crossEntropy: the weight must be [3], one factor for each class, not [2]');
    expect(() => crossEntropy(logits, int([0, 1]), { weight: ones([3], { requiresGrad: true }) })).toThrow('the class weight has no gradient; pass weight.detach()');
    expect(() => crossEntropy(logits, int([0, 1]), { labelSmoothing: 1.5 })).toThrow('labelSmoothing must be from 0 to 1, not 1.5');
    expect(() => crossEntropy(logits, int([0, 1]), { reduction: 'avg' as never })).toThrow("the reduction must be 'mean', 'sum' or 'none', not 'avg'");
    expect(() => crossEntropy(tensor(1), int(0))).toThrow('a scalar has no axis of classes');
    expect(() => nllLoss(logits, zeros([2]))).toThrow("nllLoss: the targets must be class numbers, not float32; use cast('int32')");
  });
});
