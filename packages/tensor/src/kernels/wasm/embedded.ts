import { decodeBase64 } from './binary.ts';
import { relaxed } from './generated/relaxed.ts';
import { simd128 } from './generated/simd128.ts';
import { simd256 } from './generated/simd256.ts';

/** The levels that are WebAssembly. */
export type ModuleLevel = 'simd128' | 'relaxed' | 'simd256';

const texts: Readonly<Record<ModuleLevel, string>> = { simd128, relaxed, simd256 };
const decoded = new Map<ModuleLevel, Uint8Array<ArrayBuffer>>();

/** The bytes of an embedded module. */
export function embedded(level: ModuleLevel): Uint8Array<ArrayBuffer> {
  let bytes = decoded.get(level);
  if (bytes === undefined) {
    bytes = decodeBase64(texts[level]);
    decoded.set(level, bytes);
  }
  return bytes;
}
