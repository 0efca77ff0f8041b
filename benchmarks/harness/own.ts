import type { Level } from '../libraries/strided.ts';
import type { Racer } from './bench.ts';
import { freshRacer } from './fresh.ts';
import { hostOf } from './peers.ts';
import type { Remote } from './remote.ts';

/** Strided at its levels, each in a process of its own: what a whole model holds in memory belongs to one program. */
export class OwnProcesses {
  readonly #started = new Map<string, Promise<Remote>>();

  #start(name: string, threads: number): Promise<Remote> {
    const key = `${name} ${threads}`;
    let remote = this.#started.get(key);
    if (remote === undefined) this.#started.set(key, (remote = hostOf(name, threads)));
    return remote;
  }

  /** A racer of each level on each number of threads. The js loops have but one. */
  racers(problem: unknown, levels: readonly Level[], threads: readonly number[]): Promise<Racer[]> {
    return each(levels, threads, async (name, count) => (await this.#start(name, count)).racer(problem));
  }

  async close(): Promise<void> {
    for (const remote of this.#started.values()) (await remote).close();
    this.#started.clear();
  }
}

/** The same with processes that begin anew in every round. */
export function freshOwnRacers(problem: unknown, levels: readonly Level[], threads: readonly number[]): Promise<Racer[]> {
  return each(levels, threads, (name, count) => freshRacer(problem, () => hostOf(name, count)));
}

async function each(levels: readonly Level[], threads: readonly number[], make: (name: string, count: number) => Promise<Racer | null>): Promise<Racer[]> {
  const found: Racer[] = [];
  for (const wanted of threads) {
    for (const { name, level } of levels) {
      if (level === 'js' && wanted !== threads[0]) continue;
      const racer = await make(name, level === 'js' ? 1 : wanted);
      if (racer === null) throw new Error(`${name} has no way to compute this`);
      found.push(racer);
    }
  }
  return found;
}
