import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, DTypeError, IndexError, ShapeError, tensor, zeros, type DType } from '../index.ts';
import { checkGradients, expectClose, shapes, tensors } from '../testing/index.ts';
import { expectTensor, indicesOf, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const few = dtypes.chain((dtype) => tensors<DType>({ dtype, values: fc.constantFrom(...(dtype.startsWith('float') ? [0, -0, 1, 2.5, -3, NaN, Infinity, -Infinity] : [0, 1])) }));

describe('unique, nonZero, bincount', () => {
  it('unique gives each value once in rising order, its count, and an inverse that rebuilds x', () => {
    fc.assert(fc.property(few, (x) => {
      const all = indicesOf(x.shape).map((index) => valueAt(x, index) + 0);
      const distinct = [...new Set(all)].sort((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b));
      const { values, counts, inverse } = x.unique({ counts: true, inverse: true });
      expectTensor(values, x.dtype, [distinct.length], ([i]) => distinct[i], { rtol: 0 });
      expectTensor(counts, 'int32', [distinct.length], ([i]) => all.filter((value) => Object.is(value, distinct[i])).length);
      expect(inverse.shape).toEqual(x.shape);
      if (x.size > 0) expectClose(values.take(inverse), x, { rtol: 0 });
    }));
  });

  it('unique computes only what is asked for, and its type says so', () => {
    const plain = tensor([2, 1, 2]).unique();
    expect(Object.keys(plain)).toEqual(['values']);
    // @ts-expect-error: the counts were not asked for
    expect(plain.counts).toBeUndefined();
    expect(tensor([[3, 1], [3, 3]], { dtype: 'int32' }).unique({ inverse: true }).inverse.toArray()).toEqual([[1, 0], [1, 1]]);
  });

  it('nonZero lists the indices in row-major order; NaN is other than 0', () => {
    fc.assert(fc.property(few, (x) => {
      const expected = indicesOf(x.shape).filter((index) => valueAt(x, index) !== 0);
      expectTensor(x.nonZero(), 'int32', [expected.length, x.rank], ([n, axis]) => expected[n][axis]);
    }));
    expect(tensor(3).nonZero().shape).toEqual([1, 0]);
  });

  it('bincount equals a loop, with and without weights, for every index dtype', () => {
    const ids = fc.constantFrom<DType>('int32', 'uint8', 'int8', 'bool').chain((dtype) =>
      tensors<DType>({ dtype, range: dtype === 'bool' ? [0, 1] : [0, 12], shape: shapes({ minRank: 1, maxRank: 1, maxLength: 9 }) }),
    );
    const both = ids.chain((x) => fc.tuple(fc.constant(x), dtypes.chain((dtype) => tensors<DType>({ dtype, shape: x.shape, ...(dtype === 'int32' ? { range: [-99, 99] } : {}) })), fc.nat(15)));
    fc.assert(fc.property(both, ([x, weights, minLength]) => {
      const numbers = indicesOf(x.shape).map((index) => valueAt(x, index));
      const length = Math.max(minLength, ...numbers.map((value) => value + 1));
      expectTensor(x.bincount({ minLength }), 'int32', [length], ([v]) => numbers.filter((value) => value === v).length);
      const dtype = weights.dtype.startsWith('float') ? weights.dtype : 'int32';
      expectTensor(x.bincount({ weights, minLength }), dtype, [length], ([v]) => numbers.reduce((sum, value, i) => (value === v ? sum + valueAt(weights, [i]) : sum), 0));
    }));
  });

  it('the gradient of bincount flows to its weights', () => {
    checkGradients((w) => tensor([0, 2, 0, 3], { dtype: 'int32' }).bincount({ weights: w }).square(), [tensor([1, -2, 3, 0.5], { dtype: 'float64' })], { order: 2 });
  });

  it('bincount refuses what cannot be counted', () => {
    const ids = tensor([0, -2], { dtype: 'int32' });
    expect(() => ids.bincount()).toThrow(/bincount: number -2 at \[1\] is negative/);
    expect(() => ids.bincount()).toThrow(IndexError);
    expect(() => zeros([2]).bincount()).toThrow(DTypeError);
    expect(() => zeros([2, 2], { dtype: 'int32' }).bincount()).toThrow(ShapeError);
    expect(() => zeros([2], { dtype: 'int32' }).bincount({ weights: zeros([3]) })).toThrow(ShapeError);
    expect(() => zeros([2], { dtype: 'int32' }).bincount({ minLength: -1 })).toThrow(ArgumentError);
    expect(() => zeros([2], { dtype: 'int32' }).bincount({ weights: tensor([2147483647, 1], { dtype: 'int32' }) })).toThrow(DTypeError);
    expect(zeros([0], { dtype: 'int32' }).bincount().shape).toEqual([0]);
  });
});
