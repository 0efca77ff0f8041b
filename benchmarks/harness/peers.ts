import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The libraries under benchmarks/peers: a manifest of their own, installed the first time that a bench asks for one. */

const folder = join(import.meta.dirname, '../peers');
const install = ['npx', '-y', 'pnpm@12', 'install', '--ignore-workspace', '--ignore-scripts', '--frozen-lockfile'];
let installed: boolean | undefined;

/** Installs what the lockfile names, without running any package's scripts; false, with a word on stderr, where that fails. */
function ensureInstalled(name: string): boolean {
  if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true;
  if (installed !== undefined) return installed;
  console.error('bench: installing benchmarks/peers …');
  const [command, ...parameters] = install;
  const { status, error } = spawnSync(command, parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
  installed = status === 0;
  if (!installed) {
    const why = error === undefined ? `the installer ended with ${status}` : error.message;
    console.error(`bench: the peers could not be installed (${why}; offline?), so they sit out. To install them by hand: cd benchmarks/peers && ${install.join(' ')}`);
  }
  return installed;
}

/** A peer's module, as T, the part of it that a bench uses; null where it cannot be installed. */
export async function loadPeer<T>(name: string): Promise<T | null> {
  if (!ensureInstalled(name)) return null;
  const { load } = await import('../peers/load.ts');
  return (await load(name)) as T;
}
