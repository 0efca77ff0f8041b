import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp } from './math.ts';

// Digits of the true values: tests/golden/elementwise.test.ts.
describe('exp', () => {
  it('is within one unit in the last place of Math.exp, whose own error is below one', () => {
    const anywhere = fc.oneof(fc.double({ min: -760, max: 720, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }), fc.float({ noNaN: true }).map(Number));
    fc.assert(fc.property(anywhere, (x) => {
      const other = Math.exp(x);
      if (other === Infinity || other === 0) expect(exp(x)).toBe(other);
      else expect(Math.abs(exp(x) - other)).toBeLessThanOrEqual(Math.max(other * 2 ** -52, Number.MIN_VALUE));
    }));
  });

  it('is within one unit of Math.exp around every root and power of two in its tables', () => {
    for (let n = -32 * 1021; n <= 32 * 1021; n++) {
      const x = ((n + 0.25) * Math.LN2) / 32;
      if (!(Math.abs(exp(x) - Math.exp(x)) <= Math.exp(x) * 2 ** -52)) throw new Error(`exp(${x}) is ${exp(x)}, far from ${Math.exp(x)}`);
    }
  });

  it('knows zeros, infinities, NaN and the ends of its table', () => {
    expect([0, -0, Infinity, -Infinity, NaN, 710, -746].map(exp)).toEqual([1, 1, Infinity, 0, NaN, Infinity, 0]);
    for (const x of [708, -708, 707.9999999999999, -707.9999999999999]) expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(2 ** -52);
  });
});
