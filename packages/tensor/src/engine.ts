import { checkModules, heapBytes, type HostModules } from './kernels/wasm/select.ts';
import { applySettings, checkKernels, checkThreads, currentChoice, currentSettings, levelOf, prepare, type KernelLevel } from './kernels/wasm/settings.ts';

export type { KernelLevel };

export interface EngineOptions {
  /**
   * `js`: plain loops, everywhere; `simd128`: WebAssembly SIMD; `relaxed`: with fused multiply-add; `simd256`: compiled
   * to 256-bit registers (Node 24 and newer on x86-64). Default `auto`: the highest that works.
   */
  readonly kernels?: KernelLevel | 'auto';
  /**
   * How many threads share large work; `auto`: as many as the host runs at once, eight at most. It needs
   * SharedArrayBuffer, which a page has when it is cross-origin isolated; without it one thread computes. No result
   * depends on it.
   */
  readonly threads?: number | 'auto';
  /**
   * Modules that the host compiled from the package's `wasm/relaxed.wasm`, or for simd128 from a file that its build wrote with
   * `wasmBytes`, where compiling from bytes is forbidden (workerd). Those of earlier calls stay; `undefined` takes one back. They compute in unshared
   * memory, so on one thread. simd256 has none: it is nothing without the flags of V8 that the engine sets while it compiles.
   *
   * @example
   * import relaxed from '@strided/tensor/wasm/relaxed.wasm';
   * configure({ modules: { relaxed } });
   */
  readonly modules?: HostModules;
}

/** What computes. */
export interface EngineInfo {
  /** What `configure` or the environment asked for. */
  readonly kernels: KernelLevel | 'auto';
  /** The level that runs. */
  readonly level: KernelLevel;
  /** What keeps a higher level from running; empty where none does. */
  readonly reason: string;
  /** How many threads take part in large work, the calling one among them, once all are ready. */
  readonly threads: number;
  /** Whether all of them have reported ready: workers start with the first large work, or by `ready()`. */
  readonly threadsReady: boolean;
  /** How many parts of work other threads than the calling one have done. */
  readonly workerParts: number;
  /** The kind of WebAssembly memory that the kernels compute in. */
  readonly memory: 'none' | 'unshared' | 'shared';
  /** Bytes of it that the host has given. */
  readonly memoryBytes: number;
}

/**
 * Chooses what computes, for the whole process; what is left out stays. Without it the environment variables
 * STRIDED_KERNELS and STRIDED_THREADS are obeyed, and without those all is `auto`.
 *
 * @throws EngineError when this host lacks the level that is named (`auto` never throws); what ran before stays.
 * @throws ArgumentError for a name, a number or a module that makes no sense.
 * @example
 * configure({ kernels: 'relaxed' });
 */
export function configure(options: EngineOptions): void {
  const before = currentSettings();
  applySettings({
    kernels: options.kernels === undefined ? before.kernels : checkKernels('configure', options.kernels),
    threads: options.threads === undefined ? before.threads : checkThreads('configure', options.threads),
    modules: { ...before.modules, ...checkModules('configure', options.modules ?? {}) },
  });
}

/**
 * Which level runs, on how many threads, and why. Starts the engine if no large work has yet.
 *
 * @example
 * engineInfo().level; // 'simd256'
 */
export function engineInfo(): EngineInfo {
  const choice = currentChoice();
  const pool = choice.runtime?.pool;
  const threads = pool?.threads ?? 1;
  return {
    kernels: currentSettings().kernels,
    level: levelOf(choice),
    reason: choice.reason,
    threads,
    threadsReady: pool === undefined || pool.present >= threads,
    workerParts: pool?.partsDone ?? 0,
    memory: choice.runtime === null ? 'none' : pool === undefined ? 'unshared' : 'shared',
    memoryBytes: heapBytes(),
  };
}

/**
 * Starts the engine now instead of with the first large work, and resolves when all of it is ready:
 * the modules compiled and every worker thread at its place, or known not to come.
 *
 * @example
 * await ready(); // before a benchmark, or while a page loads
 */
export async function ready(): Promise<void> {
  await prepare();
}
