import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DTypeError, IndexError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, shapes, tensors } from '../testing/index.ts';
import { expectTensor, valueAt } from '../testing/naive.ts';

const withAxis = (given: fc.Arbitrary<Tensor>) => given.chain((x) => fc.tuple(fc.constant(x), fc.nat(x.rank - 1)));
const ranked = shapes({ minRank: 1 });

/** The values from the first along an axis up to an index. */
const upTo = (x: Tensor, axis: number, index: readonly number[]): number[] =>
  Array.from({ length: index[axis] + 1 }, (_, i) => valueAt(x, index.map((at, d) => (d === axis ? i : at))));

describe('cumSum and cumProd', () => {
  it('equal a loop over memory within 4e-7 (float32) or 1e-14, on every axis and layout', () => {
    const floats = fc.constantFrom<DType>('float32', 'float64').chain((dtype) => tensors<DType>({ dtype, special: dtype === 'float32', shape: ranked }));
    const whole = fc.constantFrom<DType>('int32', 'uint8', 'int8', 'bool').chain((dtype) => tensors<DType>({ dtype, shape: ranked, range: dtype === 'bool' ? [0, 1] : [0, 9] }));
    fc.assert(fc.property(withAxis(fc.oneof(floats, whole)), ([x, axis]) => {
      const dtype = x.dtype.startsWith('float') ? x.dtype : 'int32';
      const round = x.dtype === 'float32' ? Math.fround : Number;
      const rtol = x.dtype === 'float64' ? 1e-14 : 4e-7;
      expectTensor(x.cumSum(axis), dtype, x.shape, (index) => round(upTo(x, axis, index).reduce((a, b) => a + b, 0)), { rtol });
      expectTensor(x.cumProd(axis), dtype, x.shape, (index) => round(upTo(x, axis, index).reduce((a, b) => a * b, 1)), { rtol });
    }));
  });

  it('refuse the first integer total that overflows, also where a later 0 would save it', () => {
    const ints = (values: number[]) => tensor(values, { dtype: 'int32' });
    expect(ints([2147483647, -1, 1]).cumSum(0).toArray()).toEqual([2147483647, 2147483646, 2147483647]);
    expect(() => ints([2147483647, 1, -1]).cumSum(0)).toThrow(/cumSum: the result 2147483648 does not fit in int32/);
    expect(ints([-2147483648, 1, 0, 7]).cumProd(0).toArray()).toEqual([-2147483648, -2147483648, 0, 0]);
    expect(() => ints([65536, 65536, 0]).cumProd(0)).toThrow(DTypeError);
    expect(() => ints([65536, 65536]).reshape([2, 1]).expand([2, 3]).cumProd(0)).toThrow(DTypeError);
  });

  it('need an axis that exists', () => {
    expect(() => zeros([2]).cumSum(1)).toThrow(IndexError);
    expect(() => tensor(1).cumProd(0)).toThrow(IndexError);
    expect(zeros([0, 2]).cumSum(0).shape).toEqual([0, 2]);
  });

  it('gradients of cumSum equal central differences', () => {
    fc.assert(fc.property(withAxis(tensors({ dtype: 'float64', shape: shapes({ minRank: 1, maxRank: 3, maxLength: 3 }) })), ([x, axis]) => {
      checkGradients((t) => t.cumSum(axis).square(), [x], { order: 2, atol: 1e-6 });
    }));
  });

  it('gradients of cumProd are exact where values are 0, to the second order', () => {
    const zeroOften = fc.constantFrom(0, -0, 1.5, -0.5, 2, 1);
    fc.assert(fc.property(withAxis(tensors({ dtype: 'float64', shape: shapes({ minRank: 1, maxRank: 2, maxLength: 4 }), values: zeroOften })), ([x, axis]) => {
      checkGradients((t) => t.cumProd(axis), [x], { order: 2, atol: 1e-6 });
    }));
  });

  it('the gradient of cumProd survives products that float32 cannot hold', () => {
    const x = tensor([1e-30, 2e-30, 1e30], { requiresGrad: true });
    x.cumProd(0).select(0, 1).backward();
    expectClose(x.grad ?? NaN, Float32Array.of(2e-30, 1e-30, 0), { rtol: 1e-6 });
  });
});
