import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { do_not_optimize as sink, measure } from 'mitata/src/lib.mjs';
import type { Contestant, Timing } from './bench.ts';

/**
 * Contestants take turns in many short rounds, so that a machine that is busy for a while is busy for all of them.
 * mitata times a round: a fresh loop for each, so that no contestant's calls spoil another's.
 */

/** One round of one contestant, in nanoseconds; at least one run. */
const roundTime = 15e6;
/** A contestant whose rounds took longer than this together sits out the rest; so does one that is this slow once, at its first. */
const totalTime = 1.5e9;
const slowTime = 0.5e9;

const options = {
  // One run to warm up, then samples; runs below 20 µs are timed 256 at a time.
  min_samples: 1, warmup_samples: 1, warmup_threshold: 20e3, batch_threshold: 20e3, batch_samples: 256, batch_unroll: 4,
  // The best and the worst are kept: the best is what we look for.
  samples_threshold: Number.MAX_SAFE_INTEGER,
};

/** Times contestants beside each other. */
export async function race(contestants: readonly Contestant[], rounds = 12): Promise<Timing[]> {
  const runners = contestants.map(runnerOf);
  const samples: number[][] = contestants.map(() => []);
  const spent = contestants.map(() => 0);
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < runners.length; turn++) {
      // Who goes first changes from round to round.
      const who = (turn + Math.max(round, 0)) % runners.length;
      if (spent[who] > totalTime) continue;
      const stats = await measure(runners[who], { ...options, min_cpu_time: roundTime, gc: collectGarbage });
      // The round before the first is for the compiler.
      if (round < 0 && stats.min < slowTime) continue;
      spent[who] += stats.min < slowTime ? stats.avg * stats.ticks : Infinity;
      samples[who].push(...stats.samples);
    }
  }
  return contestants.map(({ name }, who) => {
    const sorted = samples[who].sort((a, b) => a - b);
    return { contestant: name, best: sorted[0] / 1e6, median: sorted[sorted.length >> 1] / 1e6 };
  });
}

function runnerOf(contestant: Contestant): () => unknown {
  return () => {
    const result = contestant.run();
    if (result instanceof Promise) return finish(contestant, result);
    sink(result);
    contestant.release?.(result);
    return undefined;
  };
}

async function finish(contestant: Contestant, promise: Promise<unknown>): Promise<void> {
  // Not as the argument of `release?.()`: without a release it would not be awaited.
  const result = await promise;
  contestant.release?.(result);
}

setFlagsFromString('--expose-gc');
/** Before each round, so that none pays for what another left behind. */
const collectGarbage = runInNewContext('gc') as () => void;
