import { EngineError } from '../../errors.ts';
import { refusal } from './earn.ts';
import { embedded, type ModuleLevel } from './embedded.ts';
import type { Exports, WideExports } from './exports.ts';
import { createMemory, Heap } from './heap.ts';
import type { Runtime } from './runtime.ts';
import { compileWide, lackOfWide, type HostProcess } from './simd256.ts';

/** Modules that the host compiled itself, where compiling from bytes is forbidden. */
export type HostModules = Readonly<Partial<Record<ModuleLevel, WebAssembly.Module>>>;

/** A level that runs, or why it does not. */
export type Attempt = { readonly runtime: Runtime } | { readonly lack: string };

const host = (globalThis as { process?: HostProcess }).process;

/** One heap for all levels: a level that is chosen later finds the memory that is there. */
let heap: Heap | null = null;
function theHeap(): Heap {
  heap ??= new Heap(createMemory());
  return heap;
}

const instances = new Map<WebAssembly.Module | ModuleLevel, Exports>();

/** The narrow modules differ by what the host's WebAssembly knows. */
function load(level: 'simd128' | 'relaxed', modules: HostModules): Exports {
  const given = modules[level];
  const key = given ?? level;
  let exports = instances.get(key);
  if (exports === undefined) {
    const module = given ?? compiled.get(level) ?? new WebAssembly.Module(embedded(level));
    exports = instantiate<Exports>(module);
    instances.set(key, exports);
  }
  return exports;
}

function instantiate<E extends Exports>(module: WebAssembly.Module): E {
  return new WebAssembly.Instance(module, { env: { memory: theHeap().memory } }).exports as unknown as E;
}

const compiled = new Map<ModuleLevel, WebAssembly.Module>();

/** Compiles the narrow modules outside the main flow: browsers limit what may be compiled synchronously. */
export async function precompile(modules: HostModules): Promise<void> {
  for (const level of ['relaxed', 'simd128'] as const) {
    if (modules[level] !== undefined || compiled.has(level) || instances.has(level)) return;
    if (lackOf(level, modules) !== null) continue;
    const module = await WebAssembly.compile(embedded(level)).catch(() => null);
    if (module !== null) compiled.set(level, module);
    return;
  }
}

/** Why the host cannot run a level, as far as it shows without compiling; null when it can. */
export function lackOf(level: ModuleLevel, modules: HostModules): string | null {
  if (typeof WebAssembly === 'undefined') return 'this host has no WebAssembly';
  if (modules[level] !== undefined) return null;
  if (!WebAssembly.validate(embedded(level === 'simd256' ? 'relaxed' : level))) {
    return level === 'simd128' ? 'its WebAssembly has no SIMD' : 'its WebAssembly has no relaxed SIMD (Node 22, Chrome 114 or Firefox 145 have)';
  }
  return level === 'simd256' ? lackOfWide(host) : null;
}

/** Starts a level. `timed`: simd256 must also be faster than the others. */
export function attempt(level: ModuleLevel, modules: HostModules, timed: boolean): Attempt {
  const lack = lackOf(level, modules);
  if (lack !== null) return { lack };
  try {
    if (level !== 'simd256') return { runtime: { level, exports: load(level, modules), heap: theHeap() } };
    return attemptWide(modules, timed);
  } catch (error) {
    return { lack: `the host refused the module: ${error instanceof Error ? error.message : String(error)}` };
  }
}

let wide: { readonly exports: WideExports; readonly module: WebAssembly.Module | undefined } | null = null;

function attemptWide(modules: HostModules, timed: boolean): Attempt {
  const relaxed = load('relaxed', modules);
  if (wide === null || wide.module !== modules.simd256) {
    wide = { exports: instantiate<WideExports>(modules.simd256 ?? compileWide(embedded('simd256'), host ?? {})), module: modules.simd256 };
  }
  const reason = refusal(wide.exports, relaxed, theHeap(), timed);
  if (reason !== null) return { lack: reason };
  return { runtime: { level: 'simd256', exports: { ...relaxed, ...wide.exports }, heap: theHeap() } };
}

/** Bytes of WebAssembly memory that the engine has. */
export function heapBytes(): number {
  return heap?.size ?? 0;
}

/** The highest level that works, or why none does. */
export function best(modules: HostModules): Attempt & { readonly reason: string } {
  const refused: string[] = [];
  for (const level of ['simd256', 'relaxed', 'simd128'] as const) {
    const found = attempt(level, modules, true);
    if ('runtime' in found) return { ...found, reason: refused.join('; ') };
    refused.push(`${level}: ${found.lack}`);
  }
  return { lack: refused.join('; '), reason: refused.join('; ') };
}

/** A level that was asked for by name. */
export function exactly(level: ModuleLevel, modules: HostModules): Runtime {
  const found = attempt(level, modules, false);
  if ('runtime' in found) return found.runtime;
  throw new EngineError(`configure: this host cannot run the kernels '${level}': ${found.lack}; use 'auto', which takes the best level that works`);
}
