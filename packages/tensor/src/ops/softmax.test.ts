import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logSoftmax, ones, softmax, tensor, zeros, type Tensor } from '../index.ts';
import { checkGradients, expectClose, expectTwins, runs, shapes, tensors } from '../testing/index.ts';
import { registry, type Op } from './op.ts';

const twinOf = (name: string) => (registry.get(name) as unknown as Op).composed as (inputs: readonly Tensor[], attributes: undefined) => Tensor;

/** A tensor of any layout and one of its axes, counted from either end. */
function cases(dtype: 'float32' | 'float64', maxLength = 5): fc.Arbitrary<readonly [Tensor, number]> {
  return shapes({ minRank: 1, maxRank: 3, maxLength }).chain((shape) => fc.tuple(tensors({ dtype, shape, range: [-5, 5] }), fc.integer({ min: -shape.length, max: shape.length - 1 })));
}

/** The last axis in place of any: how the twin is asked. */
const along = (fn: (x: Tensor) => Tensor, axis: number) => (x: Tensor) => fn(x.transpose(axis, -1)).transpose(axis, -1);

describe.each([['softmax', softmax], ['logSoftmax', logSoftmax]] as const)('%s', (name, fused) => {
  const twin = (x: Tensor) => twinOf(name)([x], undefined);

  it('equals its formula in float64 within 2⁻²² of a value and 1e-6 of a gradient, along any axis', () => {
    // The twin's largest value of an empty axis does not exist.
    fc.assert(fc.property(cases('float32').filter(([x]) => x.size > 0), ([x, axis]) => {
      expectTwins((all) => fused(all, axis), along(twin, axis), [x], { values: { rtol: 2 ** -22, atol: 1e-7 }, gradients: { rtol: 1e-6, atol: 1e-6 } });
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(cases('float64', 3), ([x, axis]) => {
      checkGradients((all) => fused(all, axis), [x], { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('ignores shifts', () => {
    fc.assert(fc.property(cases('float64'), fc.integer({ min: -1000, max: 1000 }), ([x, axis], shift) => {
      expectClose(fused(x.add(shift), axis), fused(x, axis), { rtol: 1e-11, atol: 1e-12 });
    }));
  });

  it('takes a scalar as one value, with axis 0 or -1', () => {
    for (const axis of [0, -1]) expectClose(fused(tensor(7), axis), name === 'softmax' ? 1 : 0);
    checkGradients((x) => fused(x), [tensor(2, { dtype: 'float64' })]);
    expect(() => fused(tensor(7), 1)).toThrow(`${name}: axis 1 does not exist`);
    expect(() => fused(zeros([2, 3]), -3)).toThrow(`${name}: axis -3 does not exist`);
  });

  it('overflows nowhere; NaN where a row holds NaN, +∞, or −∞ alone', () => {
    const rows = tensor([[1e30, -1e30], [NaN, 0], [Infinity, 0], [-Infinity, -Infinity], [-Infinity, 0]]);
    const exact = [[1, 0], [NaN, NaN], [NaN, NaN], [NaN, NaN], [0, 1]];
    expectClose(fused(rows), name === 'softmax' ? exact : [[0, -2e30], ...exact.slice(1, 4), [-Infinity, 0]], { rtol: 1e-6 });
  });

  it('makes integers float32, and empty tensors empty', () => {
    expect(fused(ones([2, 2], { dtype: 'int32' })).dtype).toBe('float32');
    for (const shape of [[0, 3], [3, 0]]) expect(fused(zeros(shape)).shape).toEqual(shape);
  });
});

describe('softmax', () => {
  it('sums to one and lies between 0 and 1; logSoftmax is its logarithm', () => {
    fc.assert(fc.property(cases('float64').filter(([x]) => x.size > 0), ([x, axis]) => {
      const y = softmax(x, axis);
      const sums = y.sum(axis);
      expectClose(sums, ones(sums.shape, { dtype: 'float64' }), { rtol: 1e-14 });
      expect(y.ge(0).logicalAnd(y.le(1)).all().item()).toBe(true);
      expectClose(logSoftmax(x, axis), y.log(), { rtol: 1e-12, atol: 1e-12 });
    }));
  });

  it('logSoftmax keeps what the logarithm of softmax loses', () => {
    expect(softmax(tensor([0, -200])).log().toArray()).toEqual([0, -Infinity]);
    expectClose(logSoftmax(tensor([0, -200])), [0, -200]);
  });
});
