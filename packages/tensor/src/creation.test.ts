import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtypes, isFloat, type DType } from './dtype.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from './errors.ts';
import {
  arange, eye, fromTypedArray, full, fullLike, linspace, oneHot, ones, onesLike, tensor, zeros, zerosLike,
} from './creation.ts';
import { sizeOf } from './layout.ts';
import { permutation, rand, randint } from './randomCreation.ts';
import type { Tensor } from './tensor.ts';
import { checkGradients, shapes, tensors } from './testing/index.ts';

const anyDType = fc.constantFrom<DType>(...dtypes);
const float = (dtype: DType) => isFloat(dtype);

/** What every creation function owes its options. */
function expectMade(made: Tensor, shape: readonly number[], dtype: DType, requiresGrad = false): void {
  expect(made.shape).toEqual(shape);
  expect(made.dtype).toBe(dtype);
  expect(made.requiresGrad).toBe(requiresGrad);
  expect(made.isLeaf && made.isContiguous).toBe(true);
}

describe('tensor', () => {
  it('of nested arrays gives them back', () => {
    fc.assert(
      fc.property(anyDType.chain((dtype) => tensors({ dtype, layout: 'contiguous' })), (x) => {
        const values = x.toArray();
        // A shape cannot be read off after an axis of length 0.
        const seen = x.shape.slice(0, x.shape.indexOf(0) < 0 ? undefined : x.shape.indexOf(0) + 1);
        const again = tensor(values as number[], { dtype: x.dtype });
        expectMade(again, seen, x.dtype);
        expect(again.toArray()).toEqual(values);
      }),
    );
  });

  it('infers float32 from numbers and bool from booleans', () => {
    expectMade(tensor(3), [], 'float32');
    expectMade(tensor([]), [0], 'float32');
    expectMade(tensor([[], []]), [2, 0], 'float32');
    expectMade(tensor([[true], [false]]), [2, 1], 'bool');
    expectMade(tensor([1], { requiresGrad: true }), [1], 'float32', true);
    expect(tensor([0.1]).item()).toBe(Math.fround(0.1));
    expect(tensor([true, false], { dtype: 'float64' }).toArray()).toEqual([1, 0]);
  });

  it('copies a typed array, in its dtype or, checked, in another', () => {
    const data = new Float64Array([1, 2.5]);
    const made = tensor(data);
    expectMade(made, [2], 'float64');
    data[0] = 9;
    expect(made.toArray()).toEqual([1, 2.5]);
    expectMade(tensor(new Uint8Array([0, 255]), { dtype: 'int32' }), [2], 'int32');
    expectMade(tensor(new Int8Array([0, 1]), { dtype: 'bool' }), [2], 'bool');
    expect(() => tensor(new Float64Array([1.5]), { dtype: 'int32' })).toThrow("tensor: 1.5 is not a value of int32 (integers from -2147483648 to 2147483647); pass { dtype: 'float32' }");
    expect(tensor(Buffer.from([1, 2])).dtype).toBe('uint8');
    expect(() => tensor(new Uint16Array(1) as unknown as Uint8Array)).toThrow('tensor: Uint16Array is no typed array with a dtype; use Float32Array');
  });

  it('refuses what is ragged, not a number, or not of the dtype', () => {
    expect(() => tensor([[1, 2], [3]])).toThrow('tensor: the nested arrays are ragged: at depth 1 stands an array of length 1 where the first has length 2');
    expect(() => tensor([[1], 2])).toThrow('at depth 1 stands a number where the first has length 1');
    expect(() => tensor([1, [2]])).toThrow('at depth 1 stands an array of length 1 where the first has a single value');
    expect(() => tensor([[], [1]])).toThrow(ShapeError);
    expect(() => tensor(['1'] as unknown as number[])).toThrow('tensor: the values must be numbers or booleans in nested arrays, not string');
    expect(() => tensor(new Array<number>(2))).toThrow('not undefined');
    expect(() => tensor(null as unknown as number)).toThrow('not null');
    expect(() => tensor([256], { dtype: 'uint8' })).toThrow(DTypeError);
    expect(() => tensor([2], { dtype: 'bool' })).toThrow(DTypeError);
    expect(() => tensor([Number.NaN], { dtype: 'int32' })).toThrow(DTypeError);
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrow("requiresGrad: only float32 and float64 have gradients, not int32; use cast('float32')");
  });
});

describe('what no type has checked', () => {
  const half = { dtype: 'float16' as DType };
  it.each<[string, (options: typeof half) => unknown]>([
    ['tensor', (options) => tensor([1], options)],
    ['tensor', (options) => tensor(new Int8Array(1), options)],
    ['zeros', (options) => zeros([1], options)],
    ['full', (options) => full([1], 2, options)],
    ['arange', (options) => arange(0, 2, 1, options)],
    ['linspace', (options) => linspace(0, 2, 3, options)],
    ['eye', (options) => eye(1, 1, options)],
    ['oneHot', (options) => oneHot(arange(2), 2, options)],
    ['rand', (options) => rand([1], options as never)],
    ['randint', (options) => randint(6, [1], options)],
    ['permutation', (options) => permutation(3, options)],
  ])('%s refuses the name of no dtype, and lists those that there are', (op, run) => {
    const message = `${op}: 'float16' is not a dtype to compute with; use float32, float64, int32, uint8, int8, bool`;
    expect(() => run(half)).toThrow(new DTypeError(message));
  });

  it('a shape without its brackets is refused by name', () => {
    expect(() => zeros(3 as never)).toThrow(new ArgumentError('zeros: the shape must be one array of numbers, such as [0, 1], not 3'));
  });
});

describe('fromTypedArray', () => {
  it('copies, in any shape of the same size', () => {
    const data = new Int32Array([1, 2, 3, 4]);
    const made = fromTypedArray(data, [2, 2]);
    expectMade(made, [2, 2], 'int32');
    data[0] = 9;
    expect(made.toArray()).toEqual([[1, 2], [3, 4]]);
    expectMade(fromTypedArray(new Uint8Array([0, 1]), [2], { dtype: 'bool' }), [2], 'bool');
    expectMade(fromTypedArray(new Float32Array(2), [1, 2], { requiresGrad: true }), [1, 2], 'float32', true);
  });

  it('does not keep the caller\'s shape', () => {
    const shape = [2, 2];
    const made = fromTypedArray(new Float32Array(4), shape);
    shape[0] = 7;
    expect(made.shape).toEqual([2, 2]);
  });

  it('refuses another size, another kind and bytes that are no bools', () => {
    expect(() => fromTypedArray(new Float32Array(3), [2, 2])).toThrow('fromTypedArray: 3 values do not fill the shape [2, 2] (4 values)');
    expect(() => fromTypedArray(new Float32Array(1) as unknown as Float64Array, [1], { dtype: 'float64' })).toThrow("the array holds float32, not float64; use cast('float64') on the result");
    expect(() => fromTypedArray(new Uint8Array([2]), [1], { dtype: 'bool' })).toThrow('a bool is a byte of 0 or 1');
  });
});

describe('constants', () => {
  it('fill any shape and dtype', () => {
    fc.assert(
      fc.property(shapes(), anyDType, fc.boolean(), (shape, dtype, wish) => {
        const requiresGrad = wish && float(dtype);
        for (const [made, value] of [
          [zeros(shape, { dtype, requiresGrad }), 0],
          [ones(shape, { dtype, requiresGrad }), 1],
          [full(shape, 1, { dtype, requiresGrad }), 1],
          [zerosLike(zeros(shape), { dtype, requiresGrad }), 0],
          [onesLike(zeros(shape), { dtype, requiresGrad }), 1],
          [fullLike(zeros(shape), true, { dtype, requiresGrad }), 1],
        ] as const) {
          expectMade(made, shape, dtype, requiresGrad);
          expect(Array.from(made.toTypedArray())).toEqual(new Array(sizeOf(shape)).fill(value));
        }
      }),
    );
  });

  it('have the default dtypes of PyTorch', () => {
    expect([zeros([1]).dtype, ones([1]).dtype, full([1], 2).dtype, full([1], true).dtype]).toEqual(['float32', 'float32', 'float32', 'bool']);
    const x = tensor([1], { dtype: 'int8' });
    expect([zerosLike(x).dtype, onesLike(x).dtype, fullLike(x, 3).dtype]).toEqual(['int8', 'int8', 'int8']);
  });

  it('keep the sign of zero and refuse what the dtype or a shape cannot be', () => {
    expect(Object.is(full([], -0).item(), -0)).toBe(true);
    expect(() => full([2], 0.5, { dtype: 'int32' })).toThrow("full: 0.5 is not a value of int32");
    expect(() => fullLike(zeros([1], { dtype: 'uint8' }), -1)).toThrow('fullLike: -1 is not a value of uint8');
    expect(() => zeros([-1])).toThrow('zeros: the shape [-1] must hold whole numbers from 0');
    expect(() => ones([0.5])).toThrow('ones: the shape [0.5]');
    expect(() => zeros([2 ** 40])).toThrow('allocate: 4398046511104 bytes for a float32 tensor of shape [1099511627776] are more than this host gives one array');
  });
});

describe('ranges', () => {
  it('arange is a loop', () => {
    const whole = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(whole, whole, whole.filter((step) => step !== 0), (start, stop, step) => {
        const expected: number[] = [];
        for (let value = start; step > 0 ? value < stop : value > stop; value += step) expected.push(value);
        const made = arange(start, stop, step);
        expectMade(made, [expected.length], 'int32');
        expect(made.toArray()).toEqual(expected);
      }),
    );
    expect(arange(3).toArray()).toEqual([0, 1, 2]);
    expect(arange(2.5).toArray()).toEqual([0, 1, 2]);
    expect(arange(0, 1, 0.1, { dtype: 'float64' }).toArray()).toEqual(Array.from({ length: 10 }, (_, i) => i * 0.1));
    expectMade(arange(1, 0, -0.25, { dtype: 'float32', requiresGrad: true }), [4], 'float32', true);
  });

  it('arange refuses fractions as int32, a step of 0 and what has no end', () => {
    expect(() => arange(0, 1, 0.5)).toThrow("arange: 0.5 is not a value of int32 (integers from -2147483648 to 2147483647); pass { dtype: 'float32' }");
    expect(() => arange(0, 1, 0)).toThrow('arange: start, stop and step must be finite and the step other than 0, not 0, 1, 0');
    expect(() => arange(Infinity)).toThrow(ArgumentError);
    expect(() => arange(0, 300, 1, { dtype: 'uint8' })).toThrow('arange: 256 is not a value of uint8');
  });

  it('linspace starts and ends exactly, evenly and symmetrically', () => {
    const end = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(end, end, fc.integer({ min: 2, max: 20 }), (start, stop, count) => {
        const values = linspace(start, stop, count, { dtype: 'float64' }).toArray() as number[];
        expect(values).toHaveLength(count);
        expect([values[0], values.at(-1)]).toEqual([start, stop]);
        const scale = Math.abs(start) + Math.abs(stop);
        values.forEach((value, i) => expect(Math.abs(value - (start + ((stop - start) * i) / (count - 1)))).toBeLessThanOrEqual(1e-14 * scale + 1e-320));
        if (count % 2 === 0) expect(linspace(stop, start, count, { dtype: 'float64' }).flip().toArray()).toEqual(values);
      }),
    );
    expect(linspace(0, -0, 3).toArray()).toEqual([0, 0, -0]);
    expectMade(linspace(0, 1, 0), [0], 'float32');
    expect(linspace(3, 5, 1).toArray()).toEqual([3]);
    expect(linspace(0, 10, 6, { dtype: 'int32' }).toArray()).toEqual([0, 2, 4, 6, 8, 10]);
    expect(() => linspace(0, 1, 3, { dtype: 'int32' })).toThrow('linspace: 0.5 is not a value of int32');
    expect(() => linspace(0, 1, -1)).toThrow('linspace: the count must be a whole number from 0, not -1');
    expect(() => linspace(0, Number.NaN, 2)).toThrow('linspace: start and stop must be finite, not 0 and NaN');
    expect(linspace(-Number.MAX_VALUE, Number.MAX_VALUE, 3, { dtype: 'float64' }).toArray()).toEqual([-Number.MAX_VALUE, 0, Number.MAX_VALUE]);
  });
});

describe('matrices', () => {
  it('eye has ones where row and column agree', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.nat(5), anyDType, (rows, columns, dtype) => {
        const made = eye(rows, columns, { dtype });
        expectMade(made, [rows, columns], dtype);
        expect(Array.from(made.toTypedArray())).toEqual(Array.from({ length: rows * columns }, (_, at) => (Math.floor(at / columns) === at % columns ? 1 : 0)));
      }),
    );
    expectMade(eye(2, 2, { requiresGrad: true }), [2, 2], 'float32', true);
    expectMade(eye(3), [3, 3], 'float32');
  });

  it('oneHot marks each index in a row of its own, on any layout', () => {
    const index = tensors({ dtype: 'int32', values: fc.nat(4), shape: shapes({ maxRank: 3 }) });
    fc.assert(
      fc.property(index, anyDType, (x, dtype) => {
        const made = oneHot(x, 5, { dtype });
        expectMade(made, [...x.shape, 5], dtype);
        expect(Array.from(made.toTypedArray())).toEqual(Array.from(x.toTypedArray()).flatMap((one) => Array.from({ length: 5 }, (_, i) => (i === one ? 1 : 0))));
      }),
    );
    expect(oneHot(tensor([2, 0], { dtype: 'uint8' })).toArray()).toEqual([[0, 0, 1], [1, 0, 0]]);
  });

  it('oneHot refuses what is no index', () => {
    expect(() => oneHot(tensor([3], { dtype: 'int32' }), 3)).toThrow('oneHot: index 3 is not from 0 to 2, the classes');
    expect(() => oneHot(tensor([-1], { dtype: 'int32' }))).toThrow(IndexError);
    expect(() => oneHot(tensor([1]), 3)).toThrow("oneHot: the indices must be integers, not float32; use cast('int32')");
    expect(() => oneHot(zeros([0], { dtype: 'int32' }))).toThrow('oneHot: no indices, in [0], tell no number of classes; pass it');
  });

  it('tril and triu keep one side of a diagonal of every matrix, NaN on the other side or not', () => {
    const matrices = anyDType.chain((dtype) => tensors({ dtype, shape: shapes({ minRank: 2 }), special: true }));
    fc.assert(
      fc.property(matrices, fc.integer({ min: -4, max: 4 }), (x, diagonal) => {
        const [rows, columns] = x.shape.slice(-2);
        const keep = (side: (column: number, edge: number) => boolean) =>
          Array.from(x.toTypedArray(), (value, at) => (side(at % columns, (Math.floor(at / columns) % rows) + diagonal) ? value : 0));
        for (const [made, side] of [
          [x.tril(diagonal), (column: number, edge: number) => column <= edge],
          [x.triu(diagonal), (column: number, edge: number) => column >= edge],
        ] as const) {
          expect([made.shape, made.dtype]).toEqual([x.shape, x.dtype]);
          expect(Array.from(made.toTypedArray())).toEqual(keep(side));
        }
      }),
    );
    expect(() => zeros([3]).tril()).toThrow('tril: [3] has no matrices; x needs at least two axes');
    expect(() => zeros([3, 3]).triu(0.5)).toThrow('triu: the diagonal must be a whole number, not 0.5');
  });

  it('tril and triu have gradients', () => {
    fc.assert(
      fc.property(tensors({ dtype: 'float64', shape: shapes({ minRank: 2, maxRank: 3, maxLength: 3 }) }), fc.integer({ min: -2, max: 2 }), (x, diagonal) => {
        checkGradients((a) => [a.tril(diagonal), a.triu(diagonal)], [x], { order: 2 });
      }),
    );
  });
});
