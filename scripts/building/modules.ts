import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { folderOf } from './entries.ts';

/**
 * Writes the embedded modules as files, dist/wasm/*.wasm of the tensor package, for hosts that do not compile from bytes.
 * None of them could run simd256, which V8's flags make what it is: a file of it would only be weight.
 */
export async function writeModules(): Promise<void> {
  const folder = join(folderOf('tensor'), 'dist/wasm');
  await mkdir(folder, { recursive: true });
  for (const level of ['simd128', 'relaxed'] as const) await writeFile(join(folder, `${level}.wasm`), embedded(level));
}
