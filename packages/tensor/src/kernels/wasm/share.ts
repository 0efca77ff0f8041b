import type { Exports } from './exports.ts';
import { clearUpperHalves } from './simd256.ts';
import type { Runtime } from './runtime.ts';

/** The kernels' functions that do their work in parts. */
export type JobName = Exclude<keyof Exports, `${string}Bytes`>;

/**
 * Work below this is not shared, in multiply-adds: 20 µs in 256-bit registers. With the workers awake a quarter of it
 * already gains (handing out takes 0.3 µs, and a product packs and multiplies); with them asleep nothing this small does.
 */
export const sharing = { from: 1 << 20 };

/**
 * In how many parts to do work of about `work` multiply-adds. No result depends on it: parts are whole tiles, rows or
 * values. The first work that is worth it starts the workers.
 */
export function partsFor({ pool }: Runtime, work: number): number {
  if (pool === undefined || work < sharing.from) return 1;
  pool.start();
  return pool.present;
}

/**
 * Does all parts of a job, each of which finds its scratch memory in the record. Other threads may still be at theirs
 * afterwards, until somebody looks into the memory or runs the next: the pause between two jobs is then no pause for them.
 */
export function runJob({ level, exports, heap, pool }: Runtime, name: JobName, job: number, parts: number): void {
  heap.settle();
  if (parts === 1 || pool === undefined) {
    exports[name](job, 0, 1);
  } else {
    pool.run(name, job, parts);
    heap.leave(pool);
  }
  if (level === 'simd256') clearUpperHalves();
}
