interface KernelLevel {
  readonly name: string;
  /** Why this host cannot run the level; null when it can. */
  readonly lack: () => string | null;
}

/** Every kernel level; the parity and golden tests run on each that the host has. */
export const kernelLevels: readonly KernelLevel[] = [{ name: 'js', lack: () => null }];

/** The thread counts that give the same numbers, bit for bit. */
export const threadCounts = [1, 2] as const;
