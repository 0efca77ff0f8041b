import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DTypeError, ShapeError, tensor, zeros, type DType } from '../index.ts';
import { broadcastableShapes, checkGradients, expectClose, runs, tensors } from '../testing/index.ts';
import { expectTensor, indicesOf, valueAt } from '../testing/naive.ts';

const dtypes = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');
const cases = (dtype: fc.Arbitrary<DType>) => fc.tuple(dtype, broadcastableShapes(2, { maxRank: 3 })).chain(([of, { shapes: [a, b], result }]) =>
  fc.record({
    x: tensors<DType>({ dtype: of, shape: a, special: of === 'float32' }),
    mask: tensors<DType>({ dtype: 'bool', shape: b }),
    source: tensors<DType>({ dtype: of, shape: result }),
    result: fc.constant(result),
  }),
);

describe('maskedSelect, maskedFill, maskedScatter', () => {
  it('equal loops over memory, mask and x broadcasting', () => {
    fc.assert(fc.property(cases(dtypes), ({ x, mask, source, result }) => {
      const [values, holds] = [x.expand(result), mask.expand(result)];
      const places = indicesOf(result).filter((index) => valueAt(holds, index) !== 0);
      expectTensor(x.maskedSelect(mask), x.dtype, [places.length], ([n]) => valueAt(values, places[n]), { rtol: 0 });
      expectTensor(x.maskedFill(mask, 1), x.dtype, result, (index) => (valueAt(holds, index) !== 0 ? 1 : valueAt(values, index)), { rtol: 0 });
      const flat = indicesOf(result).map((index) => valueAt(source, index));
      const placeOf = new Map(places.map((index, n) => [index.join(), n]));
      expectTensor(x.maskedScatter(mask, source), x.dtype, result, (index) => flat[placeOf.get(index.join()) ?? -1] ?? valueAt(values, index), { rtol: 0 });
    }));
  });

  it('what was selected and scattered back is x', () => {
    fc.assert(fc.property(cases(fc.constant('float64')), ({ x, mask, result }) => {
      expectClose(x.maskedScatter(mask, x.maskedSelect(mask)), x.expand(result), { rtol: 0 });
    }));
  });

  it('gradients equal central differences', () => {
    fc.assert(fc.property(cases(fc.constant('float64')), ({ x, mask, source }) => {
      checkGradients((t, s) => [t.maskedSelect(mask).square(), t.maskedFill(mask, s.sum()).square(), t.maskedScatter(mask, s).square()], [x, source], { atol: 1e-5 });
    }), { numRuns: runs(0.4) });
  });

  it('refuse what is no mask, what x cannot hold, and too few values', () => {
    const mask = tensor([true, false, true]);
    expect(() => zeros([3]).maskedFill(zeros([2], { dtype: 'bool' }), 0)).toThrow('maskedFill: shapes [3] and [2] and [] do not broadcast');
    expect(() => zeros([3]).maskedSelect(zeros([3]))).toThrow(/maskedSelect: the mask must be bool, not float32; compare first/);
    expect(() => zeros([3]).maskedFill(zeros([3], { dtype: 'int32' }), 1)).toThrow(DTypeError);
    expect(() => zeros([3], { dtype: 'int32' }).maskedFill(mask, 0.5)).toThrow(DTypeError);
    expect(() => zeros([3], { dtype: 'int32' }).maskedFill(mask, tensor(0.5))).toThrow(/maskedFill: values of float32 do not fit into a tensor of int32/);
    expect(() => zeros([3]).maskedScatter(mask, zeros([1]))).toThrow(/the mask holds at 2 places, and the source \[1\] has only 1 values/);
    expect(() => zeros([3]).maskedSelect(tensor([true, false]))).toThrow(ShapeError);
    expect(zeros([3]).maskedFill(mask, -Infinity).toArray()).toEqual([-Infinity, 0, -Infinity]);
  });
});
