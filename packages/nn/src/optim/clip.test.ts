import { tensor, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipGradNorm, clipGradValue } from './clip.ts';

const gradients = fc.array(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
const withGrads = (arrays: readonly (readonly number[] | null)[]): { readonly grad: Tensor | null }[] =>
  arrays.map((array) => ({ grad: array === null ? null : tensor([...array], { dtype: 'float64' }) }));
const values = (parameters: readonly { readonly grad: Tensor | null }[]): number[] => parameters.flatMap(({ grad }) => [...(grad?.toTypedArray() ?? [])]);

describe('clipGradNorm', () => {
  it('returns the joint norm; scales down to the limit, all by one factor, and never up', () => {
    fc.assert(fc.property(gradients, fc.double({ min: 1e-3, max: 300, noNaN: true }), (arrays, limit) => {
      const parameters = withGrads([...arrays, null]);
      const norm = Math.hypot(...arrays.flat());
      const found = clipGradNorm(parameters, limit);
      expect(Math.abs(found - norm)).toBeLessThanOrEqual(1e-12 * norm + 1e-150);
      const factor = norm > limit ? limit / (norm + 1e-6) : 1;
      values(parameters).forEach((value, i) => expect(Math.abs(value - arrays.flat()[i] * factor)).toBeLessThanOrEqual(1e-12 * Math.abs(arrays.flat()[i])));
      expect(Math.hypot(...values(parameters))).toBeLessThanOrEqual(limit * (1 + 1e-12));
    }));
  });

  it.each([NaN, Infinity, -Infinity])('a gradient with %d: says so in the norm and leaves all as they are', (bad) => {
    const parameters = withGrads([[3, bad], [4]]);
    expect(Number.isFinite(clipGradNorm(parameters, 1))).toBe(false);
    expect(values(parameters)).toEqual([3, bad, 4]);
  });

  it('nothing to clip has norm 0', () => {
    expect(clipGradNorm(withGrads([null]), 1)).toBe(0);
    expect(clipGradNorm([], 1)).toBe(0);
    const zero = withGrads([[0, 0]]);
    expect(clipGradNorm(zero, 1)).toBe(0);
    expect(values(zero)).toEqual([0, 0]);
  });
});

describe('clipGradValue', () => {
  it('moves every number into the limits and leaves those inside', () => {
    fc.assert(fc.property(gradients, fc.double({ min: 0, max: 120, noNaN: true }), (arrays, limit) => {
      const parameters = withGrads([...arrays, null]);
      clipGradValue(parameters, limit);
      // + 0: the sign of a zero does not count.
      expect(values(parameters).map((value) => value + 0)).toEqual(arrays.flat().map((value) => Math.max(-limit, Math.min(limit, value)) + 0));
    }));
  });

  it('infinities become the limit, NaN stays, a negative limit is refused', () => {
    const parameters = withGrads([[Infinity, -Infinity, NaN]]);
    clipGradValue(parameters, 2);
    expect(values(parameters)).toEqual([2, -2, NaN]);
    expect(() => clipGradValue(parameters, -1)).toThrow('clipGradValue: the limit must be a number from 0, not -1');
  });
});
