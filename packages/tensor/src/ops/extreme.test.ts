import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShapeError, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { checkGradients, expectClose, shapes, tensors } from '../testing/index.ts';
import { expectTensor, groupsOver } from '../testing/naive.ts';

const filled = fc
  .constantFrom<DType>('float32', 'float64', 'int32', 'uint8', 'int8', 'bool')
  .chain((dtype) => tensors<DType>({ dtype, special: true, shape: shapes({ minLength: 1 }) }));
const withAxes = filled.chain((x) => fc.tuple(fc.constant(x), fc.subarray(x.shape.map((_, i) => i))));
const withAxis = filled.filter((x) => x.rank > 0).chain((x) => fc.tuple(fc.constant(x), fc.nat(x.rank - 1)));

/** The first place of the extreme value; the first NaN before all. */
function placeOf(values: readonly number[], better: (a: number, b: number) => boolean): number {
  const nan = values.findIndex(Number.isNaN);
  return nan >= 0 ? nan : values.reduce((best, value, i) => (better(value, values[best]) ? i : best), 0);
}

const without = (x: Tensor, axes: readonly number[]) => x.shape.filter((_, axis) => !axes.includes(axis));

describe('min, max, argmin, argmax', () => {
  it('min and max equal a loop over memory exactly, NaN where there is one', () => {
    fc.assert(fc.property(withAxes, ([x, axes]) => {
      const groups = groupsOver(x, axes);
      let [low, high] = [0, 0];
      expectTensor(x.min(axes), x.dtype, without(x, axes), () => Math.min(...groups[low++]), { rtol: 0 });
      expectTensor(x.max(axes), x.dtype, without(x, axes), () => Math.max(...groups[high++]), { rtol: 0 });
    }));
  });

  it('argmin and argmax give the first index of the extreme value, on every axis and flat', () => {
    fc.assert(fc.property(withAxis, ([x, axis]) => {
      const groups = groupsOver(x, [axis]);
      let [low, high] = [0, 0];
      expectTensor(x.argmin(axis), 'int32', without(x, [axis]), () => placeOf(groups[low++], (a, b) => a < b));
      expectTensor(x.argmax(axis), 'int32', without(x, [axis]), () => placeOf(groups[high++], (a, b) => a > b));
      const [flat] = groupsOver(x, x.shape.map((_, i) => i));
      expect(x.argmin().item()).toBe(placeOf(flat, (a, b) => a < b));
      expect(x.argmax(undefined, { keepDims: true }).shape).toEqual(x.shape.map(() => 1));
    }));
  });

  it('over nothing is refused, beside nothing is nothing', () => {
    for (const op of ['min', 'max', 'argmin', 'argmax'] as const) {
      expect(() => zeros([2, 0])[op](1)).toThrow(ShapeError);
      expect(zeros([0, 2])[op](1).shape).toEqual([0]);
    }
    expect(() => zeros([0]).max()).toThrow(/max: \[0\] has no values along axis 0, and nothing has no max/);
  });

  it('gradients equal central differences where values are apart', () => {
    const apart = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 6, maxLength: 6 });
    fc.assert(fc.property(apart, fc.constantFrom([0], [1], [0, 1]), (values, axes) => {
      const x = tensor(values, { dtype: 'float64' }).reshape([2, 3]).transpose();
      checkGradients((t) => [t.min(axes).square(), t.max(axes).square()], [x], { order: 2, atol: 1e-6 });
    }));
  });

  it('equal values share the gradient evenly, and a NaN takes it', () => {
    const x = tensor([[1, 3, 3], [2, 2, 2]], { requiresGrad: true });
    x.max(1).sum().backward();
    expectClose(x.grad ?? NaN, [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]]);
    const y = tensor([1, NaN, 2], { requiresGrad: true });
    y.min().backward();
    expect(y.grad?.toArray()).toEqual([0, 1, 0]);
  });
});
