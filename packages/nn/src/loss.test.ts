import { Generator, randn, tensor, type Tensor } from '@strided/tensor';
import { checkGradients, expectClose } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryCrossEntropyWithLogits, crossEntropy, huberLoss, infoNce, klDiv, l1Loss, mseLoss } from './loss.ts';

const f64 = (seed: number, ...shape: number[]): Tensor => randn(shape, { dtype: 'float64', generator: new Generator(seed) });
const of = (...values: number[]): Tensor => tensor(values, { dtype: 'float64' });
const value = (x: Tensor): number => Number(x.item());

describe('losses', () => {
  it('have the gradients that central differences give, of both orders', () => {
    const [a, b] = [f64(1, 3, 4), f64(2, 3, 4)];
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      for (const loss of [mseLoss, l1Loss, huberLoss]) checkGradients((x, y) => loss(x, y, { reduction }), [a, b], { order: 2 });
      checkGradients((x, y) => binaryCrossEntropyWithLogits(x, y, { reduction, weight: b.abs(), positiveWeight: a.abs() }), [a, b.sigmoid()], { order: 2 });
      checkGradients((x, y) => klDiv(x, y, { reduction }), [a.logSoftmax(), b.softmax()], { order: 2 });
      checkGradients((x, y) => klDiv(x, y, { reduction, logTarget: true }), [a.logSoftmax(), b.logSoftmax()], { order: 2 });
      checkGradients((x, y) => infoNce(x, y, { reduction, temperature: 0.5, symmetric: true }), [a, b], { order: 2 });
    }
  });

  it('huber is half of mse near the target and a line far from it; l1 has no slope at it', () => {
    expect(huberLoss(of(0.5, -3), of(0, 0), { reduction: 'none' }).toArray()).toEqual([0.125, 2.5]);
    expect(huberLoss(of(0.5, -3), of(0, 0), { reduction: 'none', delta: 2 }).toArray()).toEqual([0.125, 4]);
    expect(huberLoss(of(Infinity), of(0)).item()).toBe(Infinity);
    const x = tensor([1, 2], { requiresGrad: true });
    l1Loss(x, tensor([1, 1]), { reduction: 'sum' }).backward();
    expect(x.grad?.toArray()).toEqual([0, 1]);
  });

  it('binary cross-entropy is exact for logits of any size, and two-class cross-entropy', () => {
    expect(binaryCrossEntropyWithLogits(of(1000, -1000, 1000), of(1, 0, 0), { reduction: 'none' }).toArray()).toEqual([0, 0, 1000]);
    const x = tensor([500, -500], { requiresGrad: true });
    binaryCrossEntropyWithLogits(x, tensor([0, 1]), { reduction: 'sum' }).backward();
    expect(x.grad?.toArray()).toEqual([1, -1]);
    fc.assert(fc.property(fc.double({ min: -30, max: 30, noNaN: true }), fc.boolean(), (logit, yes) => {
      const two = crossEntropy(tensor([[0, logit]], { dtype: 'float64' }), tensor([Number(yes)], { dtype: 'int32' }));
      expectClose(binaryCrossEntropyWithLogits(of(logit), of(Number(yes))), two, { rtol: 1e-12, atol: 1e-13 });
    }));
  });

  it('the divergence is never negative, 0 between equals, and an impossible event counts nothing', () => {
    fc.assert(fc.property(fc.nat({ max: 1000 }), (seed) => {
      const [a, b] = [f64(seed, 2, 5), f64(seed + 1, 2, 5)];
      expect(value(klDiv(a.logSoftmax(), b.softmax(), { reduction: 'batchMean' }))).toBeGreaterThanOrEqual(0);
      expectClose(klDiv(a.logSoftmax(), a.softmax()), 0, { rtol: 0, atol: 1e-15 });
      expectClose(klDiv(a.logSoftmax(), b.logSoftmax(), { logTarget: true }), klDiv(a.logSoftmax(), b.softmax()), { rtol: 1e-12, atol: 1e-15 });
    }));
    const logs = of(0, -Infinity);
    logs.requiresGrad = true;
    const loss = klDiv(logs, of(1, 0), { reduction: 'sum' });
    loss.backward();
    expect([loss.item(), logs.grad?.add(0).toArray()]).toEqual([0, [-1, 0]]);
    expect(klDiv(of(0, -5), of(0, -Infinity), { reduction: 'sum', logTarget: true }).item()).toBe(0);
  });

  it('InfoNCE: chance level for equal vectors, near 0 where each finds its own, worse with more negatives', () => {
    const same = of(1, 1, 1, 1).reshape([4, 1]);
    expect(value(infoNce(same, same))).toBeCloseTo(Math.log(4), 12);
    fc.assert(fc.property(fc.nat({ max: 1000 }), fc.integer({ min: 2, max: 5 }), (seed, n) => {
      const [q, k, more] = [f64(seed, n, 8), f64(seed + 1, n, 8), f64(seed + 2, 3, 8)];
      expect(value(infoNce(q, q, { temperature: 1e-3 }))).toBeLessThan(0.5);
      const all = tensor([...k.toTypedArray(), ...more.toTypedArray()], { dtype: 'float64' }).reshape([n + 3, 8]);
      expect(value(infoNce(q, all))).toBeGreaterThanOrEqual(value(infoNce(q, k)));
      expectClose(infoNce(q, k, { symmetric: true }), infoNce(k, q, { symmetric: true }), { rtol: 1e-12, atol: 1e-14 });
      // Lengths do not matter to cosines.
      expectClose(infoNce(q.mul(7), k.mul(0.1)), infoNce(q, k), { rtol: 1e-11, atol: 1e-12 });
    }));
    expect(Number.isFinite(value(infoNce(of(0, 0, 1, 0).reshape([2, 2]), of(1, 0, 0, 1).reshape([2, 2]))))).toBe(true);
  });

  it('refuse shapes and options that make no sense', () => {
    const [a, b] = [f64(1, 2, 3), f64(1, 3)];
    for (const loss of [mseLoss, l1Loss, huberLoss, binaryCrossEntropyWithLogits, klDiv]) expect(() => loss(a, b)).toThrow(`${loss.name}: predictions [2, 3] and targets [3] must have the same shape`);
    expect(() => mseLoss(a, a, { reduction: 'median' as 'mean' })).toThrow("mseLoss: the reduction must be 'mean', 'sum' or 'none', not 'median'");
    expect(() => huberLoss(a, a, { delta: 0 })).toThrow('huberLoss: delta must be above 0, not 0');
    expect(() => infoNce(a, f64(1, 1, 3))).toThrow('infoNce: queries must be [N, D] and keys [M, D] with M ≥ N, not [2, 3] and [1, 3]');
    expect(() => infoNce(a, f64(1, 3, 3), { symmetric: true })).toThrow('infoNce: symmetric needs as many keys as queries, not 3 and 2');
    expect(() => infoNce(a, a, { temperature: 0 })).toThrow('the temperature must be above 0');
  });
});
