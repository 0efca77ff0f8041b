import type { Racer } from './bench.ts';
import type { Remote } from './remote.ts';

/**
 * A contestant that begins anew in every round: in a process of its own it makes what it needs and computes the problem
 * once. Starting the process and its imports are no part of the time. Null where its library cannot compute the problem.
 */
export async function freshRacer(problem: unknown, start: () => Promise<Remote>): Promise<Racer | null> {
  const once = async () => {
    const remote = await start();
    try {
      return { name: remote.name, threads: remote.threads, found: await remote.first(problem) };
    } finally {
      remote.close();
    }
  };
  const { name, threads, found } = await once();
  if (found === null) return null;
  return {
    name,
    threads,
    numbers: () => Promise.resolve(found.numbers),
    round: async () => {
      const again = await once();
      return again.found === null ? [] : [again.found.nanoseconds];
    },
  };
}
