/**
 * Compiles packages/tensor/assembly into the modules that packages/tensor/src/kernels/wasm/generated embeds:
 * `npx -y pnpm@12 build:kernels`. A test holds the committed files to their sources.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compileModules, embed, embeddedPath } from './kernels/compile.ts';

const compiled = await compileModules();
for (const [name, { length }] of Object.entries(compiled)) console.log(`${name}: ${length} bytes`);
await mkdir(dirname(embeddedPath), { recursive: true });
const text = await embed(compiled);
await writeFile(embeddedPath, text);
console.log(`all, as they are embedded: ${text.length} bytes`);
