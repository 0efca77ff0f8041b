import { createRequire } from 'node:module';
import fc from 'fast-check';
import ndarray, { type NdArray } from 'ndarray';
import { describe, expect, it } from 'vitest';
import { arange, DTypeError, full, IndexError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, shapes, tensors } from '../testing/index.ts';
import { expectTensor, groupsOver } from '../testing/naive.ts';

/** ndarray-ops has no types of its own. */
const ndops = createRequire(import.meta.url)('ndarray-ops') as Record<'sum' | 'sup' | 'inf' | 'norm1' | 'norm2' | 'norminf', (x: NdArray<Float32Array>) => number>;

/** A tensor with some of its axes. */
function withAxes<D extends DType>(given: fc.Arbitrary<Tensor<D>>): fc.Arbitrary<[Tensor<D>, number[]]> {
  return given.chain((x) => fc.tuple(fc.constant(x), fc.subarray(x.shape.map((_, i) => i))));
}

const anyDType = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const some = withAxes(anyDType.chain((dtype) => tensors<DType>({ dtype, special: true, ...(dtype === 'int32' ? { range: [-1000, 1000] } : {}) })));

type Reduction = 'sum' | 'mean' | 'prod' | 'all' | 'any';
const oracles: Record<Reduction, { readonly dtype: (d: DType) => DType; readonly of: (values: readonly number[]) => number }> = {
  sum: { dtype: (d) => (d.startsWith('float') ? d : 'int32'), of: (values) => values.reduce((a, b) => a + b, 0) },
  mean: { dtype: (d) => (d.startsWith('float') ? d : 'float32'), of: (values) => values.reduce((a, b) => a + b, 0) / values.length },
  prod: { dtype: (d) => (d.startsWith('float') ? d : 'int32'), of: (values) => values.reduce((a, b) => a * b, 1) },
  all: { dtype: () => 'bool', of: (values) => Number(values.every((value) => value !== 0)) },
  any: { dtype: () => 'bool', of: (values) => Number(values.some((value) => value !== 0)) },
};

/** The exact sum of magnitudes bounds what rounding may do to a sum. */
const magnitude = (groups: readonly number[][]): number => groups.reduce((most, values) => Math.max(most, values.reduce((a, b) => a + (Number.isFinite(b) ? Math.abs(b) : 0), 0)), 0);

function check(name: Reduction, x: Tensor, axes: readonly number[]): void {
  const groups = groupsOver(x, axes);
  const { dtype, of } = oracles[name];
  const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const round = dtype(x.dtype) === 'float32' ? Math.fround : Number;
  const expected = groups.map((values) => round(of(values)));
  const epsilon = x.dtype === 'float64' ? 2 ** -52 : 2 ** -24;
  const options = { rtol: 64 * epsilon, atol: name === 'sum' || name === 'mean' ? 64 * 2 ** -52 * Math.min(magnitude(groups), 1e300) : 0 };
  let next = 0;
  expectTensor(x[name](axes, { keepDims: true }), dtype(x.dtype), kept, () => expected[next++], options);
  next = 0;
  expectTensor(x[name](axes), dtype(x.dtype), kept.filter((_, axis) => !axes.includes(axis)), () => expected[next++], options);
}

describe('sum, mean, prod, all, any', () => {
  for (const name of ['sum', 'mean', 'all', 'any'] as const) {
    it(`${name} equals a loop over memory, on any layout, dtype and axes, within 64 roundings`, () => {
      fc.assert(fc.property(some, ([x, axes]) => {
        // Where magnitudes overflow, the order of additions decides between ±Infinity and NaN.
        fc.pre(groupsOver(x, axes).every((values) => values.reduce((a, b) => a + (Number.isFinite(b) ? Math.abs(b) : 0), 0) < 1e308));
        check(name, x, axes);
      }));
    });
  }

  it('prod equals a loop over memory, within 64 roundings', () => {
    const floats = fc.constantFrom<DType>('float32', 'float64').chain((dtype) => tensors<DType>({ dtype }));
    const small = fc.constantFrom<DType>('int32', 'int8', 'uint8', 'bool').chain((dtype) => tensors<DType>({ dtype, range: [0, 1] }));
    fc.assert(fc.property(withAxes(fc.oneof(floats, small)), ([x, axes]) => check('prod', x, axes)));
  });

  it('equals ndarray-ops on strided arrays of 4000 values, within 1e-6', () => {
    const shape = [20, 10, 20];
    const data = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * 12.9898));
    const x = tensor(Array.from(data)).reshape(shape).permute([2, 0, 1]).flip(1);
    const nd = ndarray(data, shape).transpose(2, 0, 1).step(1, -1, 1);
    expectClose(x.sum(), ndops.sum(nd), { atol: 1e-5 });
    expectClose(x.max(), ndops.sup(nd));
    expectClose(x.min(), ndops.inf(nd));
    expectClose(x.norm(), ndops.norm2(nd), { rtol: 1e-6 });
    expectClose(x.norm(undefined, { p: 1 }), ndops.norm1(nd), { rtol: 1e-6 });
    expectClose(x.norm(undefined, { p: Infinity }), ndops.norminf(nd));
    const first = Float32Array.from({ length: 200 }, (_, i) => ndops.sum(nd.pick(null, Math.floor(i / 10), i % 10)));
    expectClose(x.sum(0), first, { atol: 1e-5 });
    const last = Float32Array.from({ length: 400 }, (_, i) => ndops.sum(nd.pick(Math.floor(i / 20), i % 20, null)));
    expectClose(x.sum(-1), last, { atol: 1e-5 });
  });

  it('every way through the loops gives the same sums: long rows, short rows, rows of totals', () => {
    const lengths = fc.constantFrom(1, 3, 4, 5, 7, 8, 9, 30);
    fc.assert(fc.property(lengths, lengths, fc.boolean(), (m, n, transposed) => {
      const x = arange(0, m * n).cast('float64').reshape([m, n]);
      const looked = transposed ? x.transpose() : x;
      for (const axes of [[0], [1], [0, 1]]) {
        for (const name of ['sum', 'mean', 'all', 'any'] as const) check(name, looked, axes);
        const groups = groupsOver(looked, axes);
        let [low, high, squares] = [0, 0, 0];
        const left = looked.shape.filter((_, axis) => !axes.includes(axis));
        expectTensor(looked.min(axes), 'float64', left, () => Math.min(...groups[low++]));
        expectTensor(looked.max(axes), 'float64', left, () => Math.max(...groups[high++]));
        expectTensor(looked.norm(axes), 'float64', left, () => Math.hypot(...groups[squares++]), { rtol: 1e-14 });
      }
    }));
  });

  it('rows of integers longer than a chunk of the conversion are summed whole', () => {
    const x = arange(0, 2400).reshape([2, 1200]);
    for (const axes of [[0], [1], [0, 1]]) check('sum', x, axes);
  });

  it('sums float32 in float64: 2²⁴ ones and then one more, exact', () => {
    expect(full([1, 1], 1).expand([4097, 4096]).sum().item()).toBe(16781312);
    expect(tensor([16777216, 1, 1]).sum().item()).toBe(16777218);
    expect(tensor([3e38, 3e38]).mean().item()).toBe(Math.fround(3e38));
  });

  it('refuses integers that overflow int32, and only those', () => {
    const ints = (values: number[]) => tensor(values, { dtype: 'int32' });
    expect(ints([2147483647, 1, -1]).sum().item()).toBe(2147483647);
    expect(ints([-2147483648, 1, -1]).sum().item()).toBe(-2147483648);
    expect(() => ints([2147483647, 1]).sum()).toThrow(DTypeError);
    expect(() => ints([-2147483648, -1]).sum()).toThrow(/sum: the result -2147483649 does not fit in int32/);
    expect(ints([-2147483648, 1]).prod().item()).toBe(-2147483648);
    expect(() => ints([-2147483648, -1]).prod()).toThrow(DTypeError);
    // Out of int32, out of float64, and back through a 0.
    expect(ints([...new Array<number>(40).fill(2147483647), 0, -5]).prod().item()).toBe(0);
    expect(tensor([[200, 100], [100, 200]], { dtype: 'uint8' }).sum(0).toArray()).toEqual([300, 300]);
    expect(tensor([true, true]).sum().item()).toBe(2);
  });

  it('sums of millions of int32 stay exact beyond 2⁵³ on the way', () => {
    const high = tensor([[2147483647], [-2147483647], [1]], { dtype: 'int32' }).expand([3, 4300001]);
    expect(high.sum().item()).toBe(4300001);
    expect(high.narrow(0, 0, 2).sum().item()).toBe(0);
  });

  it('over nothing: sum 0, prod 1, mean NaN, all true, any false', () => {
    const empty = zeros([2, 0]);
    expect(empty.sum(1).toArray()).toEqual([0, 0]);
    expect(empty.prod(1).toArray()).toEqual([1, 1]);
    expect(empty.mean(1).toArray()).toEqual([NaN, NaN]);
    expect(empty.all(1).toArray()).toEqual([true, true]);
    expect(empty.any(1).toArray()).toEqual([false, false]);
    expect(empty.sum(0).shape).toEqual([0]);
    expect(empty.sum().item()).toBe(0);
    expect(tensor(5).sum([]).item()).toBe(5);
  });

  it('sums over axes in any order, one by one or together, are one sum', () => {
    fc.assert(fc.property(tensors({ dtype: 'float64', shape: shapes({ minRank: 2, maxRank: 3 }) }), (x) => {
      const together = x.sum([0, 1]);
      expectClose(x.sum(0).sum(0), together, { rtol: 1e-13, atol: 1e-12 });
      expectClose(x.sum(1).sum(0), together, { rtol: 1e-13, atol: 1e-12 });
      expectClose(x.sum([-1, ...x.shape.slice(1).map((_, i) => i)]), x.sum(), { rtol: 1e-13, atol: 1e-12 });
    }));
  });

  it('names the axis that does not exist or is named twice', () => {
    expect(() => zeros([2, 3]).sum(2)).toThrow(IndexError);
    expect(() => zeros([2, 3]).sum([0, -2])).toThrow(/sum: axis 0 is named twice/);
    expect(() => tensor(1).mean(0)).toThrow(/mean: axis 0 does not exist: a scalar has no axes/);
  });

  it('gradients equal central differences, to the second order', () => {
    fc.assert(fc.property(withAxes(tensors({ dtype: 'float64', shape: shapes({ maxRank: 3, maxLength: 3 }), range: [-2, 2] })), ([x, axes]) => {
      checkGradients((t) => t.sum(axes), [x]);
      if (axes.every((axis) => x.shape[axis] > 0)) checkGradients((t) => t.mean(axes).square(), [x], { order: 2 });
    }));
  });

  it('the gradient of a product is exact where values are 0, to the second order', () => {
    const zeroOften = fc.constantFrom(0, 0, 1.5, -0.5, 2);
    fc.assert(fc.property(withAxes(tensors({ dtype: 'float64', shape: shapes({ maxRank: 3, maxLength: 3 }), values: zeroOften })), ([x, axes]) => {
      checkGradients((t) => t.prod(axes), [x], { order: 2, atol: 1e-6 });
    }));
    const x = tensor([1e30, 1e30, 1e-30, 1e-30], { requiresGrad: true });
    x.prod().backward();
    expectClose(x.grad ?? NaN, Float32Array.of(1e-30, 1e-30, 1e30, 1e30), { rtol: 1e-6 });
  });
});
