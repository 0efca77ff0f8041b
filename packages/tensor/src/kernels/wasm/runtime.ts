import type { Exports } from './exports.ts';
import type { Heap } from './heap.ts';
import type { Pool } from './pool.ts';

/** The levels that are WebAssembly: one module each, and one that takes the place of a part of `relaxed` with modules of its own. */
export type NarrowLevel = 'simd128' | 'relaxed';
export type ModuleLevel = NarrowLevel | 'simd256';

/** A level at work: the kernels' functions and the memory that they compute in. */
export interface Runtime {
  readonly level: ModuleLevel;
  readonly exports: Exports;
  readonly heap: Heap;
  /** The threads that share large work; without it the calling thread does all. */
  readonly pool?: Pool;
}
