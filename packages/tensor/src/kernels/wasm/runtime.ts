import type { ModuleLevel } from './embedded.ts';
import type { Exports } from './exports.ts';
import type { Heap } from './heap.ts';
import type { Pool } from './pool.ts';

/** A level at work: the kernels' functions and the memory that they compute in. */
export interface Runtime {
  readonly level: ModuleLevel;
  readonly exports: Exports;
  readonly heap: Heap;
  /** The threads that share large work; without it the calling thread does all. */
  readonly pool?: Pool;
}
