import { inflateSync } from 'fflate';
import { decodeBase64 } from './binary.ts';
import { lengths, packed } from './generated/modules.ts';
import { pieces } from './pieces.ts';

/** The levels that are WebAssembly. */
export type ModuleLevel = 'simd128' | 'relaxed' | 'simd256';
type Modules = Readonly<Record<ModuleLevel, Uint8Array<ArrayBuffer>>>;

/** The part of Node's zlib that is used where there is one: it is four times as fast as JavaScript that runs for the first time. */
interface Zlib {
  inflateRawSync?(bytes: Uint8Array): Uint8Array;
}

function inflate(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Zlib | undefined } };
  return process?.getBuiltinModule?.('node:zlib')?.inflateRawSync?.(bytes) ?? inflateSync(bytes, { out: new Uint8Array(lengths.simd128 + lengths.relaxed + lengths.simd256) });
}

function unpack(): Modules {
  const bytes = inflate(decodeBase64(packed));
  const modules: Modules = { simd128: new Uint8Array(lengths.simd128), relaxed: new Uint8Array(lengths.relaxed), simd256: new Uint8Array(lengths.simd256) };
  let at = 0;
  for (const { level, start, end } of pieces(lengths)) {
    modules[level].set(bytes.subarray(at, at + end - start), start);
    at += end - start;
  }
  return modules;
}

let unpacked: Modules | null = null;

/** The bytes of an embedded module. */
export function embedded(level: ModuleLevel): Uint8Array<ArrayBuffer> {
  unpacked ??= unpack();
  return unpacked[level];
}
