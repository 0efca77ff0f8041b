import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor, type Tensor } from '../index.ts';
import { broadcastShapes, extent, isContiguous, sizeOf } from '../layout.ts';
import { broadcastableShapes, checkGradients, expectClose, layouts, runs, shapes, tensors } from './index.ts';

/** Whether any of many samples has a property: the arbitraries must reach the corners that they promise. */
function some<T>(arbitrary: fc.Arbitrary<T>, is: (value: T) => boolean): boolean {
  return fc.sample(arbitrary, { numRuns: 1000, seed: 1 }).some(is);
}

describe('shapes', () => {
  it('obey their limits, and reach scalars, empty shapes and axes of length 1', () => {
    fc.assert(fc.property(fc.nat(3), fc.nat(2), (maxRank, minLength) => {
      for (const shape of fc.sample(shapes({ maxRank, minLength, maxLength: 3 }), 20)) {
        expect(shape.length).toBeLessThanOrEqual(maxRank);
        for (const length of shape) expect(length >= minLength && length <= 3).toBe(true);
      }
    }));
    for (const is of [(s: number[]) => s.length === 0, (s: number[]) => s.includes(0), (s: number[]) => s.includes(1), (s: number[]) => s.length === 4]) {
      expect(some(shapes(), is)).toBe(true);
    }
  });

  it('broadcastableShapes stretch to their result', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }).chain((count) => broadcastableShapes(count)), ({ shapes: list, result }) => {
      expect(broadcastShapes('test', ...list)).toEqual(result);
    }));
    const pairs = broadcastableShapes();
    expect(some(pairs, ({ shapes: [a, b] }) => a.length !== b.length)).toBe(true);
    expect(some(pairs, ({ shapes: [a, b], result }) => sizeOf(a) < sizeOf(result) && sizeOf(b) < sizeOf(result))).toBe(true);
    expect(some(pairs, ({ result }) => result.includes(0))).toBe(true);
  });
});

describe('layouts and tensors', () => {
  const placed = shapes().chain((shape) => layouts(shape));

  it('layouts stay inside their storage', () => {
    fc.assert(fc.property(placed, ({ layout, length }) => {
      const reach = extent(layout);
      if (reach !== null) expect(reach.first >= 0 && reach.last < length).toBe(true);
      expect(layout.offset <= length).toBe(true);
    }));
  });

  it('layouts are permuted, sliced, backwards, offset and expanded, and unshared ones never meet themselves', () => {
    const shape = [3, 2, 4];
    const all = layouts(shape);
    expect(some(all, ({ layout }) => isContiguous(layout))).toBe(true);
    expect(some(all, ({ layout: { strides } }) => strides[0] !== 0 && Math.abs(strides[0]) < Math.abs(strides[2]))).toBe(true);
    expect(some(all, ({ layout: { strides } }) => strides[2] === 2)).toBe(true);
    expect(some(all, ({ layout: { strides } }) => strides[1] < 0)).toBe(true);
    expect(some(all, ({ layout: { strides } }) => strides[1] === 0)).toBe(true);
    expect(some(all, ({ layout: { offset, strides } }) => offset > 0 && strides.every((stride) => stride > 0))).toBe(true);
    fc.assert(fc.property(layouts(shape, { expanded: false }), ({ layout: { strides, offset } }) => {
      const seen = new Set<number>();
      for (let i = 0; i < 3; i++) for (let j = 0; j < 2; j++) for (let k = 0; k < 4; k++) seen.add(offset + i * strides[0] + j * strides[1] + k * strides[2]);
      expect(seen.size).toBe(24);
    }));
  });

  it('tensors show the values that were drawn, on every layout, and hide NaN around them', () => {
    fc.assert(fc.property(tensors({ dtype: 'float64', range: [1, 2] }), (x) => {
      for (const value of x.toTypedArray()) expect(value >= 1 && value <= 2).toBe(true);
    }));
    expect(some(tensors({ shape: [2] }), (x) => x.storage.data.some(Number.isNaN))).toBe(true);
  });

  it('special values occur on request only', () => {
    const every = tensors({ dtype: 'float32', shape: [8], special: true });
    for (const special of [NaN, Infinity, -Infinity, -0]) expect(some(every, (x) => x.toTypedArray().some((v) => Object.is(v, special)))).toBe(true);
    expect(some(tensors({ shape: [8] }), (x) => x.toTypedArray().some((v) => !Number.isFinite(v)))).toBe(false);
    expect(some(tensors({ dtype: 'int8', shape: [8] }), (x) => x.toTypedArray().includes(-128))).toBe(true);
  });

  it('a failing case names dtype, values and layout, and shrinks to the simplest', () => {
    const fails = () => fc.assert(fc.property(tensors({ dtype: 'float64', shape: [2] }), (x) => x.sum().item() < 5), { seed: 1 });
    expect(fails).toThrow(/tensor\(\[.*\], \{ dtype: 'float64' \}\) with shape \[2\], strides \[1\], offset 0/);
  });
});

describe('expectClose', () => {
  it('takes tensors, nested arrays, typed arrays and numbers', () => {
    expectClose(tensor([[1, 2], [3, 4]]), [[1, 2], [3, 4]]);
    expectClose(tensor([[1, 2], [3, 4]]), Float32Array.of(1, 2, 3, 4));
    expectClose([true, false], tensor([true, false]));
    expectClose(tensor(3), 3);
    expectClose([], []);
    expectClose([[], []], tensor([[], []]));
  });

  it('names the worst index and both values', () => {
    expect(() => expectClose([[1, 2], [3, 4]], [[1, 2], [2, 3.5]])).toThrow(
      /^expectClose: 2 of 4 values differ; the worst at \[1, 0\]: 3 instead of 2 \(difference 1, allowed 1e-7 \+ 1e-7·\|expected\|\)$/,
    );
    expect(() => expectClose([0, 1, NaN], [0, 5, 1])).toThrow(/worst at \[2\]: NaN instead of 1/);
    expect(() => expectClose(1, 2, { rtol: 0 })).toThrow(/worst at \[\]/);
  });

  it('knows NaN, infinities and zeros', () => {
    expectClose([NaN, Infinity, -0], [NaN, Infinity, 0], { rtol: 0 });
    expect(() => expectClose([NaN], [NaN], { equalNaN: false })).toThrow(/1 of 1/);
    for (const [a, b] of [[Infinity, -Infinity], [Infinity, 1e300], [1, Infinity], [NaN, 1], [1, NaN], [NaN, Infinity]]) {
      expect(() => expectClose([a], [b], { rtol: 10, atol: 10 })).toThrow(/differ/);
    }
  });

  it('the default allows 1.3e-6 and 1e-5 for float32, 1e-7 for float64, nothing for integers', () => {
    expectClose(tensor([1, 0]), [1 + 1.1e-5, 0.9e-5]);
    expect(() => expectClose(tensor([0]), [1.1e-5])).toThrow('1 of 1');
    expectClose(tensor([1], { dtype: 'float64' }), [1 + 1.9e-7]);
    expect(() => expectClose(tensor([1], { dtype: 'float64' }), [1 + 2.1e-7])).toThrow('1 of 1');
    expect(() => expectClose(tensor([1_000_000_000], { dtype: 'int32' }), [1_000_000_001])).toThrow('1 of 1');
    expect(() => expectClose([1], [1 + 1e-9], { rtol: 1e-10 })).toThrow(/allowed 0 \+ 1e-10/);
  });

  it('refuses different shapes and ragged arrays', () => {
    expect(() => expectClose(tensor([[1, 2]]), [1, 2])).toThrow('actual has shape [1, 2], expected has shape [2]');
    expect(() => expectClose(tensor([1, 2]), Float32Array.of(1))).toThrow('actual has shape [2], expected has 1 values');
    expect(() => expectClose([[1, 2], [3]], [1])).toThrow('actual is a ragged nested array at depth 1');
  });
});

describe('checkGradients', () => {
  const x = tensor([[0.5, -1.25], [2, 0.75]], { dtype: 'float64' });
  const weigh = (scale: number) => (a: Tensor) => a.detach().mul(scale).mul(a);

  it('passes right rules, first and second order, several inputs and outputs, scalars and empty tensors', () => {
    checkGradients((a, b) => [a.mul(b).sum(0), b.sin()], [x, x.transpose()], { order: 2 });
    checkGradients((a) => a.mul(3), [x], { order: 2 });
    checkGradients((a) => a, [tensor(2, { dtype: 'float64' })], { order: 2 });
    checkGradients((a) => a.exp(), [tensor([], { dtype: 'float64' })], { order: 2 });
    checkGradients((a, index) => a.indexSelect(0, index), [x, tensor([1, 1], { dtype: 'int32' })], { order: 2 });
    checkGradients((a) => a.exp().sum(), [x.select(0, 0).expand([3, 2])], { order: 2 });
  });

  it('finds a wrong rule and names input, index and both numbers', () => {
    expect(() => checkGradients((a, b) => b.add(weigh(1)(a)), [x, x])).toThrow(
      /^checkGradients: first order, input 0 at \[0, 0\], value 0.5: backward gives .+, central differences give .+$/,
    );
    expect(() => checkGradients((a) => a.detach(), [x])).toThrow(/backward gives 0, central/);
  });

  it('finds a gradient that is right but cannot be differentiated again', () => {
    // Its gradient is 2a as it should be, but the 2 is taken from a detached copy.
    const square = (a: Tensor) => a.detach().mul(a).mul(2).sub(a.detach().square());
    checkGradients((a) => square(a), [x], { rtol: 1e-5 });
    expect(() => checkGradients((a) => square(a), [x], { order: 2 })).toThrow(/second order, input 0/);
  });

  it('finds a mistake in one value of one output', () => {
    const mask = tensor([[0, 0], [0, 1]], { dtype: 'float64' });
    expect(() => checkGradients((a) => [a, a.mul(2), a.add(mask.mul(a.detach()).mul(a).mul(1e-3))], [x])).toThrow(/input 0 at \[1, 1\]/);
  });

  it('finds mistakes that cancel in the sum of all outputs', () => {
    expect(() => checkGradients((a) => [a.detach().mul(3), a.detach().mul(-3)], [x])).toThrow(/backward gives 0/);
  });

  it('finds a rule that gives NaN, and takes float64 only', () => {
    expect(() => checkGradients((a) => a.mul(0).sqrt().mul(0), [x])).toThrow(/backward gives NaN/);
    expect(() => checkGradients((a) => a, [tensor([1])])).toThrow("checkGradients: input 0 is float32, whose differences are mostly rounding; use cast('float64')");
    expect(() => checkGradients((a) => a, [tensor([true])])).toThrow('none of the inputs is float64');
  });
});

describe('runs', () => {
  it('is a fraction of the usual number, and at least 1', () => {
    expect(runs()).toBe(fc.readConfigureGlobal().numRuns);
    expect(runs(1 / 5)).toBe(Math.ceil(runs() / 5));
    expect(runs(1e-9)).toBe(1);
  });
});
