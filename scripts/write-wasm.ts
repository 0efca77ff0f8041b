/**
 * Writes the embedded modules as files, packages/tensor/dist/wasm/*.wasm, for hosts that do not compile from bytes. Part of
 * packing the tensor package.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embedded } from '../packages/tensor/src/kernels/wasm/embedded.ts';
import { root } from './testing/run.ts';

const folder = join(root, 'packages/tensor/dist/wasm');
await mkdir(folder, { recursive: true });
for (const level of ['simd128', 'relaxed', 'simd256'] as const) await writeFile(join(folder, `${level}.wasm`), embedded(level));
