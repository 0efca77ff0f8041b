import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, fromTypedArray, IndexError, randn, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, runs, shapes, tensors } from '../testing/index.ts';
import { expectTensor, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const ranked = dtypes.chain((dtype) => tensors<DType>({ dtype, special: true, shape: shapes({ minRank: 1, maxRank: 3, maxLength: 6 }) }));
const withAxis = ranked.chain((x) => fc.tuple(fc.constant(x), fc.nat(x.rank - 1)));

/** −1, 0 or 1 in the order of the library: −0 equals 0, NaN is largest. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

function orderOf(values: readonly number[], descending: boolean): number[] {
  return values.map((_, i) => i).sort((i, j) => (descending ? -1 : 1) * compare(values[i], values[j]) || i - j);
}

const laneAt = (x: Tensor, axis: number, index: readonly number[]): number[] =>
  Array.from({ length: x.shape[axis] }, (_, i) => valueAt(x, index.map((at, d) => (d === axis ? i : at))));

describe('sort, argSort, topK', () => {
  it('argSort is the stable order of every lane, NaN largest, on any layout and dtype', () => {
    fc.assert(fc.property(withAxis, fc.boolean(), ([x, axis], descending) => {
      const order = x.argSort(axis, { descending });
      expectTensor(order, 'int32', x.shape, (index) => orderOf(laneAt(x, axis, index), descending)[index[axis]]);
      const { values, indices } = x.sort(axis, { descending });
      expectClose(indices, order);
      expectTensor(values, x.dtype, x.shape, (index) => laneAt(x, axis, index)[valueAt(order, index)], { rtol: 0 });
    }));
  });

  it('long lanes, which are sorted by bytes, keep that order', () => {
    const long = dtypes.chain((dtype) => fc.tuple(
      tensors<DType>({ dtype, special: true, shape: fc.integer({ min: 38, max: 200 }).map((n) => [n]) }),
      fc.boolean(),
    ));
    fc.assert(fc.property(long, ([x, descending]) => {
      const lane = laneAt(x, 0, [0]);
      expect(Array.from(x.argSort(0, { descending }).toTypedArray())).toEqual(orderOf(lane, descending));
    }));
  });

  it('is a permutation, and sorting what is sorted changes nothing', () => {
    fc.assert(fc.property(withAxis, ([x, axis]) => {
      const { values, indices } = x.sort(axis);
      const counting = arange(0, x.shape[axis]).reshape(x.shape.map((n, d) => (d === axis ? n : 1))).expand(x.shape);
      expectClose(indices.sort(axis).values, counting);
      expectClose(values.argSort(axis), counting);
    }));
  });

  it('topK is the first k of the order, by heap and by sorting', () => {
    const many = fc.tuple(fc.constantFrom(1, 3, 40, 200), fc.boolean(), dtypes).chain(([n, largest, dtype]) => fc.tuple(
      fc.oneof(tensors<DType>({ dtype, special: true, shape: [2, n] }), tensors<DType>({ dtype, values: fc.integer({ min: 0, max: 1 }), shape: [2, n] })),
      fc.constant(largest), fc.oneof(fc.nat(n), fc.nat(Math.min(n, 5))),
    ));
    fc.assert(fc.property(many, ([x, largest, k]) => {
      const best = (row: number) => orderOf(laneAt(x, 1, [row, 0]), largest).slice(0, k);
      const { values, indices } = x.topK(k, 1, { largest });
      expectTensor(indices, 'int32', [2, k], ([row, i]) => best(row)[i]);
      expectTensor(values, x.dtype, [2, k], ([row, i]) => valueAt(x, [row, best(row)[i]]), { rtol: 0 });
      expectTensor(x.transpose().topK(k, 0, { largest, sorted: false }).indices, 'int32', [k, 2], ([i, row]) => best(row).sort((a, b) => a - b)[i]);
    }), { numRuns: runs(0.6) });
  });

  it('every NaN is the same NaN, whatever its bits', () => {
    const bits = BigUint64Array.of(0x7ff8000000000005n, 0xfff8000000000000n, 0x3ff0000000000000n, 0x7ff8000000000001n);
    const x = fromTypedArray(new Float64Array(bits.buffer));
    expect(x.argSort().toArray()).toEqual([2, 0, 1, 3]);
    expect(x.cast('float32').argSort(0, { descending: true }).toArray()).toEqual([0, 1, 3, 2]);
  });

  it('refuses a k that the axis does not have, and an axis that is not there', () => {
    expect(() => zeros([3]).topK(4)).toThrow(/topK: k = 4 must be a whole number from 0 to 3, the length of axis -1 of \[3\]/);
    expect(() => zeros([3]).topK(1.5)).toThrow(IndexError);
    expect(() => tensor(1).sort()).toThrow(IndexError);
    expect(zeros([2, 0]).sort().values.shape).toEqual([2, 0]);
    expect(zeros([0, 3]).topK(2).values.shape).toEqual([0, 2]);
  });

  it('gradients go back to where each value came from', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 8, maxLength: 8 }), fc.nat(1), fc.boolean(), (list, axis, flag) => {
      const x = tensor(list, { dtype: 'float64' }).reshape([4, 2]).transpose();
      checkGradients((t) => [t.sort(axis, { descending: flag }).values.square(), t.topK(1, axis, { largest: flag }).values.square()], [x], { order: 2, atol: 1e-6 });
    }), { numRuns: runs(0.4) });
  });

  it('sorts a large lane as a typed array sorts it', () => {
    const x = randn([20000]);
    expectClose(x.sort().values, x.toTypedArray().sort(), { rtol: 0 });
  });
});
