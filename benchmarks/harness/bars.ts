import type { Bar, CaseResult, Entrant, Timing } from './bench.ts';

/** A bar beside its figure. */
export interface Verdict {
  readonly bar: Bar;
  /** How many times the speed of the fastest of the others; null where the case lacks what it takes to say. */
  readonly ratio: number | null;
  readonly text: string;
}

const label = ({ name, threads }: Entrant): string => `${name} (${threads} thread${threads === 1 ? '' : 's'})`;

function find({ timings }: CaseResult, { name, threads }: Entrant): Timing | undefined {
  return timings.find((timing) => timing.contestant === name && timing.threads === threads);
}

/** Judges a case's bars by its best times, or by its peak memory. */
export function judge(result: CaseResult): Verdict[] {
  return result.bars.map((bar) => {
    const { ours, against, atLeast, of = 'time' } = bar;
    const cost = ({ best, peakMemory }: Timing): number => (of === 'time' ? best : peakMemory ?? NaN);
    const others = against.length === 1 ? label(against[0]) : `the best of ${against.map(label).join(', ')}`;
    const asked = of === 'time' ? `${label(ours)} at least ${atLeast}× ${others}` : `${label(ours)} in at most 1/${atLeast} of the memory of ${others}`;
    const mine = find(result, ours);
    const rivals = against.map((entrant) => find(result, entrant)).filter((timing) => timing !== undefined);
    if (mine === undefined || rivals.length === 0) {
      const missing = mine === undefined ? label(ours) : others;
      return { bar, ratio: null, text: `  not measured  ${asked}: ${missing} took no part` };
    }
    const fastest = rivals.reduce((best, timing) => (cost(timing) < cost(best) ? timing : best));
    const ratio = cost(fastest) / cost(mine);
    const found = `${of === 'time' ? `${ratio.toFixed(2)}×` : `1/${ratio.toFixed(2)}`}${against.length === 1 ? '' : ` (${fastest.contestant})`}`;
    const text = ratio >= atLeast ? `  met           ${asked}: ${found}` : `  MISSED        ${asked}: ${found}, ${(100 * (1 - ratio / atLeast)).toFixed(0)}% short`;
    return { bar, ratio, text };
  });
}
