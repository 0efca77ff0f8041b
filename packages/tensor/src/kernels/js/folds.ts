import type { TypedArray } from '../../dtype.ts';

/**
 * m rows of n values of x, each folded into float64 totals: value (i, j) is x[ix + i·mx + j·sx] and goes into
 * totals[it + i·mt + j·st]; a total's stride is 0 where values share it.
 */
export type Fold = (
  m: number, n: number, x: TypedArray, ix: number, mx: number, sx: number, totals: Float64Array, it: number, mt: number, st: number,
) => void;

export type FoldName = 'sum' | 'sumOfSquares' | 'prod' | 'min' | 'max' | 'all' | 'any';

/** What totals start from. */
export const starts: Record<FoldName, number> = { sum: 0, sumOfSquares: 0, prod: 1, min: Infinity, max: -Infinity, all: 1, any: 0 };

/**
 * The loops are written twice, word for word: V8 compiles a loop for the kinds of array that it has met, and one that has
 * met float64 is half as fast for float32 from then on. Integers and bools run the float64 loops on converted rows.
 *
 * A row with one total is folded into two or four side by side: one alone would wait for each addition to end. Rows with
 * the same totals are added four at a time, so that the totals are read and written a quarter as often.
 */
export const float32Folds: Record<FoldName, Fold> = {
  sum(m, n, x, ix, mx, sx, totals, it, mt, st) {
    const [x2, x3, x4] = st === 0 ? [2 * sx, 3 * sx, 4 * sx] : [2 * mx, 3 * mx, 4 * mx];
    if (st === 0) {
      for (const fours = n - (n % 4); m > 0; m--, ix += mx, it += mt) {
        let a = totals[it];
        let b = 0;
        let c = 0;
        let d = 0;
        let i = ix;
        for (let j = 0; j < fours; j += 4, i += x4) {
          a += x[i];
          b += x[i + sx];
          c += x[i + x2];
          d += x[i + x3];
        }
        for (let j = fours; j < n; j++, i += sx) a += x[i];
        totals[it] = a + b + (c + d);
      }
      return;
    }
    if (mt === 0) {
      for (; m >= 4; m -= 4, ix += x4) {
        for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] + x[i + mx] + (x[i + x2] + x[i + x3]);
      }
    }
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i];
  },
  sumOfSquares(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = 0;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a += x[i] * x[i];
          b += x[i + sx] * x[i + sx];
        }
        if (n % 2 === 1) a += x[i] * x[i];
        totals[it] = a + b;
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] * x[i];
    }
  },
  prod(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] *= x[i];
  },
  min(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = Infinity;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a = Math.min(a, x[i]);
          b = Math.min(b, x[i + sx]);
        }
        if (n % 2 === 1) a = Math.min(a, x[i]);
        totals[it] = Math.min(a, b);
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.min(totals[t], x[i]);
    }
  },
  max(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = -Infinity;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a = Math.max(a, x[i]);
          b = Math.max(b, x[i + sx]);
        }
        if (n % 2 === 1) a = Math.max(a, x[i]);
        totals[it] = Math.max(a, b);
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.max(totals[t], x[i]);
    }
  },
  all(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) if (x[i] === 0) totals[t] = 0;
  },
  any(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) if (x[i] !== 0) totals[t] = 1;
  },
};

/** The same for float64. */
export const float64Folds: Record<FoldName, Fold> = {
  sum(m, n, x, ix, mx, sx, totals, it, mt, st) {
    const [x2, x3, x4] = st === 0 ? [2 * sx, 3 * sx, 4 * sx] : [2 * mx, 3 * mx, 4 * mx];
    if (st === 0) {
      for (const fours = n - (n % 4); m > 0; m--, ix += mx, it += mt) {
        let a = totals[it];
        let b = 0;
        let c = 0;
        let d = 0;
        let i = ix;
        for (let j = 0; j < fours; j += 4, i += x4) {
          a += x[i];
          b += x[i + sx];
          c += x[i + x2];
          d += x[i + x3];
        }
        for (let j = fours; j < n; j++, i += sx) a += x[i];
        totals[it] = a + b + (c + d);
      }
      return;
    }
    if (mt === 0) {
      for (; m >= 4; m -= 4, ix += x4) {
        for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] + x[i + mx] + (x[i + x2] + x[i + x3]);
      }
    }
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i];
  },
  sumOfSquares(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = 0;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a += x[i] * x[i];
          b += x[i + sx] * x[i + sx];
        }
        if (n % 2 === 1) a += x[i] * x[i];
        totals[it] = a + b;
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] += x[i] * x[i];
    }
  },
  prod(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] *= x[i];
  },
  min(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = Infinity;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a = Math.min(a, x[i]);
          b = Math.min(b, x[i + sx]);
        }
        if (n % 2 === 1) a = Math.min(a, x[i]);
        totals[it] = Math.min(a, b);
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.min(totals[t], x[i]);
    }
  },
  max(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) {
      if (st === 0) {
        let a = totals[it];
        let b = -Infinity;
        let i = ix;
        for (let j = n; j >= 2; j -= 2, i += 2 * sx) {
          a = Math.max(a, x[i]);
          b = Math.max(b, x[i + sx]);
        }
        if (n % 2 === 1) a = Math.max(a, x[i]);
        totals[it] = Math.max(a, b);
      } else for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) totals[t] = Math.max(totals[t], x[i]);
    }
  },
  all(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) if (x[i] === 0) totals[t] = 0;
  },
  any(m, n, x, ix, mx, sx, totals, it, mt, st) {
    for (; m > 0; m--, ix += mx, it += mt) for (let j = 0, i = ix, t = it; j < n; j++, i += sx, t += st) if (x[i] !== 0) totals[t] = 1;
  },
};
