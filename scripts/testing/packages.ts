import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { isOutside, packageNames, type PackageName } from '../building/entries.ts';
import { asCheck, type Outcome, type Report } from './report.ts';
import { hostPath, pnpm, root, run } from './run.ts';

/** What the host sees: its own Node and npm, and nothing that this run of pnpm put into the environment. */
const hostEnv: Record<string, string | undefined> = { PATH: hostPath, NODE: undefined, NODE_OPTIONS: undefined };
for (const key of Object.keys(process.env)) {
  if (/^npm_(?!config_)|^npm_config_(local_prefix|prefix|user_agent)$/.test(key)) hostEnv[key] = undefined;
}

/**
 * Builds and packs the packages as for publishing, looks into the tarballs, installs them with npm in an empty
 * folder, and uses them there from TypeScript and, on the host's own Node, from plain JavaScript.
 */
export async function checkPackages(report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'strided-package-'));
  try {
    let packed = true;
    const tarballs: string[] = [];
    for (const name of packageNames) {
      const ok = await report.check(`build and pack @strided/${name}`, () => pack(name, folder, tarballs));
      packed &&= ok;
      if (!ok) continue;
      await report.check(`publint @strided/${name}`, async () => asCheck(await run('publint', [tarballs.at(-1) ?? '', '--strict'])));
    }
    if (!packed) return report.skip('installing and using them', 'not all were packed');

    const consumer = join(folder, 'consumer');
    await mkdir(consumer);
    await writeFile(join(consumer, 'package.json'), '{ "private": true }\n');
    const installed = await report.check('npm install in an empty folder', async () => {
      const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      return asCheck(await run('npm', ['install', ...flags, ...tarballs], { cwd: consumer, env: hostEnv }));
    });
    if (!installed) return report.skip('using them', 'they were not installed');

    for (const name of packageNames) await report.check(`contents of @strided/${name}`, () => contents(consumer, name));
    await report.check('types for a consumer', () => consumerTypes(consumer));
    const version = await run('node', ['--version'], { env: hostEnv });
    await report.check(`smoke tests on the host's Node ${version.output.trim()}`, () => smoke(consumer));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pack(name: string, folder: string, tarballs: string[]): Promise<Outcome> {
  const cwd = join(root, 'packages', name);
  const finished = await pnpm(['pack', '--pack-destination', folder], { cwd });
  const { version } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as { version: string };
  const tarball = join(folder, `strided-${name}-${version}.tgz`);
  if (finished.code === 0) {
    await access(tarball);
    tarballs.push(tarball);
  }
  return asCheck(finished);
}

/** The most that a package may take on a disk, in bytes. */
const largest: Partial<Record<string, number>> = { tensor: 500_000 };

/** A tarball holds what was built, imports what it declares, names nothing that only exists in the workspace, and is not large. */
async function contents(consumer: string, name: PackageName): Promise<Outcome> {
  const cwd = join(consumer, 'node_modules', '@strided', name);
  const faults: string[] = [];
  let size = 0;
  for (const entry of await readdir(cwd, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const file = relative(cwd, path).split(sep).join('/');
    if (!entry.isFile() || file.startsWith('node_modules/')) continue;
    size += (await stat(path)).size;
    if (/\.test\.|tsbuildinfo|^src\/|\.map$/.test(file) || /(?<!\.d)\.ts$/.test(file)) faults.push(`${file} must not be published`);
    if (!file.endsWith('.js')) continue;
    for (const [, specifier] of (await readFile(path, 'utf8')).matchAll(/\b(?:from|import\(?)\s*["']([^"'\s]+)["']/g)) {
      if (!specifier.startsWith('.') && !isOutside(name, specifier)) faults.push(`${file} imports ${specifier}, which the package does not declare`);
    }
  }
  const allowed = largest[name];
  if (allowed !== undefined && size > allowed) faults.push(`${size} bytes in all; at most ${allowed} are published`);
  const manifest = await readFile(join(cwd, 'package.json'), 'utf8');
  for (const word of ['strided-source', 'workspace:', './src/']) {
    if (manifest.includes(word)) faults.push(`package.json names ${word}: override the field in publishConfig`);
  }
  return { ...asCheck({ code: faults.length, output: faults.join('\n') }), note: `${size} bytes unpacked${allowed === undefined ? '' : ` of ${allowed}`}` };
}

/** The published declarations compile for a strict consumer that has neither our conditions nor Node's types. */
async function consumerTypes(consumer: string): Promise<Outcome> {
  await copyFile(join(root, 'tests/smoke/types.ts'), join(consumer, 'types.mts'));
  const compilerOptions = {
    strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false,
    target: 'es2022', lib: ['es2023', 'dom', 'dom.iterable'], types: [],
  };
  for (const [module, moduleResolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) {
    const config = { compilerOptions: { ...compilerOptions, module, moduleResolution }, files: ['types.mts'] };
    await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(config));
    const finished = await run('tsc', ['-p', consumer], { cwd: consumer });
    if (finished.code !== 0) return asCheck({ code: 1, output: `moduleResolution ${moduleResolution}\n${finished.output}` });
  }
  return { passed: 1, failed: 0 };
}

/** Runs tests/smoke/*.smoke.mjs beside the installed packages and counts their tests. */
async function smoke(consumer: string): Promise<Outcome> {
  const files = (await readdir(join(root, 'tests/smoke'))).filter((file) => file.endsWith('.smoke.mjs')).sort();
  for (const file of files) await copyFile(join(root, 'tests/smoke', file), join(consumer, file));
  const env = { ...hostEnv, STRIDED_GOLDEN: join(root, 'tests/golden') };
  const { code, output } = await run('node', ['--test', '--test-reporter=tap', ...files], { cwd: consumer, env });
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const passed = count('pass');
  const failed = count('fail') + count('cancelled');
  // No tests at all, or a code without a failure, is a failure too.
  return { passed, failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed, note: `${passed} passed`, output };
}
