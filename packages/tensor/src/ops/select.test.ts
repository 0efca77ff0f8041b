import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, embedding, IndexError, randn, ShapeError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { broadcastableShapes, checkGradients, expectClose, runs, shapes, tensors } from '../testing/index.ts';
import { expectTensor, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const indexDTypes = fc.constantFrom<DType>('int32', 'int8', 'uint8');

/** Indices of either sign into an axis. */
const indicesInto = (length: number, shape: fc.Arbitrary<readonly number[]>): fc.Arbitrary<Tensor> =>
  indexDTypes.chain((dtype) => tensors<DType>({ dtype, shape, range: [dtype === 'uint8' ? 0 : -length, length - 1] }));

const count = fc.nat(5).map((n) => [n]);
const cases = (dtype: fc.Arbitrary<DType>) =>
  dtype.chain((of) => tensors<DType>({ dtype: of, shape: shapes({ minRank: 1, maxRank: 3, minLength: 1 }), ...(of === 'int32' ? { range: [-99, 99] } : {}) })).chain((x) =>
    fc.nat(x.rank - 1).chain((axis) =>
      indicesInto(x.shape[axis], count).chain((index) =>
        fc.record({
          x: fc.constant(x), axis: fc.constant(axis), index: fc.constant(index),
          source: tensors<DType>({ dtype: x.dtype, shape: x.shape.map((n, d) => (d === axis ? index.size : n)), ...(x.dtype === 'int32' ? { range: [-99, 99] } : {}) }),
        }),
      ),
    ),
  );

const from = (id: number, length: number): number => (id + length) % length;

describe('indexSelect and indexAdd', () => {
  it('equal loops over memory, on any axis, layout and dtype, with negative and repeated indices', () => {
    fc.assert(fc.property(cases(dtypes), ({ x, axis, index, source }) => {
      const length = x.shape[axis];
      const idAt = (i: number) => from(valueAt(index, [i]), length);
      expectTensor(x.indexSelect(axis, index), x.dtype, source.shape, (at) => valueAt(x, at.with(axis, idAt(at[axis]))), { rtol: 0 });
      const wrap: Partial<Record<DType, (value: number) => number>> = { int32: (v) => v | 0, uint8: (v) => v & 255, int8: (v) => (v << 24) >> 24, bool: (v) => Number(v !== 0) };
      expectTensor(x.indexAdd(axis, index, source), x.dtype, x.shape, (at) => {
        let sum = valueAt(x, at);
        for (let i = 0; i < index.size; i++) if (idAt(i) === at[axis]) sum += valueAt(source, at.with(axis, i));
        return (wrap[x.dtype] ?? Number)(sum);
      }, x.dtype.startsWith('float') ? { rtol: 1e-6, atol: 1e-5 } : {});
    }));
  });

  it('rows long enough to be copied whole are right, also of a table of another layout', () => {
    const table = randn([7, 40]);
    const ids = tensor([3, 0, -1, 3], { dtype: 'int32' });
    for (const looked of [table, table.flip(0), table.slice(1, 0, 40, 2), randn([40, 7]).transpose()]) {
      expectTensor(looked.indexSelect(0, ids), 'float32', [4, looked.shape[1]], ([i, j]) => valueAt(looked, [[3, 0, 6, 3][i], j]), { rtol: 0 });
    }
  });

  it('gradients equal central differences, to the second order', () => {
    fc.assert(fc.property(cases(fc.constant('float64')), ({ x, axis, index, source }) => {
      checkGradients((t, s) => [t.indexSelect(axis, index).square(), t.indexAdd(axis, index, s).square()], [x, source], { order: 2, atol: 1e-5 });
    }), { numRuns: runs(0.5) });
  });

  it('refuse indices out of range, of another rank, and sources of another shape', () => {
    const ids = tensor([0, 5], { dtype: 'uint8' });
    expect(() => zeros([3]).indexSelect(0, ids)).toThrow(/indexSelect: index 5 at \[1\] of the indices is out of range: an axis of length 3 takes indices from -3 to 2/);
    expect(() => zeros([3]).indexAdd(0, ids, zeros([2]))).toThrow(IndexError);
    expect(() => zeros([3]).indexSelect(0, ids.reshape([1, 2]))).toThrow(ShapeError);
    expect(() => zeros([3]).indexAdd(0, ids, zeros([3]))).toThrow(ShapeError);
  });
});

describe('embedding', () => {
  it('equals a loop for ids of any shape', () => {
    const pair = tensors({ dtype: 'float32', shape: shapes({ minRank: 2, maxRank: 2, minLength: 1 }) }).chain((table) => fc.tuple(fc.constant(table), indicesInto(table.shape[0], shapes({ maxRank: 3 }))));
    fc.assert(fc.property(pair, ([table, ids]) => {
      expectTensor(embedding(table, ids), 'float32', [...ids.shape, table.shape[1]], (at) => valueAt(table, [from(valueAt(ids, at.slice(0, -1)), table.shape[0]), at[at.length - 1]]), { rtol: 0 });
    }));
  });

  it('the gradient adds up over repeated ids, and none flows into the padding row', () => {
    const ids = tensor([[2, 0], [2, -1]], { dtype: 'int32' });
    checkGradients((t) => embedding(t, ids).square(), [randn([4, 3], { dtype: 'float64' }).transpose(0, 1).contiguous().transpose(0, 1)], { order: 2, atol: 1e-5 });
    for (const paddingIndex of [2, -2]) {
      const table = zeros([4, 2], { requiresGrad: true });
      embedding(table, ids, { paddingIndex }).sum().backward();
      expect(table.grad?.toArray()).toEqual([[1, 1], [0, 0], [0, 0], [1, 1]]);
    }
  });

  it('refuses ids and padding rows out of range and tables that are none', () => {
    const ids = tensor([1], { dtype: 'int32' });
    expect(() => embedding(zeros([1, 2]), ids)).toThrow(/embedding: index 1 at \[0\]/);
    expect(() => embedding(zeros([2, 2]), ids, { paddingIndex: 2 })).toThrow(IndexError);
    expect(() => embedding(zeros([2, 2]), ids, { paddingIndex: 0.5 })).toThrow(/paddingIndex 0.5 must be a row of the table \[2, 2\]/);
    expect(() => embedding(zeros([2]), ids)).toThrow(ShapeError);
    expect(() => embedding(zeros([2, 2]), zeros([1]))).toThrow(/indices must be int32/);
  });
});

describe('take and index', () => {
  it('equal loops over memory', () => {
    const given = tensors({ dtype: 'float64', shape: shapes({ minRank: 1, maxRank: 3, minLength: 1 }) }).chain((x) =>
      fc.integer({ min: 1, max: x.rank }).chain((depth) =>
        broadcastableShapes(depth, { maxRank: 2 }).chain(({ shapes: list, result }) =>
          fc.record({ x: fc.constant(x), indices: fc.tuple(...list.map((shape, d) => indicesInto(x.shape[d], fc.constant(shape)))), result: fc.constant(result), flat: indicesInto(x.size, fc.constant(result)) }),
        ),
      ),
    );
    fc.assert(fc.property(given, ({ x, indices, result, flat }) => {
      const stretched = indices.map((each) => each.expand(result));
      expectTensor(x.index(indices), 'float64', [...result, ...x.shape.slice(indices.length)], (at) => {
        const lead = stretched.map((each, d) => from(valueAt(each, at.slice(0, result.length)), x.shape[d]));
        return valueAt(x, [...lead, ...at.slice(result.length)]);
      }, { rtol: 0 });
      const all = x.toTypedArray();
      expectTensor(x.take(flat), 'float64', result, (at) => all[from(valueAt(flat, at), x.size)], { rtol: 0 });
      checkGradients((t) => [t.index(indices).square(), t.take(flat).square()], [x], { atol: 1e-5 });
    }), { numRuns: runs(0.6) });
  });

  it('refuse more indices than axes, and name the one out of range', () => {
    const ids = tensor([0, 2], { dtype: 'int32' });
    expect(() => zeros([3]).index([ids, ids])).toThrow(ArgumentError);
    expect(() => zeros([3]).index([])).toThrow(ArgumentError);
    expect(() => zeros([3, 2]).index([ids, ids])).toThrow(/index: index 2 at \[1\] .* length 2 takes indices from -2 to 1/);
    expect(() => zeros([1, 2]).take(ids)).toThrow(/take: index 2 at \[1\]/);
    expectClose(zeros([2, 3]).index([zeros([0], { dtype: 'int32' })]), zeros([0, 3]));
  });
});
