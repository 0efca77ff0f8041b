import { attempt } from '../../packages/tensor/src/kernels/wasm/select.ts';

interface KernelLevel {
  readonly name: string;
  /** Why this host cannot run the level; null when it can. */
  readonly lack: () => string | null;
}

/** By starting it, as the engine would. */
const lackOf = (name: 'simd128' | 'relaxed' | 'simd256') => (): string | null => {
  const found = attempt(name, {}, false);
  return 'lack' in found ? found.lack : null;
};

/** Every kernel level; the parity and golden tests run on each that the host has. */
export const kernelLevels: readonly KernelLevel[] = [
  { name: 'js', lack: () => null },
  { name: 'simd128', lack: lackOf('simd128') },
  { name: 'relaxed', lack: lackOf('relaxed') },
  { name: 'simd256', lack: lackOf('simd256') },
];

/** The thread counts that give the same numbers, bit for bit. */
export const threadCounts = [1, 2] as const;
