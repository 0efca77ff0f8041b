import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { do_not_optimize as sink, measure } from 'mitata/src/lib.mjs';
import type { Contestant, Racer } from './bench.ts';

const options = {
  // One run to warm up, then samples; runs below 20 µs are timed 256 at a time.
  min_samples: 1, warmup_samples: 1, warmup_threshold: 20e3, batch_threshold: 20e3, batch_samples: 256, batch_unroll: 4,
  // The best and the worst are kept: the best is what we look for.
  samples_threshold: Number.MAX_SAFE_INTEGER,
};

/** Milliseconds. */
const slowRun = 500;

/** Times a contestant in this process. mitata times a round: a fresh loop for each, so that no contestant's calls spoil another's. */
export function local(contestant: Contestant): Racer {
  const { name, threads = 1 } = contestant;
  const runner = (): unknown => {
    const result = contestant.run();
    if (result instanceof Promise) return finish(contestant, result);
    sink(result);
    contestant.release?.(result);
    return undefined;
  };
  // Whether a run takes so long that running once to warm up would change nothing.
  let slow = false;
  const single = async (): Promise<number> => {
    const begin = performance.now();
    await runner();
    return (performance.now() - begin) * 1e6;
  };
  return {
    name,
    threads,
    async numbers() {
      await contestant.enter?.();
      const begin = performance.now();
      const result = await contestant.run();
      slow = performance.now() - begin > slowRun;
      // A copy: libraries hand out views of memory that the next contestant may reuse.
      const numbers = contestant.read === undefined ? null : Float64Array.from(await contestant.read(result));
      contestant.release?.(result);
      return numbers;
    },
    async round(duration) {
      await contestant.enter?.();
      if (slow) {
        collectGarbage();
        return [await single()];
      }
      return (await measure(runner, { ...options, min_cpu_time: duration, gc: collectGarbage })).samples;
    },
    close: () => contestant.close?.(),
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
