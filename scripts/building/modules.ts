import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { folderOf } from './entries.ts';

/** Writes the embedded modules as files, dist/wasm/*.wasm of the tensor package, for hosts that do not compile from bytes. */
export async function writeModules(): Promise<void> {
  const folder = join(folderOf('tensor'), 'dist/wasm');
  await mkdir(folder, { recursive: true });
  for (const level of ['simd128', 'relaxed', 'simd256'] as const) await writeFile(join(folder, `${level}.wasm`), embedded(level));
}
