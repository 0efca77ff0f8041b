import { isDrawable } from './numbers.ts';

/** A linear axis: its ends, its ticks, and where a value lies between the ends, from 0 to 1. */
export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly ticks: readonly number[];
  at(value: number): number;
}

export interface ScaleOptions {
  /** About how many ticks. Default 5. */
  readonly count?: number;
  /** Ticks on whole numbers only, as for steps. Default false. */
  readonly integer?: boolean;
  /** End the axis at the data instead of the next tick. Default false. */
  readonly tight?: boolean;
}

/** The least and the greatest of the values that an axis can hold, or null if there is none. */
export function extentOf(values: Iterable<number>): readonly [min: number, max: number] | null {
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (!isDrawable(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min <= max ? [min, max] : null;
}

/** The smallest of 1, 2 or 5 times a power of ten that is at least `least`. */
function niceStep(least: number): number {
  const exponent = Math.floor(Math.log10(least));
  // The logarithm may be off by one ulp at a power of ten; reading '5e-7' is exact where 5 * 10 ** -7 is not.
  const steps = [`1e${exponent}`, `2e${exponent}`, `5e${exponent}`, `1e${exponent + 1}`].map(Number);
  return steps.find((step) => step >= least * (1 - 1e-12)) ?? steps[3];
}

/** Room around a domain of one value (or so narrow that doubles could not tell its ticks apart, or whole numbers fill it). */
function widen(min: number, max: number, integer: boolean): readonly [number, number] {
  const size = Math.max(Math.abs(min), Math.abs(max));
  if (size === 0) return [0, 1];
  if (max - min > Math.max(size * 1e-9, 1e-290) && (!integer || max - min >= 1)) return [min, max];
  const room = integer ? Math.max(1, size * 1e-9) : size > 1e-280 ? size * 0.1 : 1;
  return [min - room, max + room];
}

/**
 * An axis over [min, max] with ticks at multiples of 1, 2 or 5 times a power of ten.
 *
 * @example
 * linearScale(0.3, 9.1).ticks; // [0, 2, 4, 6, 8, 10]
 */
export function linearScale(min: number, max: number, { count = 5, integer = false, tight = false }: ScaleOptions = {}): Scale {
  const [low, high] = widen(min, max, integer);
  const step = Math.max(niceStep((high - low) / count), integer ? 1 : 0);
  // A hair of tolerance, so that 0.3 / 0.1 = 2.9999999999999996 counts as a multiple.
  const hair = 1e-6;
  const first = tight ? Math.ceil(low / step - hair) : Math.floor(low / step + hair);
  const last = tight ? Math.floor(high / step + hair) : Math.ceil(high / step - hair);
  const ticks = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(14)) || 0);
  const from = tight ? low : Math.min(low, ticks[0]);
  const to = tight ? high : Math.max(high, ticks[ticks.length - 1]);
  return { min: from, max: to, step, ticks, at: (value) => (value - from) / (to - from) };
}
