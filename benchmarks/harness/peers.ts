import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Racer } from './bench.ts';
import { freshRacer } from './fresh.ts';
import { Remote } from './remote.ts';

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

/** Peers that race in processes of their own: in one, a library's threads are set once. */
interface Peer {
  /** The package that it takes; null: it comes from elsewhere. */
  readonly package: string | null;
  /** Node has no `Worker` for browsers' libraries: most compute on one thread. */
  readonly most: number;
  /** It knows whole models only. */
  readonly models?: true;
}

const peers = {
  'onnxruntime-web': { package: 'onnxruntime-web', most: Infinity },
  'tfjs-wasm': { package: '@tensorflow/tfjs-backend-wasm', most: 1 },
  'jax-js': { package: '@jax-js/jax', most: 1 },
  'numpy-ts': { package: 'numpy-ts', most: 1 },
  'onnxruntime-node': { package: 'onnxruntime-node', most: Infinity },
  'transformers.js': { package: '@huggingface/transformers', most: Infinity, models: true },
  pytorch: { package: null, most: Infinity },
  'sentence-transformers': { package: null, most: Infinity },
} as const satisfies Record<string, Peer>;
export type PeerName = keyof typeof peers;

/** The Python that has PyTorch. */
export const python = process.env['STRIDED_BENCH_PYTHON'] ?? 'python3';

function isInstalled(name: PeerName): boolean {
  const { package: needed } = peers[name];
  return needed === null || ensureInstalled(needed);
}

function processOf(name: PeerName, threads: number): Promise<Remote> {
  const script = peers[name].package === null ? { pytorch: 'main.py', 'sentence-transformers': 'sentences.py' }[name as 'pytorch'] : null;
  if (script !== null) return Remote.start(name, threads, python, [join(folder, 'pytorch', script), String(threads)]);
  return hostOf(name, threads);
}

/** A process of the project's Node with one of `libraries` in it. */
export function hostOf(name: string, threads: number): Promise<Remote> {
  return Remote.start(name, threads, process.execPath, ['--conditions=strided-source', join(import.meta.dirname, 'host.ts'), name, String(threads)]);
}

/** Those that compute in WebAssembly. */
export const wasmPeers = ['onnxruntime-web', 'tfjs-wasm', 'jax-js', 'numpy-ts'] as const satisfies readonly PeerName[];
/** Those with a package, which know single ops. */
export const packagedPeers = (Object.keys(peers) as PeerName[]).filter((name) => peers[name].package !== null && !('models' in peers[name]));

/** The processes of a bench's peers. */
export class PeerProcesses {
  readonly #allowed: readonly string[];
  readonly #started = new Map<string, Promise<Remote | null>>();

  constructor(allowed: readonly string[] = Object.keys(peers)) {
    this.#allowed = allowed;
  }

  #start(name: PeerName, threads: number): Promise<Remote | null> {
    const key = `${name} ${threads}`;
    let remote = this.#started.get(key);
    if (remote === undefined) {
      remote = isInstalled(name) ? processOf(name, threads).catch((error: unknown) => leftOut(name, error)) : Promise.resolve(null);
      this.#started.set(key, remote);
    }
    return remote;
  }

  /** A racer of each peer that can compute the problem, on each number of threads; who fails is named and left out. */
  racers(problem: unknown, threads: readonly number[], names: readonly PeerName[] = packagedPeers): Promise<Racer[]> {
    return this.#each(threads, names, async (name, count) => (await this.#start(name, count))?.racer(problem));
  }

  /** The same with processes that begin anew in every round. */
  freshRacers(problem: unknown, threads: readonly number[], names: readonly PeerName[]): Promise<Racer[]> {
    return this.#each(threads, names, (name, count) => (isInstalled(name) ? freshRacer(problem, () => processOf(name, count)) : Promise.resolve(null)));
  }

  async #each(threads: readonly number[], names: readonly PeerName[], racer: (name: PeerName, count: number) => Promise<Racer | null | undefined>): Promise<Racer[]> {
    const found: Racer[] = [];
    for (const count of threads) {
      for (const name of names) {
        if (count > peers[name].most || !this.#allowed.includes(name)) continue;
        const one = await racer(name, count).catch((error: unknown) => leftOut(name, error));
        if (one) found.push(one);
      }
    }
    return found;
  }

  async close(): Promise<void> {
    for (const remote of this.#started.values()) (await remote)?.close();
    this.#started.clear();
  }
}

export function leftOut(name: string, error: unknown): null {
  console.error(`bench: ${name} is left out: ${error instanceof Error ? error.message : String(error)}`);
  return null;
}
