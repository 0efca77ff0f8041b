/**
 * Builds what is published: `node scripts/build.ts` all packages, `node scripts/build.ts tensor` one. Packing a package
 * builds it first.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCode } from './building/code.ts';
import { buildDeclarations } from './building/declarations.ts';
import { folderOf, packageNames, type PackageName } from './building/entries.ts';
import { writeModules } from './building/modules.ts';
import { run } from './testing/run.ts';

const [chosen, ...more] = process.argv.slice(2);
if (more.length > 0 || (chosen !== undefined && !packageNames.includes(chosen as PackageName))) {
  console.error(`usage: node scripts/build.ts [${packageNames.join('|')}]`);
  process.exit(2);
}

const checked = await run('tsc', ['-b', 'packages/bert']);
if (checked.code !== 0) {
  console.error(checked.output);
  process.exit(1);
}
for (const name of chosen === undefined ? packageNames : [chosen as PackageName]) {
  // From nothing: a module that was renamed would leave its old output in the tarball.
  await rm(join(folderOf(name), 'dist'), { recursive: true, force: true });
  await buildCode(name);
  await buildDeclarations(name);
  if (name === 'tensor') await writeModules();
}
