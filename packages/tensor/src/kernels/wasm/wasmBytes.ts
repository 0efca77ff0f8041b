import { ArgumentError } from '../../errors.ts';
import { embedded } from './embedded.ts';
import type { NarrowLevel } from './runtime.ts';

/**
 * The bytes of a module that `configure({ modules })` takes, for a build that writes it to a file: as a file of its own
 * the package has only relaxed.wasm. The engine itself needs none of this.
 *
 * @throws ArgumentError for what is no such level.
 * @example
 * import { wasmBytes } from '@strided/tensor/wasm';
 * await writeFile('simd128.wasm', wasmBytes('simd128'));
 */
export function wasmBytes(level: NarrowLevel): Uint8Array<ArrayBuffer> {
  if (level !== 'simd128' && level !== 'relaxed') throw new ArgumentError(`wasmBytes: there is no module '${String(level)}'; modules are for 'relaxed' and 'simd128'`);
  return embedded(level).slice();
}
