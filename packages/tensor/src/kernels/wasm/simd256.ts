import { EngineError } from '../../errors.ts';
import { tagged } from './binary.ts';

/**
 * V8 can compile pairs of 128-bit operations to 256-bit ones, behind a flag that is off by default. It is set for the
 * moment in which the wide modules are compiled: eagerly, and by the optimising compiler, so that their code is never
 * made again once the flag is off.
 *
 * All threads of the process see the flags, and compile other modules' functions in the same moment. So these are flags
 * that V8 looks at once a module or once a function. It looks many times at `--liftoff` and `--wasm-inlining`; a function
 * that was being compiled when they changed ended the process.
 */
const flags = [
  { on: '--experimental-wasm-revectorize', off: '--no-experimental-wasm-revectorize' },
  // The first 32 functions of a module, each bit one: no module has more.
  { on: '--wasm-tier-mask-for-testing=-1', off: '--wasm-tier-mask-for-testing=0' },
  { on: '--no-wasm-lazy-compilation', off: '--wasm-lazy-compilation' },
] as const;

/** The parts of Node's process that are looked at. Browsers have none of it. */
export interface HostProcess {
  readonly arch?: string;
  readonly versions?: { readonly v8?: string; readonly bun?: string; readonly deno?: string };
  readonly execArgv?: readonly string[];
  getBuiltinModule?(name: string): unknown;
}

interface V8 {
  setFlagsFromString(flag: string): void;
}

const encoder = new TextEncoder();
const eight = new Uint8Array(8);

/**
 * To be called when 256-bit code has run. It leaves the upper halves of the processor's registers in use, and until
 * something clears them all of C++'s 128-bit code is up to fifty times slower: Math.tanh takes 550 instead of 10 ns. The host's
 * conversion of text clears them, in 0.2 µs.
 */
export function clearUpperHalves(): void {
  encoder.encodeInto('a', eight);
}

const normalized = (flag: string): string => flag.replaceAll('_', '-').replace(/=.*$/, '');

/** Flags with which there is no 256-bit code; those of the command line are left as they are. */
const hindrances: ReadonlySet<string> = new Set(['--no-experimental-wasm-revectorize', '--wasm-tier-mask-for-testing', '--liftoff-only']);

/** The newest V8 on which it was tried: Node 26. Code behind a flag that is off by default can end the process, as V8 14 did. */
const tried = 14.6;

/**
 * Why this host cannot compile for 256 bits, or null when it may: only the compiled code can tell. `auto`: nobody asked
 * for it, so it is not tried on a V8 that is newer than any it was tried on.
 */
export function lackOfWide(process: HostProcess | undefined, auto: boolean): string | null {
  const versions = process?.versions;
  const v8 = Number.parseFloat(versions?.v8 ?? '');
  // Bun names the V8 of the Node that it stands for.
  if (process === undefined || Number.isNaN(v8) || versions?.bun !== undefined) return 'it needs V8 outside a browser (Node 24 or newer)';
  if (versions?.deno !== undefined) return 'Deno leaves the flags of V8 as they are';
  if (process.arch !== 'x64') return `it needs an x86-64 processor, not ${process.arch}`;
  if (v8 < 13.6) return `it needs V8 13.6 (Node 24) or newer, not ${process.versions?.v8}`;
  if (auto && v8 > tried) return `V8 ${versions?.v8} is newer than those that it was tried on; configure({ kernels: 'simd256' }) or STRIDED_KERNELS=simd256 tries it`;
  if (typeof process.getBuiltinModule !== 'function') return 'it needs process.getBuiltinModule to reach the flags of V8';
  const hindrance = process.execArgv?.map(normalized).find((flag) => hindrances.has(flag));
  if (hindrance !== undefined) return `${hindrance} was given on the command line`;
  return null;
}

/**
 * Compiles modules of up to 32 functions with the flags set. Flags that the command line names are left as they are; the
 * others are as before afterwards, whatever happens.
 *
 * @throws EngineError when the host does not let flags be set, and what the compiler throws.
 */
export function compileWide(modules: readonly Uint8Array<ArrayBuffer>[], process: HostProcess): WebAssembly.Module[] {
  const v8 = process.getBuiltinModule?.('node:v8') as V8 | undefined;
  if (typeof v8?.setFlagsFromString !== 'function') throw new EngineError('simd256: this host does not let the flags of V8 be set');
  const named = new Set(process.execArgv?.map(normalized));
  const ours = flags.filter(({ on, off }) => !named.has(normalized(on)) && !named.has(normalized(off)));
  // V8 keeps compiled code by its bytes: code made for the same bytes without the flags must not come back.
  const unique = modules.map((bytes) => tagged(bytes, 'strided.simd256'));
  try {
    for (const { on } of ours) v8.setFlagsFromString(on);
    return unique.map((bytes) => new WebAssembly.Module(bytes));
  } finally {
    for (const { off } of ours) v8.setFlagsFromString(off);
  }
}
