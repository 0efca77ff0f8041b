import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smooth, stretches, thin, type Point } from './series.ts';

const value = fc.oneof({ weight: 8, arbitrary: fc.double({ min: -100, max: 100, noNaN: true }) }, fc.constantFrom(Number.NaN, Infinity, -Infinity));

describe('smooth', () => {
  it('is the two-sided exponential mean of its definition', () => {
    fc.assert(fc.property(fc.array(value, { maxLength: 30 }), fc.double({ min: 0.1, max: 50, noNaN: true }), (values, halfLife) => {
      const expected = values.map((_, i) => {
        let [sum, weights] = [0, 0];
        values.forEach((x, j) => {
          if (!Number.isFinite(x)) return;
          const w = 2 ** (-Math.abs(i - j) / halfLife);
          sum += w * x;
          weights += w;
        });
        return weights > 0 ? sum / weights : Number.NaN;
      });
      const actual = smooth(values, halfLife);
      expect(actual.length).toBe(values.length);
      actual.forEach((y, i) => (Number.isNaN(expected[i]) ? expect(y).toBeNaN() : expect(y).toBeCloseTo(expected[i], 8)));
    }));
  });

  it('keeps a constant, and what has no finite value stays without one', () => {
    smooth([2, 2, Number.NaN, 2], 3).forEach((y) => expect(y).toBeCloseTo(2, 12));
    expect(smooth([Number.NaN, Infinity], 3)).toEqual([Number.NaN, Number.NaN]);
    expect(smooth([], 3)).toEqual([]);
    expect(smooth([7], 0)).toEqual([7]);
  });
});

describe('thin', () => {
  it('keeps few points: all of them input points, in order, the extremes and the ends among them', () => {
    const point = fc.tuple(fc.double({ min: 0, max: 1000, noNaN: true }), value);
    fc.assert(fc.property(fc.array(point, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (points, columns) => {
      const kept = thin(points as Point[], columns);
      expect(kept.length).toBeLessThanOrEqual(Math.min(points.length, columns * 4));
      for (const one of kept) expect(points).toContain(one);
      for (let i = 1; i < kept.length; i++) expect(kept[i][0]).toBeGreaterThanOrEqual(kept[i - 1][0]);
      const finite = points.filter(([, y]) => Number.isFinite(y)).map(([, y]) => y);
      const shown = kept.filter(([, y]) => Number.isFinite(y)).map(([, y]) => y);
      expect(Math.max(...shown)).toBe(Math.max(...finite));
      expect(Math.min(...shown)).toBe(Math.min(...finite));
    }));
  });

  it('keeps a gap that is wider than a column, and takes any x', () => {
    const points = Array.from({ length: 1000 }, (_, i): Point => [i, i > 400 && i < 600 ? Number.NaN : 1]);
    expect(stretches(thin(points, 10))).toHaveLength(2);
    expect(thin([[Number.NaN, 1], [2, 3], [Infinity, 4], [1, 5]], 10)).toEqual([[1, 5], [2, 3]]);
    expect(thin(Array.from({ length: 100 }, (_, i): Point => [3, i]), 2)).toEqual([[3, 0], [3, 99]]);
  });
});

it('stretches are the runs between gaps', () => {
  const gap: Point = [0, Number.NaN];
  expect(stretches([gap, [1, 1], [2, 2], gap, gap, [5, 5], [6, Infinity]])).toEqual([[[1, 1], [2, 2]], [[5, 5]]]);
  expect(stretches([])).toEqual([]);
});
