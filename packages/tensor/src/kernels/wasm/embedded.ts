import { inflateSync } from 'fflate';
import { decodeBase64 } from './binary.ts';
import { lengths, packed } from './generated/modules.ts';
import { moduleNames, pieces, type ModuleName } from './pieces.ts';

type Modules = Readonly<Record<ModuleName, Uint8Array<ArrayBuffer>>>;

/** The part of Node's zlib that is used where there is one: it is four times as fast as JavaScript that runs for the first time. */
interface Zlib {
  inflateRawSync?(bytes: Uint8Array): Uint8Array;
}

function inflate(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const total = moduleNames.reduce((sum, name) => sum + lengths[name], 0);
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Zlib | undefined } };
  return process?.getBuiltinModule?.('node:zlib')?.inflateRawSync?.(bytes) ?? inflateSync(bytes, { out: new Uint8Array(total) });
}

function unpack(): Modules {
  const bytes = inflate(decodeBase64(packed));
  const modules = Object.fromEntries(moduleNames.map((name) => [name, new Uint8Array(lengths[name])])) as Modules;
  let at = 0;
  for (const { name, start, end } of pieces(lengths)) {
    modules[name].set(bytes.subarray(at, at + end - start), start);
    at += end - start;
  }
  return modules;
}

let unpacked: Modules | null = null;

/** The bytes of an embedded module. */
export function embedded(name: ModuleName): Uint8Array<ArrayBuffer> {
  unpacked ??= unpack();
  return unpacked[name];
}
