import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { entriesOf, folderOf, isOutside, manifestOf, type PackageName } from './entries.ts';

/** Where `tsc -b` puts a package's declarations, a file for each module. */
const folderOfTypes = (name: PackageName): string => join(folderOf(name), '.types');

/** Writes a package's declarations: those that can be reached from its exports, with their documentation, which editors show. */
export async function buildDeclarations(name: PackageName): Promise<void> {
  const exported = JSON.stringify(manifestOf(name).exports);
  const input = Object.entries(entriesOf(name))
    .filter(([entry]) => exported.includes(`"./dist/${entry}.d.ts"`))
    .map(([entry, source]) => [entry, join(folderOfTypes(name), source.replace(/^(?:\.\/)?src\/(.*)\.ts$/, '$1.d.ts'))]);
  const bundle = await rolldown({
    cwd: folderOfTypes(name),
    input: Object.fromEntries(input) as Record<string, string>,
    external: (specifier) => isOutside(name, specifier),
    plugins: dts({ dtsInput: true, tsconfig: false }),
  });
  const { output } = await bundle.generate({ format: 'es', chunkFileNames: '[name].ts' });
  await bundle.close();
  for (const file of output) {
    // Not the helper that `export * as` needs at run time.
    if (file.type === 'chunk' && file.fileName.endsWith('.d.ts')) await writeFile(join(folderOf(name), 'dist', file.fileName), file.code);
  }
}
