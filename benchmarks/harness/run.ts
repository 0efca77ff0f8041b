import type { Bench, BenchOptions, CaseResult, Racer } from './bench.ts';
import { local } from './local.ts';
import { race } from './measure.ts';
import { verify } from './verify.ts';

/** Runs the cases of a bench one by one: contestants are made, compared, and only then timed. */
export async function* runBench(bench: Bench, options: BenchOptions): AsyncGenerator<CaseResult> {
  const { threads, filter, rounds } = options;
  const most = bench.threads[bench.threads.length - 1];
  const tooMany = threads.find((count) => count > most);
  if (tooMany !== undefined) throw new Error(`${bench.name} runs on at most ${most} thread${most === 1 ? '' : 's'}, not ${tooMany}`);
  try {
    const all = await bench.cases(options);
    const chosen = all.filter(({ name }) => name.includes(filter));
    if (chosen.length === 0) throw new Error(`no case of ${bench.name} contains '${filter}'; it has: ${all.map(({ name }) => name).join(', ')}`);
    for (const one of chosen) {
      const racers = (await one.prepare()).map((entry) => ('run' in entry ? local(entry) : entry));
      try {
        await verify(one, racers);
        const timings = await race(racers, rounds ?? one.rounds, one.patience, one.turn);
        if (one.memory) for (let i = 0; i < racers.length; i++) timings[i] = { ...timings[i], ...await memoryOf(racers[i]) };
        yield { bench: bench.name, case: one.name, work: one.work, timings, bars: one.bars ?? [], notes: await one.notes?.() ?? [] };
      } finally {
        for (const racer of racers) await racer.close?.();
      }
    }
  } finally {
    await bench.close?.();
  }
}

async function memoryOf(racer: Racer): Promise<{ readonly peakMemory?: number }> {
  return racer.peakMemory === undefined ? {} : { peakMemory: await racer.peakMemory() };
}
