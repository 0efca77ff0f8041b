import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newArray, type DType } from '../../../dtype.ts';
import type { Layout } from '../../../layout.ts';
import { Storage, type View } from '../../../storage.ts';
import { layouts, type PlacedLayout } from '../../../testing/layouts.ts';
import { jsKernels } from '../index.ts';

/**
 * The loops against one index at a time, on sizes that reach each way to walk: long dense rows, many short rows, planes
 * that operands cross, tiles with remainders.
 */

const shapes = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
  fc.tuple(fc.integer({ min: 185, max: 400 })),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 185, max: 400 })),
  fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 20 })),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 12 })),
);

function filled(dtype: DType, { layout, length }: PlacedLayout, salt: number): View {
  const data = newArray(dtype, length);
  for (let i = 0; i < length; i++) data[i] = ((i * 37 + salt * 11) % 101) - 50;
  return { storage: new Storage(dtype, data), layout };
}

/** Every index of a shape as a place in each layout. */
function* places(shape: readonly number[], of: readonly Layout[]): Generator<number[]> {
  const index = shape.map(() => 0);
  for (;;) {
    yield of.map(({ strides, offset }) => index.reduce((at, i, axis) => at + i * strides[axis], offset));
    let axis = shape.length - 1;
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/** Any layout, or one value repeated, as a number beside a tensor is. */
const operands = (shape: readonly number[]): fc.Arbitrary<PlacedLayout> =>
  fc.oneof({ arbitrary: layouts(shape), weight: 3 }, { arbitrary: fc.constant({ layout: { shape, strides: shape.map(() => 0), offset: 2 }, length: 4 }), weight: 1 });

/** A dtype, and layouts of one shape for an output and two operands. */
const cases = (expandedOut: boolean) =>
  fc.tuple(fc.constantFrom<DType>('float32', 'float64', 'int32', 'int8'), shapes).chain(([dtype, shape]) =>
    fc.record({ dtype: fc.constant(dtype), out: layouts(shape, { expanded: expandedOut }), a: operands(shape), b: operands(shape) }),
  );

describe('loops', () => {
  it('binary: out = a − b, the rest of its memory untouched', () => {
    fc.assert(fc.property(cases(false), ({ dtype, ...placed }) => {
      const [a, b, out] = [filled(dtype, placed.a, 1), filled(dtype, placed.b, 2), filled(dtype, placed.out, 3)];
      const expected = out.storage.data.slice();
      for (const [o, i, j] of places(out.layout.shape, [out.layout, a.layout, b.layout])) expected[o] = a.storage.data[i] - b.storage.data[j];
      jsKernels.binary('sub', a, b, out);
      expect(out.storage.data).toEqual(expected);
    }));
  });

  it('binary: one value for each row, in rows longer than it is written out', () => {
    const shape = [3, 9001];
    const rows = { layout: { shape, strides: [9001, 1], offset: 0 }, length: 27003 };
    const column = { layout: { shape, strides: [-2, 0], offset: 5 }, length: 7 };
    for (const dtype of ['float32', 'float64'] as const) {
      for (const [left, right] of [[rows, column], [column, rows], [column, column]]) {
        const [a, b, out] = [filled(dtype, left, 1), filled(dtype, right, 2), filled(dtype, rows, 3)];
        const expected = out.storage.data.slice();
        for (const [o, i, j] of places(shape, [out.layout, a.layout, b.layout])) expected[o] = a.storage.data[i] - b.storage.data[j];
        jsKernels.binary('sub', a, b, out);
        expect(out.storage.data).toEqual(expected);
      }
    }
  });

  it('binary: comparisons write bools', () => {
    fc.assert(fc.property(cases(false), ({ dtype, ...placed }) => {
      const [a, b, out] = [filled(dtype, placed.a, 1), filled(dtype, placed.b, 2), filled('bool', placed.out, 3)];
      const expected = out.storage.data.slice();
      for (const [o, i, j] of places(out.layout.shape, [out.layout, a.layout, b.layout])) expected[o] = a.storage.data[i] < b.storage.data[j] ? 1 : 0;
      jsKernels.binary('lt', a, b, out);
      expect(out.storage.data).toEqual(expected);
    }));
  });

  it('unary and copy: out = |x|, out = x', () => {
    fc.assert(fc.property(cases(false), ({ dtype, ...placed }) => {
      for (const [name, f] of [['abs', Math.abs], ['copy', (v: number) => v]] as const) {
        const [x, out] = [filled(dtype, placed.a, 1), filled(dtype, placed.out, 3)];
        const expected = out.storage.data.slice();
        for (const [o, i] of places(out.layout.shape, [out.layout, x.layout])) expected[o] = f(x.storage.data[i]);
        if (name === 'copy') jsKernels.copy(x, out);
        else jsKernels.unary(name, x, out);
        expect(out.storage.data).toEqual(expected);
      }
    }));
  });

  it('accumulate: out += x, also where out meets itself', () => {
    fc.assert(fc.property(cases(true), ({ dtype, ...placed }) => {
      // Sums of bytes would wrap.
      const [x, out] = [filled(dtype === 'int8' ? 'int32' : dtype, placed.a, 1), filled(dtype === 'int8' ? 'int32' : dtype, placed.out, 3)];
      // Whole numbers: their sums are exact in any order.
      const expected = out.storage.data.slice();
      for (const [o, i] of places(out.layout.shape, [out.layout, x.layout])) expected[o] += x.storage.data[i];
      jsKernels.accumulate(x, out);
      expect(out.storage.data).toEqual(expected);
    }));
  });
});
