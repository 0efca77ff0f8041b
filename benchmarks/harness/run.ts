import type { Bench, BenchOptions, CaseResult } from './bench.ts';
import { race } from './measure.ts';
import { verify } from './verify.ts';

/** Runs the cases of a bench one by one: contestants are made, compared, and only then timed. */
export async function* runBench(bench: Bench, options: BenchOptions): AsyncGenerator<CaseResult> {
  const { threads, filter, rounds } = options;
  if (threads > bench.maxThreads) {
    throw new Error(`${bench.name} runs on at most ${bench.maxThreads} thread${bench.maxThreads === 1 ? '' : 's'}, not ${threads}`);
  }
  const all = await bench.cases(options);
  const chosen = all.filter(({ name }) => name.includes(filter));
  if (chosen.length === 0) throw new Error(`no case of ${bench.name} contains '${filter}'; it has: ${all.map(({ name }) => name).join(', ')}`);
  for (const one of chosen) {
    const contestants = await one.prepare();
    await verify(one, contestants);
    yield { bench: bench.name, case: one.name, threads, work: one.work, timings: await race(contestants, rounds) };
  }
}
