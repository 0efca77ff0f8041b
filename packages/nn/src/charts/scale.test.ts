import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTick } from './numbers.ts';
import { extentOf, linearScale } from './scale.ts';

const drawable = fc.oneof(
  fc.double({ min: -1e300, max: 1e300, noNaN: true }),
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 5e-324, -5e-324, 1e300, -1e300, 0.1, 0.3, 1e15, 1e15 + 1),
);

describe('linearScale', () => {
  it('ends at round ticks around the data, or at the data if tight', () => {
    expect(linearScale(0.3, 9.1).ticks).toEqual([0, 2, 4, 6, 8, 10]);
    expect(linearScale(4.7, 6.8, { count: 6 }).ticks).toEqual([4.5, 5, 5.5, 6, 6.5, 7]);
    const tight = linearScale(1, 1240, { count: 8, integer: true, tight: true });
    expect([tight.min, tight.max, tight.ticks]).toEqual([1, 1240, [200, 400, 600, 800, 1000, 1200]]);
  });

  it('ticks at multiples without rounding dust', () => {
    expect(linearScale(0.1, 0.3, { count: 2, tight: true }).ticks).toEqual([0.1, 0.2, 0.3]);
    expect(linearScale(-0.3, 0.3, { count: 6 }).ticks).toEqual([-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  });

  it('gives one value room on both sides, and zero the unit', () => {
    expect(linearScale(5, 5, { integer: true, tight: true })).toMatchObject({ min: 4, max: 6, ticks: [4, 5, 6] });
    expect(linearScale(0, 0)).toMatchObject({ min: 0, max: 1 });
    expect(linearScale(-1e-290 * 2, 0, { integer: true }).ticks).toEqual([-1, 0, 1]);
    const one = linearScale(0.7, 0.7);
    expect(one.min).toBeLessThan(0.7);
    expect(one.max).toBeGreaterThan(0.7);
  });

  it('holds for every range: few finite rising ticks, each told apart, the data between 0 and 1', () => {
    fc.assert(fc.property(drawable, drawable, fc.integer({ min: 1, max: 12 }), fc.boolean(), fc.boolean(), (a, b, count, integer, tight) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const scale = linearScale(low, high, { count, integer, tight });
      expect(scale.ticks.every(Number.isFinite)).toBe(true);
      expect(scale.ticks.length).toBeLessThanOrEqual(count + 3);
      expect(scale.ticks.length).toBeGreaterThanOrEqual(tight ? 0 : 2);
      for (let i = 1; i < scale.ticks.length; i++) expect(scale.ticks[i]).toBeGreaterThan(scale.ticks[i - 1]);
      if (integer) expect(scale.step).toBeGreaterThanOrEqual(1);
      const labels = scale.ticks.map((tick) => formatTick(tick, scale.step));
      expect(new Set(labels).size).toBe(labels.length);
      for (const value of [low, high, ...scale.ticks]) {
        expect(scale.at(value)).toBeGreaterThanOrEqual(-1e-6);
        expect(scale.at(value)).toBeLessThanOrEqual(1 + 1e-6);
      }
    }));
  });
});

describe('extentOf', () => {
  it('passes over what no axis can hold', () => {
    expect(extentOf([Number.NaN, 3, -Infinity, -2, 1e301])).toEqual([-2, 3]);
    expect(extentOf([Number.NaN, Infinity])).toBeNull();
    expect(extentOf([])).toBeNull();
  });
});
