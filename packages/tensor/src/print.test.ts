import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arange, eye, tensor, zeros } from './creation.ts';
import { dtypes, type DType } from './dtype.ts';
import { enableConsoleFormatter } from './interop/consoleFormatter.ts';
import type { Tensor } from './tensor.ts';
import { shapes, tensors } from './testing/index.ts';

/** Exact text, written as it looks: without its first and last line and the indent of the rest. */
function block([text]: TemplateStringsArray): string {
  const lines = text.split('\n').slice(1, -1);
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
}

describe('a tensor as text', () => {
  it.each<[string, Tensor, string]>([
    ['a scalar', tensor(3), 'Tensor(3, [] float32)'],
    ['a fraction', tensor(Math.PI), 'Tensor(3.1416, [] float32)'],
    ['integers', arange(3), 'Tensor([0, 1, 2], [3] int32)'],
    ['bools', tensor([true, false]), 'Tensor([ true, false], [2] bool)'],
    ['long integers', tensor([-2147483648, 1], { dtype: 'int32' }), 'Tensor([-2147483648,           1], [2] int32)'],
    ['bytes', tensor([7, 255], { dtype: 'uint8' }), 'Tensor([  7, 255], [2] uint8)'],
    ['whole floats', tensor([1, -20]), 'Tensor([  1, -20], [2] float32)'],
    ['fractions and whole floats', tensor([1, -20.5], { dtype: 'float64' }), 'Tensor([  1.0000, -20.5000], [2] float64)'],
    ['large and small ones', tensor([1e-5, 1, 2e7]), 'Tensor([1.0000e-5, 1.0000e+0, 2.0000e+7], [3] float32)'],
    ['numbers that are not finite', tensor([Number.NaN, 1, -Infinity, Infinity]), 'Tensor([      NaN,         1, -Infinity,  Infinity], [4] float32)'],
    ['only such', tensor([Number.NaN, Infinity]), 'Tensor([     NaN, Infinity], [2] float32)'],
    ['negative zero', tensor([-0, 0]), 'Tensor([-0,  0], [2] float32)'],
    ['negative zero beside fractions', tensor([-0, 0.5]), 'Tensor([-0.0000,  0.5000], [2] float32)'],
    ['nothing', zeros([2, 0]), 'Tensor([], [2, 0] float32)'],
    ['one row of a matrix', tensor([[1, 2]]), 'Tensor([[1, 2]], [1, 2] float32)'],
    ['a view', arange(6).reshape([2, 3]).transpose().select(0, 1).flip(), 'Tensor([4, 1], [2] int32)'],
    ['a leaf with gradients', tensor([1], { requiresGrad: true }), 'Tensor([1], [1] float32, requiresGrad)'],
    ['a result with gradients', tensor([1], { requiresGrad: true }).mul(2), 'Tensor([2], [1] float32, gradFn: mul)'],
  ])('%s', (_, x, text) => {
    expect(String(x)).toBe(text);
    expect(inspect(x)).toBe(text);
  });

  it('aligns the columns of matrices', () => {
    expect(String(tensor([[1, 2.5], [-30, -0]]))).toBe(block`
      Tensor(
        [[  1.0000,   2.5000],
         [-30.0000,  -0.0000]], [2, 2] float32)
    `);
  });

  it('sets matrices apart', () => {
    expect(String(arange(8).reshape([2, 2, 2]))).toBe(block`
      Tensor(
        [[[0, 1],
          [2, 3]],

         [[4, 5],
          [6, 7]]], [2, 2, 2] int32)
    `);
  });

  it('breaks long rows', () => {
    expect(String(arange(30))).toBe(block`
      Tensor(
        [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
         19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29], [30] int32)
    `);
  });

  it('cuts long axes of more than 1000 values in the middle', () => {
    expect(String(arange(1001))).toBe('Tensor([   0,    1,    2, …,  998,  999, 1000], [1001] int32)');
    expect(String(arange(1000))).not.toContain('…');
    expect(String(arange(2400).reshape([300, 8]))).toBe(block`
      Tensor(
        [[   0,    1,    2, …,    5,    6,    7],
         [   8,    9,   10, …,   13,   14,   15],
         [  16,   17,   18, …,   21,   22,   23],
         …,
         [2376, 2377, 2378, …, 2381, 2382, 2383],
         [2384, 2385, 2386, …, 2389, 2390, 2391],
         [2392, 2393, 2394, …, 2397, 2398, 2399]], [300, 8] int32)
    `);
    expect(String(zeros([6, 400]))).toContain('[0, 0, 0, …, 0, 0, 0],\n   [0');
  });

  it('stays short however many axes or values there are', () => {
    expect(String(zeros([1]).expand([7, 7, 7, 7, 7, 7])).length).toBeLessThan(8000);
    expect(String(zeros([1]).expand([2 ** 40])).length).toBeLessThan(100);
  });

  it('shows every value of small tensors in order, each row on lines of one length', () => {
    const any = fc.constantFrom<DType>(...dtypes).chain((dtype) => tensors({ dtype, special: true, shape: shapes({ maxRank: 3, maxLength: 3 }) }));
    fc.assert(
      fc.property(any, (x) => {
        const text = String(x);
        expect(text.endsWith(`, [${x.shape.join(', ')}] ${x.dtype})`)).toBe(true);
        if (x.size === 0) return;
        const shown = text.slice(0, text.lastIndexOf(', [')).match(/-?(?:\d[\d.]*(?:e[+-]\d+)?|Infinity|NaN)|true|false/g) ?? [];
        const expected = Array.from(x.toTypedArray());
        expect(shown).toHaveLength(expected.length);
        shown.forEach((word, i) => {
          const value = word === 'true' ? 1 : word === 'false' ? 0 : Number(word);
          const scale = Math.abs(expected[i]);
          // Four digits of the greatest float64 are more than it.
          if (scale > 1.7976e308 && Number.isFinite(scale)) return;
          if (Number.isFinite(scale)) expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(Math.max(0.00005001, scale * 5.001e-5));
          else expect(value).toBe(expected[i]);
        });
      }),
    );
  });
});

describe('in Node\'s inspect', () => {
  it('is indented with what it stands in, and a label below the depth', () => {
    const I = eye(2, 2, { dtype: 'int32' });
    expect(inspect({ first: I, list: [I, { deep: { deeper: I } }] })).toBe(block`
      {
        first: Tensor(
          [[1, 0],
           [0, 1]], [2, 2] int32),
        list: [
          Tensor(
            [[1, 0],
             [0, 1]], [2, 2] int32),
          { deep: [Object] }
        ]
      }
    `);
    expect(inspect({ a: { b: { c: I } } })).toBe('{ a: { b: { c: [Tensor [2, 2] int32] } } }');
    expect(inspect(new Map([['k', arange(2)]]))).toBe("Map(1) { 'k' => Tensor([0, 1], [2] int32) }");
    expect(inspect(arange(2), { depth: null })).toBe('Tensor([0, 1], [2] int32)');
  });
});

describe('in a browser\'s console', () => {
  it('custom formatters show a label that opens to the values, and leave other objects alone', () => {
    enableConsoleFormatter();
    enableConsoleFormatter();
    const { devtoolsFormatters: list } = globalThis as { devtoolsFormatters?: { header(x: unknown): unknown; hasBody(x: unknown): boolean; body(x: unknown): unknown }[] };
    expect(list).toHaveLength(1);
    const [formatter] = list ?? [];
    expect([formatter.header(arange(2)), formatter.hasBody(arange(2)), formatter.body(arange(2))]).toEqual([
      ['span', {}, 'Tensor [2] int32'], true, ['pre', {}, 'Tensor([0, 1], [2] int32)'],
    ]);
    expect([formatter.header({}), formatter.hasBody(null), formatter.body(3)]).toEqual([null, false, null]);
  });
});
