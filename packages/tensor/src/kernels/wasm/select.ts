import { ArgumentError, EngineError } from '../../errors.ts';
import { forSharedMemory } from './binary.ts';
import { refusal } from './earn.ts';
import { embedded } from './embedded.ts';
import { functions } from './generated/modules.ts';
import { exportsOf, type Exports, type WideExports } from './exports.ts';
import { createMemory, Heap, type MemoryKind } from './heap.ts';
import { wideNames, type ModuleName } from './pieces.ts';
import type { ModuleLevel, NarrowLevel, Runtime } from './runtime.ts';
import { clearUpperHalves, compileWide, lackOfWide, type HostProcess } from './simd256.ts';

/**
 * Modules that the host compiled itself, where compiling from bytes is forbidden. Not simd256: it is nothing without the
 * flags that are set while it is compiled.
 */
export type HostModules = Readonly<Partial<Record<NarrowLevel, WebAssembly.Module | undefined>>>;

/** A level that runs, with its modules, or why it does not. */
export type Attempt = Started | { readonly lack: string };
export interface Started {
  readonly runtime: Runtime;
  /** Where two export a function, the later one's is used. */
  readonly modules: readonly WebAssembly.Module[];
}

const host = (globalThis as { process?: HostProcess }).process;

/** One heap of a kind for all levels: a level that is chosen later finds the memory that is there. */
const heaps = new Map<MemoryKind, Heap>();
function heapOf(kind: MemoryKind): Heap {
  let heap = heaps.get(kind);
  if (heap === undefined) {
    heap = new Heap(createMemory(kind));
    heaps.set(kind, heap);
  }
  return heap;
}

/** Why WebAssembly memory cannot be shared with worker threads here, or null. */
export function lackOfSharing(modules: HostModules): string | null {
  if (typeof SharedArrayBuffer === 'undefined') return 'this host has no SharedArrayBuffer (a page must be cross-origin isolated)';
  // A module's import of memory names the kind, and the exported files name the one that every host has.
  return Object.values(modules).some((module) => module !== undefined) ? 'modules that were given compute in unshared memory' : null;
}

/** The embedded bytes for memory of a kind. */
function bytesFor(name: ModuleName, kind: MemoryKind): Uint8Array<ArrayBuffer> {
  return kind === 'shared' ? forSharedMemory(embedded(name)) : embedded(name);
}

interface Loaded {
  readonly exports: Exports;
  readonly module: WebAssembly.Module;
}

const compiled = new Map<string, WebAssembly.Module>();
const instances = new Map<string, Loaded>();

/** The narrow modules differ by what the host's WebAssembly knows. */
function load(level: NarrowLevel, modules: HostModules, kind: MemoryKind): Loaded {
  const key = `${level} ${kind}`;
  const given = modules[level];
  const known = instances.get(key);
  if (known !== undefined && (given === undefined || known.module === given)) return known;
  const module = given ?? compiled.get(key) ?? new WebAssembly.Module(bytesFor(level, kind));
  const loaded = { exports: exportsOf([module], heapOf(kind).memory) as Exports, module };
  instances.set(key, loaded);
  return loaded;
}

/** Compiles the narrow modules outside the main flow: browsers limit what may be compiled synchronously. */
export async function precompile(modules: HostModules, kind: MemoryKind): Promise<void> {
  for (const level of ['relaxed', 'simd128'] as const) {
    const key = `${level} ${kind}`;
    if (modules[level] !== undefined || compiled.has(key) || instances.has(key)) return;
    if (lackOf(level, modules, true) !== null) continue;
    const module = await WebAssembly.compile(bytesFor(level, kind)).catch(() => null);
    if (module !== null) compiled.set(key, module);
    return;
  }
}

/** Why the host cannot run a level, as far as it shows without compiling; null when it can. `auto`: nobody asked for it by name. */
export function lackOf(level: ModuleLevel, modules: HostModules, auto: boolean): string | null {
  if (typeof WebAssembly === 'undefined') return 'this host has no WebAssembly';
  if (level === 'simd256') return lackOfWide(host, auto) ?? lackOf('relaxed', modules, auto);
  if (modules[level] !== undefined || WebAssembly.validate(embedded(level))) return null;
  return level === 'simd128' ? 'its WebAssembly has no SIMD' : 'its WebAssembly has no relaxed SIMD (Node 22, Chrome 114 or Firefox 145 have)';
}

/** Where a host gets what it compiles. */
function sourceOf(level: NarrowLevel): string {
  return level === 'relaxed' ? "the package's wasm/relaxed.wasm" : "what wasmBytes('simd128') of @strided/tensor/wasm gives";
}

/**
 * Refuses what is no module that a level takes.
 *
 * @throws ArgumentError
 */
export function checkModules(source: string, modules: HostModules): HostModules {
  for (const [level, module] of Object.entries(modules)) {
    if (level === 'simd256') throw new ArgumentError(`${source}: simd256 takes no module: it is compiled by the engine, which sets the flags of V8 for that; modules are for 'relaxed' and 'simd128'`);
    if (level !== 'relaxed' && level !== 'simd128') throw new ArgumentError(`${source}: there is no module '${level}'; modules are for 'relaxed' and 'simd128'`);
    if (module !== undefined && Object.prototype.toString.call(module) !== '[object WebAssembly.Module]') {
      throw new ArgumentError(`${source}: modules.${level} must be a WebAssembly.Module that the host compiled from ${sourceOf(level)}`);
    }
    const names = new Set(module === undefined ? functions : WebAssembly.Module.exports(module).map(({ name }) => name));
    const missing = functions.find((name) => !names.has(name));
    if (missing !== undefined) throw new ArgumentError(`${source}: modules.${level} has no function ${missing}; it must be compiled from ${sourceOf(level)}, in this version`);
  }
  return modules;
}

/** Starts a level. `auto`: nobody asked for it by name, so simd256 must also be faster than the others. */
export function attempt(level: ModuleLevel, modules: HostModules, auto: boolean, kind: MemoryKind = 'unshared'): Attempt {
  const lack = lackOf(level, modules, auto);
  if (lack !== null) return { lack };
  // What failed in a thread before is no fault of this level.
  heaps.get(kind)?.settle();
  try {
    if (level === 'simd256') return attemptWide(modules, auto, kind);
    const { exports, module } = load(level, modules, kind);
    return { runtime: { level, exports, heap: heapOf(kind) }, modules: [module] };
  } catch (error) {
    return { lack: `the host refused the module: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const wide = new Map<MemoryKind, { readonly exports: WideExports; readonly modules: readonly WebAssembly.Module[] }>();

function attemptWide(modules: HostModules, auto: boolean, kind: MemoryKind): Attempt {
  const relaxed = load('relaxed', modules, kind);
  let loaded = wide.get(kind);
  if (loaded === undefined) {
    const own = compileWide(wideNames.map((name) => bytesFor(name, kind)), host ?? {});
    loaded = { exports: exportsOf(own, heapOf(kind).memory) as WideExports, modules: own };
    wide.set(kind, loaded);
  }
  const heap = heapOf(kind);
  const reason = refusal(loaded.exports, relaxed.exports, heap, auto);
  clearUpperHalves();
  if (reason !== null) return { lack: reason };
  return { runtime: { level: 'simd256', exports: { ...relaxed.exports, ...loaded.exports }, heap }, modules: [relaxed.module, ...loaded.modules] };
}

/** Bytes of WebAssembly memory that the engine has. */
export function heapBytes(): number {
  let sum = 0;
  for (const { size } of heaps.values()) sum += size;
  return sum;
}

/** The highest level that works, or why none does. */
export function best(modules: HostModules, kind: MemoryKind): Attempt & { readonly reason: string } {
  const refused: string[] = [];
  for (const level of ['simd256', 'relaxed', 'simd128'] as const) {
    const found = attempt(level, modules, true, kind);
    if ('runtime' in found) return { ...found, reason: refused.join('; ') };
    refused.push(`${level}: ${found.lack}`);
  }
  return { lack: refused.join('; '), reason: refused.join('; ') };
}

/** A level that was asked for by name. */
export function exactly(level: ModuleLevel, modules: HostModules, kind: MemoryKind): Started {
  const found = attempt(level, modules, false, kind);
  if ('runtime' in found) return found;
  throw new EngineError(`configure: this host cannot run the kernels '${level}': ${found.lack}; use 'auto', which takes the best level that works`);
}
