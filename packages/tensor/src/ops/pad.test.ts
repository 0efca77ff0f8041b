import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, DTypeError, ShapeError, tensor, zeros, type DType, type PadPair } from '../index.ts';
import { checkGradients, expectClose, runs, shapes, tensors } from '../testing/index.ts';
import { expectTensor, valueAt } from '../testing/naive.ts';

const padded = (dtypes: fc.Arbitrary<DType>, minLength: number) =>
  dtypes.chain((dtype) => tensors<DType>({ dtype, shape: shapes({ maxRank: 3, minLength }) })).chain((x) =>
    fc.nat(x.rank).chain((count) => {
      const pairs = x.shape.slice(x.rank - count).map((length) => fc.tuple(fc.integer({ min: -Math.floor(length / 2), max: 2 }), fc.integer({ min: -Math.floor((length - minLength) / 2), max: 2 })));
      return fc.tuple(fc.constant(x), fc.tuple(...pairs));
    }),
  );
const anyDType = fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool');

const allPairs = (rank: number, widths: readonly PadPair[]): PadPair[] => [...Array.from({ length: rank - widths.length }, (): PadPair => [0, 0]), ...widths];

describe('pad', () => {
  it('constant equals a loop over memory, negative widths and fewer pairs than axes included', () => {
    fc.assert(fc.property(padded(anyDType, 0), ([x, widths]) => {
      const pairs = allPairs(x.rank, widths);
      expectTensor(x.pad(widths, { value: 1 }), x.dtype, x.shape.map((n, d) => n + pairs[d][0] + pairs[d][1]), (index) => {
        const at = index.map((i, d) => i - pairs[d][0]);
        return at.every((i, d) => i >= 0 && i < x.shape[d]) ? valueAt(x, at) : 1;
      }, { rtol: 0 });
    }));
  });

  it('edge repeats the outermost values that are left', () => {
    fc.assert(fc.property(padded(anyDType, 1), ([x, widths]) => {
      const pairs = allPairs(x.rank, widths);
      fc.pre(pairs.every(([before, after], d) => x.shape[d] + Math.min(before, 0) + Math.min(after, 0) > 0));
      expectTensor(x.pad(widths, { mode: 'edge' }), x.dtype, x.shape.map((n, d) => n + pairs[d][0] + pairs[d][1]), (index) => {
        const at = index.map((i, d) => Math.min(Math.max(i - pairs[d][0], Math.max(0, -pairs[d][0])), x.shape[d] - 1 + Math.min(0, pairs[d][1])));
        return valueAt(x, at);
      }, { rtol: 0 });
    }));
  });

  it('padding and taking the same away again is x', () => {
    fc.assert(fc.property(tensors({ shape: shapes({ maxRank: 3, minLength: 1 }) }), fc.nat(3), fc.nat(3), fc.constantFrom<'constant' | 'edge'>('constant', 'edge'), (x, before, after, mode) => {
      const grown = x.pad(x.shape.map((): PadPair => [before, after]), { mode });
      expectClose(grown.pad(x.shape.map((): PadPair => [-before, -after])), x, { rtol: 0 });
    }));
  });

  it('gradients equal central differences', () => {
    fc.assert(fc.property(padded(fc.constant('float64'), 1), ([x, widths]) => {
      const whole = allPairs(x.rank, widths).every(([before, after], d) => x.shape[d] + Math.min(before, 0) + Math.min(after, 0) > 0);
      checkGradients((t) => [t.pad(widths).square(), ...(whole ? [t.pad(widths, { mode: 'edge' }).square()] : [])], [x], { order: 2, atol: 1e-5 });
    }), { numRuns: runs(0.4) });
  });

  it('refuses widths and values that do not fit', () => {
    expect(() => zeros([2]).pad([[1, 1], [1, 1]])).toThrow(/pad: 2 pairs for the 1 axes of \[2\]/);
    expect(() => zeros([2]).pad([[-2, -1]])).toThrow(/take 3 values from axis 0 of \[2\], which has only 2/);
    expect(() => zeros([2]).pad([[0.5, 0]])).toThrow(ArgumentError);
    expect(() => zeros([2]).pad([1 as never])).toThrow(ArgumentError);
    expect(() => zeros([2]).pad([[1, 0]], { mode: 'reflect' as 'edge' })).toThrow(ArgumentError);
    expect(() => zeros([2], { dtype: 'uint8' }).pad([[1, 0]], { value: -1 })).toThrow(DTypeError);
    expect(() => zeros([0]).pad([[1, 0]], { mode: 'edge' })).toThrow(ShapeError);
    expect(zeros([0]).pad([[1, 0]], { value: -Infinity }).toArray()).toEqual([-Infinity]);
    expect(tensor(4).pad([]).item()).toBe(4);
  });
});
