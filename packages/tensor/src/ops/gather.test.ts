import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, DTypeError, IndexError, ShapeError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, runs, shapes, tensors } from '../testing/index.ts';
import { expectTensor, indicesOf, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');

interface Case {
  readonly x: Tensor;
  readonly axis: number;
  readonly index: Tensor;
  readonly source: Tensor;
}

/** x, an axis, indices of every dtype and either sign that may be shorter than x elsewhere, and a source that may be longer than they. */
function cases(dtype: fc.Arbitrary<DType>, distinct = false): fc.Arbitrary<Case> {
  return fc.tuple(dtype, shapes({ minRank: 1, maxRank: 3, minLength: 1 })).chain(([of, shape]) =>
    fc.tuple(fc.nat(shape.length - 1), fc.array(fc.nat(3), { minLength: shape.length, maxLength: shape.length })).chain(([axis, draws]) => {
      const length = shape[axis];
      const ids = shape.map((n, d) => (d === axis ? (distinct ? Math.min(draws[d], n) : draws[d]) : Math.max(0, n - (draws[d] === 3 ? 1 : 0))));
      const values = distinct ? tensors<DType>({ dtype: 'int32', shape: ids }).map((t) => distinctAlong(t, axis, length)) : fc.constantFrom<DType>('int32', 'int8', 'uint8').chain((index) => tensors<DType>({ dtype: index, shape: ids, range: [index === 'uint8' ? 0 : -length, length - 1] }));
      const range = of === 'int32' ? { range: [-100, 100] as const } : {};
      return fc.record({
        x: tensors<DType>({ dtype: of, shape, ...range }),
        axis: fc.constant(axis),
        index: values,
        source: tensors<DType>({ dtype: of, shape: ids.map((n, d) => n + (draws[d] === 2 ? 1 : 0)), ...range }),
      });
    }),
  );
}

/** The same shape with indices that repeat nowhere along the axis. */
function distinctAlong(like: Tensor, axis: number, length: number): Tensor {
  const start = Math.abs(like.size > 0 ? valueAt(like, like.shape.map(() => 0)) : 0) % length;
  const flat = indicesOf(like.shape).map((index) => (index[axis] + start) % length);
  return tensor(flat, { dtype: 'int32' }).reshape(like.shape);
}

const target = ({ index, x, axis }: Case, at: readonly number[]): number[] =>
  at.map((i, d) => (d === axis ? (valueAt(index, at) + x.shape[axis]) % x.shape[axis] : i));

/** The values of x by their index, written to in row-major order of the indices. */
function written(given: Case, write: (old: number, value: number) => number): (index: readonly number[]) => number {
  const values = new Map(indicesOf(given.x.shape).map((index) => [index.join(), valueAt(given.x, index)]));
  for (const at of indicesOf(given.index.shape)) {
    const key = target(given, at).join();
    values.set(key, write(values.get(key) ?? NaN, valueAt(given.source, at)));
  }
  return (index) => values.get(index.join()) ?? NaN;
}

describe('gather, scatter, scatterAdd', () => {
  it('equal loops over memory, on any layout and dtype, with negative and repeated indices', () => {
    fc.assert(fc.property(cases(dtypes), (given) => {
      const { x, axis, index, source } = given;
      expectTensor(x.gather(axis, index), x.dtype, index.shape, (at) => valueAt(x, target(given, at)), { rtol: 0 });
      expectTensor(x.scatter(axis, index, source), x.dtype, x.shape, written(given, (_, value) => value), { rtol: 0 });
      const wrap: Partial<Record<DType, (value: number) => number>> = { int32: (v) => v | 0, uint8: (v) => v & 255, int8: (v) => (v << 24) >> 24, bool: Number, float32: Math.fround };
      const add = wrap[x.dtype] ?? Number;
      expectTensor(x.scatterAdd(axis, index, source), x.dtype, x.shape, written(given, (old, value) => (x.dtype === 'bool' ? old | value : add(old + value))), { rtol: 1e-6, atol: 1e-5 });
    }), { numRuns: runs(2) });
  });

  it('what was scattered to distinct places is gathered again', () => {
    fc.assert(fc.property(cases(fc.constant('float64'), true), ({ x, axis, index, source }) => {
      const part = index.shape.reduce((rest, length, d) => rest.narrow(d, 0, length), source);
      expectClose(x.scatter(axis, index, source).gather(axis, index), part, { rtol: 0 });
      expectClose(x.scatter(axis, index, x.gather(axis, index)), x, { rtol: 0 });
    }));
  });

  it('gradients equal central differences, to the second order', () => {
    fc.assert(fc.property(cases(fc.constant('float64')), ({ x, axis, index, source }) => {
      checkGradients((t, s) => [t.gather(axis, index).square(), t.scatter(axis, index, s).square(), t.scatterAdd(axis, index, s).square()], [x, source], { order: 2, atol: 1e-5 });
    }), { numRuns: runs(0.5) });
  });

  it('of repeated indices the last in row-major order wins, and it alone has a gradient', () => {
    const index = tensor([[1, 1, 0], [1, -1, -1]], { dtype: 'int8' });
    const x = zeros([2, 2], { requiresGrad: true });
    const source = tensor([[1, 2, 3], [4, 5, 6]], { requiresGrad: true });
    const y = x.scatter(1, index, source);
    expect(y.toArray()).toEqual([[3, 2], [0, 6]]);
    y.sum().backward();
    expect(source.grad?.toArray()).toEqual([[0, 1, 1], [0, 0, 1]]);
    expect(x.grad?.toArray()).toEqual([[0, 0], [1, 0]]);
  });

  it('a number is written or added everywhere that the indices say', () => {
    const index = tensor([[0], [2]], { dtype: 'int32' });
    expect(zeros([2, 3]).scatter(1, index, 7).toArray()).toEqual([[7, 0, 0], [0, 0, 7]]);
    expect(zeros([2, 3]).scatterAdd(-1, index, 1).toArray()).toEqual([[1, 0, 0], [0, 0, 1]]);
    expect(() => zeros([2, 3], { dtype: 'int32' }).scatter(1, index, 0.5)).toThrow(DTypeError);
  });

  it('takes indices that expand repeats, and names the first place of one that is out of range', () => {
    const x = arange(24).reshape([2, 3, 4]);
    const index = tensor([[[0, -1]], [[2, 1]]], { dtype: 'int32' });
    expect(x.gather(2, index.expand([2, 3, 2])).toArray()).toEqual(x.gather(2, index.expand([2, 3, 2]).contiguous()).toArray());
    expect(() => x.gather(2, tensor([[[0, 4]]], { dtype: 'int32' }).expand([2, 3, 2]))).toThrow('index 4 at [0, 0, 1] of the indices is out of range');
    // Strides of all kinds: a part of a table, turned, and stepped through from its end.
    const table = tensor([[0, 0, 0, 9], [0, 1, 2, 9], [0, 3, -5, 9], [9, 9, 9, 9]], { dtype: 'int32' }).narrow(0, 0, 3).narrow(1, 0, 3);
    for (const [part, place] of [[table, '[2, 2]'], [table.transpose().narrow(1, 1, 2), '[2, 1]'], [table.flip(0), '[0, 2]']] as const) {
      expect(() => zeros([3, 4]).gather(1, part)).toThrow(`index -5 at ${place} of the indices is out of range`);
    }
  });

  it('names the index that is out of range and where it stands, before anything changes', () => {
    const x = zeros([2, 3]);
    const index = tensor([[0, 2], [-3, 3]], { dtype: 'int32' });
    for (const run of [() => x.gather(1, index), () => x.scatter(1, index, 1), () => x.scatterAdd(1, index, 1)]) {
      expect(run).toThrow(IndexError);
      expect(run).toThrow(/: index 3 at \[1, 1\] of the indices is out of range: an axis of length 3 takes indices from -3 to 2/);
    }
    expect(() => x.gather(1, index.transpose().sub(2))).toThrow(/index -5 at \[0, 1\]/);
    expect(() => zeros([0]).gather(0, tensor([0], { dtype: 'int32' }))).toThrow(/an axis of length 0 has no values/);
    expect(zeros([0]).gather(0, zeros([0], { dtype: 'int32' })).shape).toEqual([0]);
  });

  it('refuses indices and sources that do not fit', () => {
    const x = zeros([2, 3]);
    expect(() => x.gather(1, zeros([2, 1]))).toThrow(/gather: indices must be int32, uint8 or int8, not float32; use cast\('int32'\)/);
    expect(() => x.gather(1, zeros([2, 1], { dtype: 'bool' }))).toThrow(/maskedSelect/);
    expect(() => x.gather(1, zeros([3, 1], { dtype: 'int32' }))).toThrow(ShapeError);
    expect(() => x.gather(1, zeros([2], { dtype: 'int32' }))).toThrow(ShapeError);
    expect(() => x.scatter(1, zeros([2, 2], { dtype: 'int32' }), zeros([2, 1]))).toThrow(ShapeError);
    expect(() => zeros([2], { dtype: 'int32' }).scatter(0, zeros([1], { dtype: 'int32' }), zeros([1]))).toThrow(/scatter: values of float32 do not fit into a tensor of int32/);
  });
});
