import { kernelLevels } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import type { ModelProblem } from '../bert/problem.ts';
import type { Contestant } from '../harness/bench.ts';
import type { PeerName } from '../harness/peers.ts';
import type { Problem } from '../problems.ts';

/** A library that has a process of its own. */
export interface Library {
  /** Its way to compute the problem, or null where it has none. */
  contestant(problem: Problem): Contestant | null | Promise<Contestant | null>;
  /** The same for a whole model. */
  model?(problem: ModelProblem): Promise<Contestant | null>;
}

const peers = {
  'onnxruntime-web': async (threads) => (await import('./onnxruntime.ts')).onnxruntimeWeb(threads),
  'onnxruntime-node': async (threads) => (await import('./onnxruntime.ts')).onnxruntimeNode(threads),
  'transformers.js': async (threads) => (await import('./transformersJs.ts')).transformersJs(threads),
  'tfjs-wasm': async () => (await import('./tfjsProblems.ts')).tfjsWasm(),
  'jax-js': async () => (await import('./jax.ts')).jax(),
  'numpy-ts': async () => (await import('./numpyProblems.ts')).numpyTs(),
} satisfies Record<Exclude<PeerName, 'pytorch' | 'sentence-transformers'>, (threads: number) => Promise<Library>>;

/** Ours, where it has a process of its own: `strided` is the level that `auto` takes. */
const own = Object.fromEntries(['auto' as const, ...kernelLevels].map((level) => {
  const name = level === 'auto' ? 'strided' : `strided-${level}`;
  return [name, async (threads: number) => (await import('./stridedModel.ts')).stridedModel(name, level, threads)] as const;
}));

export const libraries: Readonly<Record<string, (threads: number) => Promise<Library>>> = { ...peers, ...own };
