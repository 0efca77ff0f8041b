import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatNumber, formatPercent, formatTick, isDrawable } from './numbers.ts';

describe('formatNumber', () => {
  it.each([
    [1234567.891, 1, '1,234,567.9'], [-1234.5, 1, '−1,234.5'], [0, 2, '0.00'], [-0, 0, '0'], [12, 0, '12'], [999.999, 2, '1,000.00'],
    [0.004, 2, '4.0e−3'], [0.005, 2, '0.01'], [1e21, 2, '1.0e21'], [-3e-9, 3, '−3.0e−9'], [5e-324, 2, '4.9e−324'],
    [Number.NaN, 2, 'NaN'], [Infinity, 2, '∞'], [-Infinity, 2, '−∞'],
  ])('%d with %d decimals is %s', (value, digits, text) => {
    expect(formatNumber(value, digits)).toBe(text);
  });

  it('reads back as the number, to its decimals', () => {
    fc.assert(fc.property(fc.double({ min: -1e8, max: 1e8, noNaN: true }), fc.integer({ min: 0, max: 6 }), (value, digits) => {
      const text = formatNumber(value, digits);
      fc.pre(!text.includes('e'));
      expect(Number(text.replaceAll(',', '').replace('−', '-'))).toBeCloseTo(Number(value.toFixed(digits)), 10);
    }));
  });
});

describe('formatPercent', () => {
  it.each([[0.1823, '18.2%'], [1, '100.0%'], [0, '0.0%'], [0.0003, '<0.1%'], [0.0005, '0.1%'], [-0.02, '−2.0%'], [Number.NaN, 'NaN'], [Infinity, '∞']])('%d is %s', (share, text) => {
    expect(formatPercent(share)).toBe(text);
  });
});

describe('formatTick', () => {
  it.each([
    [6.5, 0.5, '6.5'], [7, 0.5, '7.0'], [1200, 200, '1,200'], [0.003, 0.001, '0.003'], [2e-5, 1e-5, '2e−5'], [2.5e-5, 5e-6, '2.5e−5'],
    [2e7, 1e7, '2e7'], [-3, 1, '−3'], [0, 1e-9, '0'], [1e300, 2e299, '1.0e300'],
  ])('%d in steps of %d is %s', (value, step, text) => {
    expect(formatTick(value, step)).toBe(text);
  });

  it('writes shares as percentages', () => {
    expect([0, 0.1, 0.05, 0.0025].map((share) => formatTick(share, share === 0.1 ? 0.1 : 0.0005, 'percent'))).toEqual(['0%', '10%', '5.00%', '0.25%']);
  });
});

it('isDrawable keeps out what is not finite and what could overflow', () => {
  expect([0, -1e300, 5e-324, 1.1e300, Number.NaN, Infinity, -Infinity].map(isDrawable)).toEqual([true, true, true, false, false, false, false]);
});
