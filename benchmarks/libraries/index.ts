import type { Contestant } from '../harness/bench.ts';
import type { PeerName } from '../harness/peers.ts';
import type { Problem } from '../problems.ts';

/** A library that has a process of its own. */
export interface Library {
  /** Its way to compute the problem, or null where it has none. */
  contestant(problem: Problem): Contestant | null | Promise<Contestant | null>;
}

export const libraries: Readonly<Record<string, (threads: number) => Promise<Library>>> = {
  'onnxruntime-web': async (threads) => (await import('./onnxruntime.ts')).onnxruntimeWeb(threads),
  'onnxruntime-node': async (threads) => (await import('./onnxruntime.ts')).onnxruntimeNode(threads),
  'tfjs-wasm': async () => (await import('./tfjsProblems.ts')).tfjsWasm(),
  'jax-js': async () => (await import('./jax.ts')).jax(),
  'numpy-ts': async () => (await import('./numpyProblems.ts')).numpyTs(),
} satisfies Record<Exclude<PeerName, 'pytorch'>, (threads: number) => Promise<Library>>;
