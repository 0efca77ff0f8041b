import type { Racer, Timing } from './bench.ts';

/**
 * Contestants take turns in many short rounds, so that a machine that is busy for a while is busy for all of them.
 */

/** Nanoseconds: in a run as long the compiler's part is nothing. */
const longRun = 5e8;

/**
 * Times contestants beside each other: `rounds` times each has a turn of `turn` ms, at least one run. One that takes longer
 * than `patience` ms is timed once, and all its rounds take no more than three times that.
 */
export async function race(racers: readonly Racer[], rounds = 12, patience = 500, turn = 15): Promise<Timing[]> {
  const samples: number[][] = racers.map(() => []);
  const spent = racers.map(() => 0);
  for (let round = -1; round < rounds; round++) {
    for (let place = 0; place < racers.length; place++) {
      // Who goes first changes from round to round.
      const who = (place + Math.max(round, 0)) % racers.length;
      if (spent[who] > 3e6 * patience) continue;
      const times = await racers[who].round(1e6 * turn);
      const slow = times.every((time) => time > 1e6 * patience);
      // The round before the first is for the compiler.
      if (round < 0 && !slow && times.every((time) => time < longRun)) continue;
      spent[who] += slow ? Infinity : times.reduce((sum, time) => sum + time, 0);
      for (const time of times) samples[who].push(time);
    }
  }
  return racers.map(({ name, threads }, who) => {
    const sorted = samples[who].sort((a, b) => a - b);
    return { contestant: name, threads, best: sorted[0] / 1e6, median: sorted[sorted.length >> 1] / 1e6 };
  });
}
