import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { folderOf } from './entries.ts';

/**
 * Writes dist/wasm/relaxed.wasm of the tensor package, for hosts that do not compile from bytes. Nearly all of those have
 * relaxed SIMD, so simd128 is only given out by `wasmBytes`: a file of it would be a tenth of the package. None of them
 * could run simd256, which V8's flags make what it is.
 */
export async function writeModules(): Promise<void> {
  const folder = join(folderOf('tensor'), 'dist/wasm');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'relaxed.wasm'), embedded('relaxed'));
}
