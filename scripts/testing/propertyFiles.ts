import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './run.ts';

/** The test files that use fast-check: those that another seed can tell something new. */
export async function propertyFiles(): Promise<string[]> {
  const folders = ['packages/tensor/src', 'packages/nn/src', 'packages/bert/src', 'tests'];
  const found: string[] = [];
  for (const folder of folders) {
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (!file.endsWith('.test.ts')) continue;
      const path = join(folder, file);
      if (/from ['"]fast-check['"]/.test(await readFile(join(root, path), 'utf8'))) found.push(path);
    }
  }
  return found.sort();
}
