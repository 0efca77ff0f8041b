import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { entriesOf, folderOf, isOutside, type PackageName } from './entries.ts';

/**
 * Writes a package's JavaScript. A file for each way into the package, and one for what several share: loading a hundred
 * small files takes longer than running them. Comments and white space stay in the sources, names of classes do not: they
 * are said in messages and saved in configurations. Functions keep theirs where the package may be as large as it likes,
 * because traces of the stack are read by people; in the tensor package they would be 20 of its 500 KB.
 */
export async function buildCode(name: PackageName): Promise<void> {
  const folder = folderOf(name);
  const keepNames = { function: name !== 'tensor', class: true };
  const bundle = await rolldown({
    cwd: folder,
    input: entriesOf(name),
    external: (specifier) => isOutside(name, specifier),
    platform: 'neutral',
    resolve: { conditionNames: ['import', 'default'] },
    transform: { target: 'es2022' },
    tsconfig: false,
  });
  const { output } = await bundle.write({
    dir: join(folder, 'dist'),
    format: 'es',
    entryFileNames: '[name].js',
    // The shared file that holds the class Tensor is named for it, not for whichever module happens to come first.
    chunkFileNames: ({ name: first, moduleIds }) => `${moduleIds.some((id) => id.endsWith('/tensor/src/tensor.ts')) ? 'tensor' : first}.js`,
    comments: false,
    minify: { compress: { keepNames }, mangle: { toplevel: true, keepNames }, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  await writeLicences(folder, output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : [])));
}

/** Where code of others was built in, their licences come with it. */
async function writeLicences(folder: string, modules: readonly string[]): Promise<void> {
  const others = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []));
  const texts = Array.from(others, async (other) => {
    const { name, version } = JSON.parse(await readFile(join(other, 'package.json'), 'utf8')) as { name: string; version: string };
    return `Part of these files comes from ${name} ${version}:\n\n${await readFile(join(other, 'LICENSE'), 'utf8')}`;
  });
  if (texts.length > 0) await writeFile(join(folder, 'dist/LICENCES.txt'), (await Promise.all(texts)).join('\n'));
}
