import { fromTypedArray, zeros, type Tensor } from '@strided/tensor';
import { tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { indexAdd, indexSelect, rowsOfFolded, takesLookup } from '../../packages/tensor/src/kernels/wasm/lookup.ts';
import { fold } from '../../packages/tensor/src/kernels/wasm/panels.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime } from './levels.ts';

const sizes = fc.record({
  before: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  entries: fc.integer({ min: 1, max: 9 }),
  columns: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 100, 700)),
  ids: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
});

const cases = sizes.chain(({ before, entries, columns, ids }) =>
  fc.record({
    table: tensors({ shape: [...before, entries, columns], layout: 'contiguous', special: true }),
    rows: tensors({ shape: [...before, ids.length, columns] }),
    index: fc.constant(fromTypedArray(Int32Array.from(ids, (id) => id % entries))),
    axis: fc.constant(before.length),
  }),
);

describe.skipIf(runtime === null)(`rows of a table at level ${level}`, () => {
  it('indexSelect copies what the js loops copy, from every second index too', () => {
    fc.assert(fc.property(cases, fc.boolean(), ({ table, index, axis }, second) => {
      const ids: Tensor<'int32'> = second ? index.slice(0, undefined, undefined, 2) : index;
      const shape = table.shape.map((length, i) => (i === axis ? ids.size : length));
      const [out, exact] = [zeros(shape), zeros(shape)];
      indexSelect(chosen(), table, axis, ids, out);
      jsKernels.indexSelect(table, axis, ids, exact);
      expect(out.toTypedArray()).toEqual(exact.toTypedArray());
    }));
  });

  it('rows of a weight that is kept packed are those of the weight, and it stays packed', () => {
    const weights = fc.record({
      weight: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30 })).chain((shape) => tensors({ shape: [...shape], layout: 'contiguous', special: true })),
      ids: fc.array(fc.nat(), { minLength: 1, maxLength: 20 }),
      second: fc.boolean(),
      shown: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(fc.property(weights, ({ weight, ids, second, shown }) => {
      const [rows, columns] = weight.shape;
      const few = Math.max(1, Math.floor(rows * shown));
      const every = fromTypedArray(Int32Array.from(ids, (id) => id % few));
      const index = second ? every.slice(0, undefined, undefined, 2) : every;
      const kept = weight.clone();
      const folded = fold(chosen(), kept);
      const [out, exact] = [zeros([index.size + 1, columns]), zeros([index.size, columns])];
      // The first rows of it alone are rows of it too; other views are not.
      expect(rowsOfFolded(kept.narrow(0, 0, few), 0, index, out.narrow(0, 1, index.size))).toBe(folded);
      if (!folded) return;
      jsKernels.indexSelect(weight, 0, index, exact);
      expectSameBits(out.narrow(0, 1, index.size).clone(), exact);
      expect(kept.storage.isFolded).toBe(true);
      for (const other of [rows > 1 ? kept.narrow(0, 1, rows - 1) : kept.unsqueeze(0), kept.reshape([rows * columns, 1]), kept.transpose().unsqueeze(0)]) {
        expect(columns > 1 && rowsOfFolded(other, 0, index, zeros([index.size, ...other.shape.slice(1)]))).toBe(false);
      }
      expect(rowsOfFolded(kept, 1, index, zeros([rows, index.size]))).toBe(false);
      expectSameBits(kept, weight.clone());
      expect(rowsOfFolded(kept, 0, index, zeros([index.size, columns]))).toBe(false);
    }));
  });

  it('indexAdd adds in the order of the js loops, bit for bit, wherever an index repeats', () => {
    fc.assert(fc.property(cases, ({ table, rows, index, axis }) => {
      const [out, exact] = [table.clone(), table.clone()];
      indexAdd(chosen(), rows, axis, index, out);
      jsKernels.indexAdd(rows, axis, index, exact);
      expect(out.toTypedArray()).toEqual(exact.toTypedArray());
    }));
  });

  it('and does so for any number of threads', () => {
    const { pool: _, ...alone } = chosen();
    const rows = zeros([500, 130]);
    for (let i = 0; i < rows.size; i++) rows.storage.data[i] = Math.sin(i) * 10 ** (i % 7);
    const index = fromTypedArray(Int32Array.from({ length: 500 }, (__, i) => (i * i) % 3));
    const [one, other] = [zeros([3, 130]), zeros([3, 130])];
    indexAdd(chosen(), rows, 0, index, one);
    indexAdd(alone, rows, 0, index, other);
    expectSameBits(other, one);
  });
});

it('takes dense tables of float32 with rows that are worth a look each', () => {
  const [table, rows] = [zeros([9, 16]), zeros([300, 16])];
  expect(takesLookup(table, 0, rows)).toBe(true);
  expect(takesLookup(table, 1, zeros([9, 300]))).toBe(false);
  expect(takesLookup(table.transpose(), 0, rows)).toBe(false);
  expect(takesLookup(zeros([9, 16], { dtype: 'int32' }), 0, rows)).toBe(false);
  expect(takesLookup(table, 0, zeros([3, 16]))).toBe(false);
});
