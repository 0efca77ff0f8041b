import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, full, ShapeError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, shapes, tensors } from '../testing/index.ts';
import { expectTensor, groupsOver } from '../testing/naive.ts';

type Pair = [Tensor, number[]];
const withAxes = (given: fc.Arbitrary<Tensor>): fc.Arbitrary<Pair> => given.chain((x) => fc.tuple(fc.constant(x), fc.subarray(x.shape.map((_, i) => i))));
const some = withAxes(fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool').chain((dtype) => tensors<DType>({ dtype })));
const floatOf = (dtype: DType): DType => (dtype === 'float64' ? dtype : 'float32');

function expectReduced(result: Tensor, [x, axes]: Pair, of: (values: readonly number[]) => number, rtol: number, atol = 0): void {
  const groups = groupsOver(x, axes);
  let next = 0;
  const round = floatOf(x.dtype) === 'float32' ? Math.fround : Number;
  expectTensor(result, floatOf(x.dtype), x.shape.filter((_, axis) => !axes.includes(axis)), () => round(of(groups[next++])), { rtol, atol });
}

function varianceOf(values: readonly number[], correction: number): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(0, values.length - correction);
}

function normOf(values: readonly number[], p: number): number {
  const sizes = values.map(Math.abs);
  if (p === Infinity) return Math.max(...sizes);
  if (p === -Infinity) return Math.min(...sizes);
  if (p === 0) return sizes.filter((size) => size !== 0).length;
  return sizes.reduce((a, b) => a + b ** p, 0) ** (1 / p);
}

describe('variance and std', () => {
  it('equal the two-pass formula within 1e-6 (float32) or 1e-12, for any correction', () => {
    fc.assert(fc.property(some, fc.constantFrom(0, 1, 2, 0.5), (pair, correction) => {
      const [x, axes] = pair;
      const rtol = x.dtype === 'float64' ? 1e-12 : 1e-6;
      // Equal values differ from their rounded mean by a rounding.
      expectReduced(x.variance(axes, { correction }), pair, (values) => varianceOf(values, correction), rtol, x.dtype === 'int32' ? 1e-12 : 1e-28);
      expectReduced(x.std(axes, { correction }), pair, (values) => Math.sqrt(varianceOf(values, correction)), rtol, x.dtype === 'int32' ? 1e-6 : 1e-14);
    }));
  });

  it('keep precision far from 0 and at the edge of float32', () => {
    expect(tensor([1e8, 1e8 + 8]).variance().item()).toBe(32);
    expectClose(tensor([1e30, -1e30]).std(), Math.SQRT2 * 1e30, { rtol: 1e-6 });
    expect(tensor([Infinity, 1]).variance().item()).toBeNaN();
  });

  it('are NaN where n ≤ correction and over nothing, and keepDims keeps', () => {
    expect(tensor([5]).variance().item()).toBeNaN();
    expect(tensor([5]).variance(0, { correction: 0, keepDims: true }).toArray()).toEqual([0]);
    expect(zeros([2, 0]).std(1).toArray()).toEqual([NaN, NaN]);
    expect(() => zeros([2]).variance(0, { correction: NaN })).toThrow(ArgumentError);
  });

  it('gradients equal central differences, to the second order', () => {
    const x = withAxes(tensors({ dtype: 'float64', shape: shapes({ minRank: 1, maxRank: 2, minLength: 2, maxLength: 3 }), layout: 'unshared' }));
    fc.assert(fc.property(x, fc.constantFrom(0, 1), ([t, axes], correction) => {
      fc.pre(axes.length > 0 && groupsOver(t, axes).every((values) => varianceOf(values, 0) > 0.1));
      checkGradients((y) => [y.variance(axes, { correction }), y.std(axes, { correction })], [t], { order: 2, atol: 1e-5 });
    }));
  });

  it('the gradient of std is 0 where all values are equal', () => {
    const x = full([3], 0.1, { requiresGrad: true });
    x.std().backward();
    expect(x.grad?.toArray()).toEqual([0, 0, 0]);
  });
});

describe('norm', () => {
  const orders = fc.constantFrom(0, 1, 2, 3, 0.5, 1.5, -1, Infinity, -Infinity);

  it('equals (Σ |x|ᵖ)^(1/p) within 1e-6 (float32) or 1e-12', () => {
    fc.assert(fc.property(some, orders, (pair, p) => {
      const [x, axes] = pair;
      fc.pre(Math.abs(p) !== Infinity || axes.every((axis) => x.shape[axis] > 0));
      expectReduced(x.norm(axes, { p }), pair, (values) => normOf(values, p), x.dtype === 'float64' ? 1e-12 : 1e-6);
    }));
  });

  it('does not overflow where the result fits', () => {
    expectClose(tensor([3e30, 4e30]).norm(), 5e30, { rtol: 1e-6 });
    expectClose(tensor([3e-30, 4e-30]).norm(), 5e-30, { rtol: 1e-6 });
    expect(tensor([Infinity, 1]).norm().item()).toBe(Infinity);
    expect(tensor([NaN, 1]).norm(0, { p: Infinity }).item()).toBeNaN();
    expect(tensor([3, 4], { dtype: 'int8' }).norm(0, { keepDims: true }).toArray()).toEqual([5]);
  });

  it('gradients equal central differences away from 0, to the second order', () => {
    const away = fc.constantFrom(-2, -1.25, 0.5, 0.75, 1.5, 3);
    fc.assert(fc.property(withAxes(tensors({ dtype: 'float64', shape: shapes({ minRank: 1, maxRank: 2, minLength: 1, maxLength: 3 }), values: away })), fc.constantFrom(1, 2, 3, 0.5, 1.5, -1), ([x, axes], p) => {
      checkGradients((t) => t.norm(axes, { p }), [x], { order: 2, atol: 1e-5 });
    }));
    checkGradients((t) => [t.norm(1, { p: Infinity }).square(), t.norm(1, { p: -Infinity }).square()], [tensor([[1, -3, 2], [4, -5, 6]], { dtype: 'float64' })], { order: 2 });
  });

  it('gradients at 0 are 0, and equal magnitudes share that of Infinity', () => {
    for (const p of [0, 0.5, 1, 1.5, 2, 3, Infinity]) {
      const x = zeros([2], { requiresGrad: true });
      x.norm(0, { p }).backward();
      expect(x.grad?.toArray(), `p = ${p}`).toEqual([0, 0]);
    }
    const x = tensor([2, -2, 1], { requiresGrad: true });
    x.norm(0, { p: Infinity }).backward();
    expect(x.grad?.toArray()).toEqual([0.5, -0.5, 0]);
    const half = tensor([0, 3], { requiresGrad: true });
    half.norm(0, { p: 1.5 }).backward();
    expectClose(half.grad ?? NaN, [0, 1]);
  });

  it('refuses an order that is no number, and an extreme of nothing', () => {
    expect(() => zeros([2]).norm(0, { p: NaN })).toThrow(ArgumentError);
    expect(() => zeros([2, 0]).norm(1, { p: Infinity })).toThrow(ShapeError);
    expect(zeros([2, 0]).norm(1).toArray()).toEqual([0, 0]);
  });
});

describe('logSumExp', () => {
  it('equals ln Σ exp within 1e-6 (float32) or 1e-13, infinities and large values included', () => {
    const values = fc.oneof(fc.double({ min: -50, max: 50, noNaN: true }), fc.constantFrom(Infinity, -Infinity, NaN, 1e30, -1e30));
    const x = fc.constantFrom<DType>('float32', 'float64').chain((dtype) => tensors<DType>({ dtype, values: values.map(dtype === 'float32' ? Math.fround : Number) }));
    const oracle = (group: readonly number[]): number => {
      if (group.some(Number.isNaN)) return NaN;
      const top = Math.max(...group);
      return Math.abs(top) === Infinity ? top : top + Math.log(group.reduce((sum, value) => sum + Math.exp(value - top), 0));
    };
    fc.assert(fc.property(withAxes(x), (pair) => {
      const [t, axes] = pair;
      expectReduced(t.logSumExp(axes), pair, oracle, t.dtype === 'float64' ? 1e-13 : 1e-6, t.dtype === 'float64' ? 1e-13 : 1e-6);
    }));
  });

  it('is −Infinity over nothing, and nothing flows to −Infinity alone', () => {
    expect(zeros([2, 0]).logSumExp(1).toArray()).toEqual([-Infinity, -Infinity]);
    const x = tensor([[-Infinity, -Infinity], [0, -Infinity]], { requiresGrad: true });
    x.logSumExp(1).sum().backward();
    expect(x.grad?.toArray()).toEqual([[0, 0], [1, 0]]);
  });

  it('gradients equal central differences, to the second order', () => {
    fc.assert(fc.property(withAxes(tensors({ dtype: 'float64', shape: shapes({ maxRank: 2, minLength: 1, maxLength: 3 }), range: [-3, 3] })), ([x, axes]) => {
      checkGradients((t) => t.logSumExp(axes), [x], { order: 2, atol: 1e-5 });
    }));
  });
});
