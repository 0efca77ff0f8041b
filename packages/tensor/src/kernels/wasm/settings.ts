import { ArgumentError } from '../../errors.ts';
import { maxParts, type MemoryKind } from './heap.ts';
import { defaultThreads, Pool } from './pool.ts';
import type { ModuleLevel, Runtime } from './runtime.ts';
import { attempt, best, exactly, lackOf, lackOfSharing, precompile, type HostModules, type Started } from './select.ts';

/** The kernel levels, slowest first. */
export const kernelLevels = ['js', 'simd128', 'relaxed', 'simd256'] as const;
export type KernelLevel = (typeof kernelLevels)[number];

export interface Settings {
  readonly kernels: KernelLevel | 'auto';
  readonly threads: number | 'auto';
  readonly modules: HostModules;
}

/** What runs: null is the js loops. */
export interface Choice {
  readonly runtime: Runtime | null;
  /** What keeps a higher level from running; empty where none does. */
  readonly reason: string;
}

let settings: Settings | null = null;
let choice: Choice | null = null;

/**
 * Multiply-adds after which a program is worth starting all for: 3 ms of `relaxed`. Compiling and checking simd256 takes
 * ten times as long, and a program that ends before would only ever pay for it.
 */
const worthAll = 1 << 26;
/** Those that this process was asked for, until they were as many. */
let asked = 0;
/** What runs until then: `relaxed` on the calling thread, whose bits are those of simd256 on any number. */
let first: Runtime | null = null;

function environment(name: string): string | undefined {
  // Browsers have no `process`; Deno asks for permission to read its environment, and may throw.
  try {
    const value = (globalThis as { process?: { readonly env?: Record<string, string | undefined> } }).process?.env?.[name];
    return value === '' ? undefined : value;
  } catch {
    return undefined;
  }
}

export function checkKernels(source: string, value: string): KernelLevel | 'auto' {
  const level = ['auto' as const, ...kernelLevels].find((name) => name === value);
  if (level === undefined) throw new ArgumentError(`${source}: '${value}' is not a kernel level; use 'auto', ${kernelLevels.map((name) => `'${name}'`).join(', ')}`);
  return level;
}

export function checkThreads(source: string, value: number | string): number | 'auto' {
  if (value === 'auto') return value;
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1 || count > maxParts) throw new ArgumentError(`${source}: the number of threads must be 'auto' or a whole number from 1 to ${maxParts}, not ${value}`);
  return count;
}

/** What was configured; until then what the environment says. */
export function currentSettings(): Settings {
  settings ??= {
    kernels: checkKernels('STRIDED_KERNELS', environment('STRIDED_KERNELS') ?? 'auto'),
    threads: checkThreads('STRIDED_THREADS', environment('STRIDED_THREADS') ?? 'auto'),
    modules: {},
  };
  return settings;
}

/** How many threads may share work, and so the kind of memory: one thread alone copies faster in and out of its own. */
function plan({ threads, modules }: Settings): { readonly threads: number; readonly kind: MemoryKind } {
  const wanted = threads === 'auto' ? defaultThreads() : threads;
  const kind = wanted > 1 && lackOfSharing(modules) === null ? 'shared' : 'unshared';
  return { threads: kind === 'shared' ? wanted : 1, kind };
}

/** The pools of the levels that have run: an idle one costs nothing, and a program that comes back finds it ready. */
const pools = new Map<string, { readonly pool: Pool; readonly module: WebAssembly.Module }>();

function withThreads({ runtime, modules }: Started, threads: number): Runtime {
  if (threads === 1) return runtime;
  const [module] = modules;
  let known = pools.get(runtime.level);
  if (known?.module !== module) {
    known = { pool: new Pool(runtime.heap.memory, modules, runtime.exports), module };
    pools.set(runtime.level, known);
  }
  known.pool.threads = threads;
  return { ...runtime, pool: known.pool };
}

function choose(wanted: Settings): Choice {
  const { kernels, modules } = wanted;
  if (kernels === 'js') return { runtime: null, reason: 'js was asked for' };
  const { threads, kind } = plan(wanted);
  if (kernels !== 'auto') {
    return { runtime: withThreads(exactly(kernels, modules, kind), threads), reason: kernels === 'simd256' ? '' : `${kernels} was asked for` };
  }
  const found = best(modules, kind);
  return { runtime: 'runtime' in found ? withThreads(found, threads) : null, reason: found.reason };
}

/** Takes new settings. A level that the host lacks is refused now, and what was before stays. */
export function applySettings(next: Settings): void {
  // `auto` waits for the first large work; a level by name is started now, so that its error comes from here.
  const chosen = next.kernels === 'auto' ? null : choose(next);
  settings = next;
  choice = chosen;
  first = null;
}

/** What runs from now on, decided once: here the modules are compiled. */
export function currentChoice(): Choice {
  choice ??= choose(currentSettings());
  return choice;
}

/** The runtime for about `work` multiply-adds, large enough for the heap, or null for the js loops. */
export function currentRuntime(work: number): Runtime | null {
  if (choice !== null) return choice.runtime;
  asked += work;
  first ??= asked < worthAll ? firstRuntime(currentSettings()) : null;
  return asked < worthAll && first !== null ? first : currentChoice().runtime;
}

/** What starts in a millisecond, where simd256 would take longer; null where all does. */
function firstRuntime(wanted: Settings): Runtime | null {
  const { kernels, modules } = wanted;
  if (kernels !== 'auto' || lackOf('simd256', modules, true) !== null) return null;
  const found = attempt('relaxed', modules, false, plan(wanted).kind);
  return 'runtime' in found ? found.runtime : null;
}

/** The runtime, if large work has started it already. */
export function startedRuntime(): Runtime | null {
  return choice === null ? first : choice.runtime;
}

/** As `currentChoice`, with the compiling where the host allows it best, and with every worker started. */
export async function prepare(): Promise<Choice> {
  const now = currentSettings();
  if (choice === null && now.kernels !== 'js' && typeof WebAssembly !== 'undefined') await precompile(now.modules, plan(now).kind);
  const chosen = currentChoice();
  await chosen.runtime?.pool?.ready();
  return chosen;
}

/** The name of what runs. */
export function levelOf({ runtime }: Choice): ModuleLevel | 'js' {
  return runtime?.level ?? 'js';
}
