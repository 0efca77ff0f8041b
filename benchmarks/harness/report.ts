import type { CaseResult, Timing } from './bench.ts';

const perSecond = { 'GFLOP/s': 1e9, 'GB/s': 1e9, 'tokens/s': 1, 'sentences/s': 1, 'starts/s': 1 };

/** Work in a second, in the case's unit, at the best time; or the peak memory, for what is not known none. */
export function rateOf({ work: { amount, unit } }: Pick<CaseResult, 'work'>, { best, peakMemory = 0 }: Timing): number {
  if (unit === 'MiB') return peakMemory / 2 ** 20;
  return amount / (best / 1e3) / perSecond[unit];
}

/** One JSON object for a case and a contestant: the form that every bench of the project prints. */
export function jsonLine(result: CaseResult, timing: Timing): string {
  const { bench, case: name, work: { unit } } = result;
  const { contestant, threads, best: ms } = timing;
  return JSON.stringify({ bench, case: name, threads, contestant, ms, rate: rateOf(result, timing), unit });
}

const digits = (value: number): string => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3).includes('e') ? value.toFixed(6) : value.toPrecision(3));

/** A case for the terminal. The last column says how many times as long as the first contestant, Strided, each took. */
export function table(result: CaseResult): string {
  const { timings: [reference] } = result;
  const memory = result.work.unit !== 'MiB' && result.timings.some(({ peakMemory }) => peakMemory !== undefined);
  const rows = result.timings.map((timing) => [
    timing.contestant, String(timing.threads), digits(timing.best), digits(timing.median), digits(rateOf(result, timing)), `${(timing.best / reference.best).toFixed(2)}×`,
    ...(memory ? [timing.peakMemory === undefined ? '' : (timing.peakMemory / 2 ** 20).toFixed(0)] : []),
  ]);
  const header = [result.case, 'threads', 'best ms', 'median ms', result.work.unit, 'time', ...(memory ? ['peak MiB'] : [])];
  const widths = [34, 7, 10, 10, 10, 9, 9];
  return [header, ...rows].map((row, r) => row.map((cell, c) => (c === 0 ? `${r > 0 ? '  ' : ''}${cell}`.padEnd(widths[0]) : cell.padStart(widths[c]))).join(' ')).join('\n');
}
