import { configure, EngineError, engineInfo, ready, scope, type KernelLevel, type Tensor } from '@strided/tensor';
import { currentRuntime } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import type { Contestant } from '../harness/bench.ts';

/** A kernel level of this engine on this host, and what it is called in a race: `strided` is what `auto` takes. */
export interface Level {
  readonly name: string;
  readonly level: KernelLevel;
}

/** How a case is computed at a level. */
export type Way<R> = Pick<Contestant<R>, 'run' | 'read' | 'close'>;

/** Ends a run: its call may have returned while other threads were still at the last job. */
export function release(): void {
  currentRuntime(0)?.heap.settle();
}

/** In a scope that keeps nothing: results lie in the kernels' memory. What is read is computed once more and moved out. */
export function inScope(compute: () => Tensor | readonly Tensor[]): Way<void> {
  return { run: () => scope(() => void compute()), read: () => valuesOf(scope(compute)) };
}

/** The values of results one after the other. */
export function valuesOf(results: Tensor | readonly Tensor[]): Float32Array {
  const parts = ('storage' in results ? [results] : results).map((result) => result.toTypedArray() as Float32Array);
  const all = new Float32Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Every level that the host has, the one that `auto` takes first; those that it lacks are named on stderr. */
export async function levels(): Promise<Level[]> {
  configure({ kernels: 'auto', threads: 1 });
  await ready();
  const { level: automatic, reason } = engineInfo();
  if (reason !== '') console.error(`bench: strided is the level ${automatic} here (${reason})`);
  const found: Level[] = [{ name: 'strided', level: automatic }];
  for (const level of ['simd256', 'relaxed', 'simd128', 'js'] as const) {
    if (level === automatic) continue;
    try {
      configure({ kernels: level });
      found.push({ name: `strided-${level}`, level });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      console.error(`bench: strided-${level} is left out: ${error.message}`);
    }
  }
  return found;
}

/** Sets the engine to a level and threads, and sees that they are there. */
export async function enter(level: KernelLevel, threads: number): Promise<void> {
  configure({ kernels: level, threads });
  await ready();
  expectRunning(level, threads);
}

/** Refuses an engine that computes at another level, or on other threads. */
export function expectRunning(level: KernelLevel, threads: number): void {
  const info = engineInfo();
  if (info.level !== level || info.threads !== threads || !info.threadsReady) {
    throw new Error(`strided computes at ${info.level} on ${info.threads} threads (ready: ${info.threadsReady}), not at ${level} on ${threads}`);
  }
}

/** The contestants of all levels on each number of threads. The js loops have but one. */
export async function atLevels<R>(found: readonly Level[], threads: readonly number[], make: (level: KernelLevel) => Way<R>): Promise<Contestant<R>[]> {
  const contestants: Contestant<R>[] = [];
  for (const wanted of threads) {
    for (const { name, level } of found) {
      if (level === 'js' && wanted !== threads[0]) continue;
      const count = level === 'js' ? 1 : wanted;
      await enter(level, count);
      const way = make(level);
      contestants.push({ name, threads: count, ...way, release, enter: count === 1 ? () => enter(level, 1) : sharing(name, count, () => enter(level, count), () => way.run()) });
    }
  }
  return contestants;
}

/** On a busy machine a worker may sleep through some runs, but not through so many. */
const chances = 200;

/** `set`, after which it is seen, once, that workers do execute a part of the work. */
export function sharing(name: string, threads: number, set: () => void | Promise<void>, run: () => unknown): () => Promise<void> {
  const before = engineInfo().workerParts;
  let seen = false;
  return async () => {
    await set();
    for (let runs = 0; !seen && runs < chances; runs++) {
      await run();
      seen = engineInfo().workerParts > before;
    }
    if (!seen) throw new Error(`${name} on ${threads} threads: no worker did any of the work`);
  };
}
