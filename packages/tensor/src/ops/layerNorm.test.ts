import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerNorm, ones, rmsNorm, tensor, zeros, type LayerNormForm, type Tensor } from '../index.ts';
import { checkGradients, expectClose, expectTwins, runs, tensors } from '../testing/index.ts';
import { registry, type Op } from './op.ts';

type Form = LayerNormForm | 'rms';

const { composed } = registry.get('layerNorm') as unknown as Op<object>;
const epsilon = 1e-3;

interface Case {
  readonly form: Form;
  readonly weight: boolean;
  readonly bias: boolean;
  readonly inputs: Tensor[];
}

/** Rows of at least `least` values, of any layout, with and without weight and bias. */
function cases(dtype: 'float32' | 'float64', least: number): fc.Arbitrary<Case> {
  const shape = fc.tuple(fc.array(fc.nat(3), { maxLength: 2 }), fc.integer({ min: least, max: 6 }));
  return fc.tuple(shape, fc.constantFrom<Form>('variance', 'deviation', 'rms'), fc.boolean(), fc.boolean()).chain(([[lead, C], form, weight, wantsBias]) => {
    const bias = wantsBias && form !== 'rms';
    const shapes = [[...lead, C], ...(weight ? [[C]] : []), ...(bias ? [[C]] : [])];
    return fc.tuple(...shapes.map((one) => tensors({ dtype, shape: one, range: [-3, 3] }))).map((inputs) => ({ form, weight, bias, inputs }));
  });
}

function fused({ form, weight, bias }: Case, [x, ...rest]: readonly Tensor[]): Tensor {
  const w = weight ? rest[0] : null;
  if (form === 'rms') return rmsNorm(x, w, { epsilon });
  return layerNorm(x, w, bias ? rest[weight ? 1 : 0] : null, { epsilon, form });
}

/** The deviation's twin has no derivative where it is 0. */
const spreads = ({ form, inputs: [x] }: Case): boolean => form !== 'deviation' || x.size === 0 || x.variance(-1).gt(0.01).all().item();

describe('layerNorm and rmsNorm', () => {
  it('are their formulas in float64 within 2⁻²³ of a value and 1e-4 of a gradient, every form, any layout', () => {
    fc.assert(fc.property(cases('float32', 2).filter(spreads), (one) => {
      const { form, weight, bias } = one;
      const twin = (...all: Tensor[]) => (composed as NonNullable<typeof composed>)(all, { form, weight, bias, epsilon });
      expectTwins((...all) => fused(one, all), twin, one.inputs, { values: { rtol: 2 ** -23, atol: 1e-6 }, gradients: { rtol: 1e-6, atol: 1e-4 } });
    }));
  });

  it('have gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(cases('float64', 2).filter(spreads), (one) => {
      checkGradients((...all) => fused(one, all), one.inputs, { order: 2, rtol: 1e-4, atol: 1e-5 });
    }), { numRuns: runs(1 / 5) });
  });

  it('are the formulas of PyTorch, of BERT-pytorch and of the paper on [1, 2, 4]', () => {
    const x = tensor([1, 2, 4], { dtype: 'float64' });
    const mean = 7 / 3;
    const squares = (1 - mean) ** 2 + (2 - mean) ** 2 + (4 - mean) ** 2;
    const by = (spread: number) => [1, 2, 4].map((value) => (value - mean) / spread);
    expectClose(layerNorm(x), by(Math.sqrt(squares / 3 + 1e-5)), { rtol: 1e-15 });
    expectClose(layerNorm(x, null, null, { form: 'deviation', epsilon: 1e-6 }), by(Math.sqrt(squares / 2) + 1e-6), { rtol: 1e-15 });
    expectClose(rmsNorm(x), [1, 2, 4].map((value) => value / Math.sqrt(7 + 2 ** -52)), { rtol: 1e-15 });
  });

  it('ignore shifts (layerNorm) and, but for epsilon, scales', () => {
    fc.assert(fc.property(tensors({ dtype: 'float64', shape: [2, 4], range: [-3, 3] }).filter((x) => x.variance(-1).gt(0.1).all().item()), fc.double({ min: 0.5, max: 4, noNaN: true }), (x, scale) => {
      const options = { epsilon: 0 };
      expectClose(layerNorm(x.mul(scale).add(5), null, null, options), layerNorm(x, null, null, options), { rtol: 1e-10, atol: 1e-10 });
      expectClose(rmsNorm(x.mul(scale), null, options), rmsNorm(x, null, options), { rtol: 1e-12, atol: 1e-12 });
    }));
  });

  it('keep small differences beside a large mean: statistics are float64', () => {
    // Their mean is not a float32: rounded to one, it would be off by 2% of the deviation.
    const x = tensor([[1e6, 1e6 + 1, 1e6 + 3]], { requiresGrad: true });
    const y = layerNorm(x, null, null, { epsilon: 0 });
    y.mul(tensor([[1, 0, 0]])).sum().backward();
    const r = Math.sqrt(9 / 14);
    const normal = [(-4 / 3) * r, (-1 / 3) * r, (5 / 3) * r];
    expectClose(y, [normal], { rtol: 1e-6 });
    expectClose(x.grad ?? zeros([]), [normal.map((value, i) => r * ((i === 0 ? 1 : 0) - 1 / 3 - (value * normal[0]) / 3))], { rtol: 1e-5, atol: 1e-7 });
  });

  it('give 0 and finite gradients for a row of equal values', () => {
    for (const form of ['variance', 'deviation'] as const) {
      const x = tensor([[2, 2, 2]], { requiresGrad: true });
      const y = layerNorm(x, null, tensor([1, 2, 3]), { form });
      expectClose(y, [[1, 2, 3]]);
      y.mul(tensor([[1, 2, 4]])).sum().backward();
      expect(x.grad?.isFinite().all().item()).toBe(true);
    }
    expect(layerNorm(tensor([[2, 2]]), null, null, { epsilon: 0 }).isNaN().all().item()).toBe(true);
  });

  it('spread NaN over its own row only; the deviation of one value is NaN', () => {
    const y = layerNorm(tensor([[1, NaN, 2], [-1, 0, 1]]), null, null, { epsilon: 0 });
    expect(y.isNaN().toArray()).toEqual([[true, true, true], [false, false, false]]);
    expect(layerNorm(tensor([[3]]), null, null, { form: 'deviation' }).item()).toBeNaN();
    expect(layerNorm(tensor([[3]])).item()).toBe(0);
    expect(layerNorm(tensor([[Infinity, 1]])).isNaN().all().item()).toBe(true);
  });

  it('take empty batches and empty rows', () => {
    const weight = ones([3], { requiresGrad: true });
    layerNorm(zeros([0, 3]), weight).sum().backward();
    expectClose(weight.grad ?? zeros([]), [0, 0, 0]);
    expect(layerNorm(zeros([2, 0])).shape).toEqual([2, 0]);
  });

  it('give x its dtype: integers become float32, a weight of another dtype is cast and its gradient cast back', () => {
    expect(layerNorm(tensor([[1, 3]], { dtype: 'int32' })).dtype).toBe('float32');
    const weight = ones([2], { dtype: 'float64', requiresGrad: true });
    const y = layerNorm(tensor([[1, 3]]), weight, null, { epsilon: 0 });
    y.sum().backward();
    expect([y.dtype, weight.grad?.dtype, weight.grad?.toArray()]).toEqual(['float32', 'float64', [-1, 1]]);
  });

  it('say what does not fit', () => {
    expect(() => layerNorm(tensor(1))).toThrow('layerNorm: a scalar has no last axis to normalize');
    expect(() => layerNorm(ones([2, 3]), ones([2]))).toThrow('layerNorm: the weight must be [3], one value for each place on the last axis of x [2, 3], not [2]');
    expect(() => layerNorm(ones([2, 3]), null, ones([1, 3]))).toThrow('layerNorm: the bias must be [3]');
    expect(() => rmsNorm(ones([2]), null, { epsilon: -1 })).toThrow('rmsNorm: epsilon must be a number from 0, not -1');
    expect(() => layerNorm(ones([2]), null, null, { form: 'std' as never })).toThrow("layerNorm: the form must be 'variance' or 'deviation', not 'std'");
  });
});
