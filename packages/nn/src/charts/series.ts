import { isDrawable } from './numbers.ts';

/** A point of a curve; one whose y is not finite is a gap in it. */
export type Point = readonly [x: number, y: number];

/**
 * Smooths a curve by a two-sided exponential kernel, so that it does not lag behind the values:
 * yᵢ = Σⱼ w^|i−j| xⱼ / Σⱼ w^|i−j| over the finite xⱼ, with w = 2^(−1/halfLife). Two passes, one in each direction.
 */
export function smooth(values: readonly number[], halfLife: number): number[] {
  const decay = 2 ** (-1 / halfLife);
  const total = new Float64Array(values.length);
  const weight = new Float64Array(values.length);
  const pass = (start: number, step: 1 | -1): void => {
    let sum = 0;
    let weights = 0;
    for (let i = start; i >= 0 && i < values.length; i += step) {
      // Each pass adds what lies strictly before it; the value itself is added once, below.
      total[i] += sum *= decay;
      weight[i] += weights *= decay;
      if (!isDrawable(values[i])) continue;
      sum += values[i];
      weights += 1;
    }
  };
  pass(0, 1);
  pass(values.length - 1, -1);
  return values.map((value, i) => (isDrawable(value) ? (total[i] + value) / (weight[i] + 1) : weight[i] > 0 ? total[i] / weight[i] : Number.NaN));
}

/**
 * The points that a plot of `columns` columns can tell apart: in each column the first, the lowest, the highest and the
 * last, so spikes stay. Sorted by x; a run of points without a finite y stays as one gap, if it is as wide as a column.
 */
export function thin(points: readonly Point[], columns: number): Point[] {
  const sorted = points.filter(([x]) => isDrawable(x)).sort((a, b) => a[0] - b[0]);
  if (sorted.length <= columns * 4) return sorted;
  const left = sorted[0][0];
  const width = sorted[sorted.length - 1][0] - left;
  const columnOf = ([x]: Point): number => (width > 0 ? Math.min(columns - 1, Math.floor(((x - left) / width) * columns)) : 0);
  const kept: Point[] = [];
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    const column = columnOf(sorted[start]);
    let lowest = -1;
    let highest = -1;
    let first = -1;
    let last = -1;
    for (; end < sorted.length && columnOf(sorted[end]) === column; end++) {
      const y = sorted[end][1];
      if (!isDrawable(y)) continue;
      if (first < 0) first = end;
      last = end;
      if (lowest < 0 || y < sorted[lowest][1]) lowest = end;
      if (highest < 0 || y > sorted[highest][1]) highest = end;
    }
    if (first < 0) kept.push(sorted[start]);
    else for (const index of [...new Set([first, lowest, highest, last])].sort((a, b) => a - b)) kept.push(sorted[index]);
  }
  return kept;
}

/** The stretches of a curve between its gaps. */
export function stretches(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [[]];
  for (const point of points) {
    if (isDrawable(point[1])) runs[runs.length - 1].push(point);
    else runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}
