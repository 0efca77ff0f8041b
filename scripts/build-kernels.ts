/**
 * Compiles packages/tensor/assembly into the three modules that packages/tensor/src/kernels/wasm/generated embeds:
 * `npx -y pnpm@12 build:kernels`. A test holds the committed files to their sources.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compileModule, embed, embeddedPath, modules, type ModuleName } from './kernels/compile.ts';

for (const name of Object.keys(modules) as ModuleName[]) {
  const bytes = await compileModule(name);
  await mkdir(dirname(embeddedPath(name)), { recursive: true });
  await writeFile(embeddedPath(name), embed(name, bytes));
  console.log(`${name}: ${bytes.length} bytes`);
}
