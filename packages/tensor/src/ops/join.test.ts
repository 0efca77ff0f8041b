import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, concat, IndexError, ShapeError, stack, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, runs, shapes, tensors } from '../testing/index.ts';
import { expectTensor, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const anyTensor = dtypes.chain((dtype) => tensors<DType>({ dtype, shape: shapes({ minRank: 1, maxRank: 3 }) }));
const withAxis = <T extends Tensor>(given: fc.Arbitrary<T>) => given.chain((x) => fc.tuple(fc.constant(x), fc.nat(x.rank - 1)));

/** Tensors that agree but for one axis. */
const joinable = (dtype: fc.Arbitrary<DType>) => fc.tuple(dtype, shapes({ minRank: 1, maxRank: 3 })).chain(([of, shape]) =>
  fc.tuple(fc.nat(shape.length - 1), fc.array(fc.nat(3), { minLength: 1, maxLength: 4 })).chain(([axis, lengths]) =>
    fc.tuple(fc.constant(axis), fc.tuple(...lengths.map((n) => tensors<DType>({ dtype: of, shape: shape.with(axis, n) })))),
  ),
);

describe('concat and stack', () => {
  it('concat equals a loop over memory', () => {
    fc.assert(fc.property(joinable(dtypes), ([axis, parts]) => {
      const owners = parts.flatMap((part) => Array.from({ length: part.shape[axis] }, (_, i) => ({ part, i })));
      expectTensor(concat(parts, axis - parts[0].rank), parts[0].dtype, parts[0].shape.with(axis, owners.length), (index) => {
        const { part, i } = owners[index[axis]];
        return valueAt(part, index.with(axis, i));
      }, { rtol: 0 });
    }));
  });

  it('concat of split and stack of unbind are x', () => {
    fc.assert(fc.property(withAxis(anyTensor), fc.integer({ min: 1, max: 3 }), ([x, axis], size) => {
      expectClose(concat(x.split(size, axis), axis), x, { rtol: 0 });
      if (x.shape[axis] > 0) expectClose(stack(x.unbind(axis), axis), x, { rtol: 0 });
    }));
  });

  it('promote, and name what does not fit', () => {
    expect(concat([tensor([1], { dtype: 'int32' }), tensor([0.5])] as Tensor[]).dtype).toBe('float32');
    expect(stack([tensor(1), tensor(2)]).toArray()).toEqual([1, 2]);
    expect(() => concat([])).toThrow(ArgumentError);
    expect(() => stack([])).toThrow(ArgumentError);
    expect(() => concat([tensor(1)])).toThrow(/use stack\(\)/);
    expect(() => concat([zeros([2, 3]), zeros([3, 2])])).toThrow(/concat: \[3, 2\] does not follow \[2, 3\] on axis 0/);
    expect(() => concat([zeros([2]), zeros([1, 2])])).toThrow(ShapeError);
    expect(() => stack([zeros([2]), zeros([3])])).toThrow(ShapeError);
    expect(() => stack([zeros([2])], 2)).toThrow(IndexError);
  });

  it('gradients equal central differences', () => {
    fc.assert(fc.property(joinable(fc.constant('float64')), ([axis, parts]) => {
      checkGradients((...list) => concat(list, axis).square(), parts, { order: 2, atol: 1e-5 });
    }), { numRuns: runs(0.4) });
    checkGradients((a, b) => stack([a, b, a], -1).square(), [tensor([1, 2], { dtype: 'float64' }), tensor([3, -1], { dtype: 'float64' })]);
  });
});

describe('tile and repeatInterleave', () => {
  it('tile equals a loop over memory, with fewer or more repeats than axes', () => {
    fc.assert(fc.property(dtypes.chain((dtype) => tensors<DType>({ dtype, shape: shapes({ maxRank: 3, maxLength: 3 }) })), fc.array(fc.nat(3), { maxLength: 4 }), (x, repeats) => {
      const rank = Math.max(x.rank, repeats.length);
      const fill = (list: readonly number[]) => [...new Array<number>(rank - list.length).fill(1), ...list];
      const [shape, times] = [fill(x.shape), fill(repeats)];
      expectTensor(x.tile(repeats), x.dtype, shape.map((n, d) => n * times[d]), (index) => valueAt(x, index.map((i, d) => i % shape[d]).slice(rank - x.rank)), { rtol: 0 });
    }));
  });

  it('repeatInterleave equals a loop over memory, for one number and for one a slice', () => {
    const given = withAxis(anyTensor).chain(([x, axis]) => fc.tuple(fc.constant(x), fc.constant(axis), fc.oneof(fc.nat(3), fc.array(fc.nat(3), { minLength: x.shape[axis], maxLength: x.shape[axis] }))));
    fc.assert(fc.property(given, ([x, axis, repeats]) => {
      const owners = Array.from({ length: x.shape[axis] }, (_, i) => i).flatMap((i) => new Array<number>(typeof repeats === 'number' ? repeats : repeats[i]).fill(i));
      expectTensor(x.repeatInterleave(repeats, axis), x.dtype, x.shape.with(axis, owners.length), (index) => valueAt(x, index.with(axis, owners[index[axis]])), { rtol: 0 });
    }));
    expect(tensor([[1, 2]]).repeatInterleave(2).toArray()).toEqual([1, 1, 2, 2]);
    expect(tensor(3).repeatInterleave(2).toArray()).toEqual([3, 3]);
  });

  it('gradients add up over the copies', () => {
    const x = tensor([[1, -2], [0.5, 3]], { dtype: 'float64' }).transpose();
    checkGradients((t) => [t.tile([2, 1, 3]).square(), t.repeatInterleave(2, 1).square(), t.repeatInterleave([0, 3], 0).square()], [x], { order: 2, atol: 1e-5 });
  });

  it('refuse repeats that are none', () => {
    expect(() => zeros([2]).tile([-1])).toThrow(ShapeError);
    expect(() => zeros([2]).repeatInterleave(1.5)).toThrow(ArgumentError);
    expect(() => zeros([2]).repeatInterleave([1, -1], 0)).toThrow(ArgumentError);
    expect(() => zeros([2]).repeatInterleave([1], 0)).toThrow(/1 repeats for the 2 slices of axis 0 of \[2\]/);
  });
});
