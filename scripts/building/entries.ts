import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../testing/run.ts';

/** The packages, in the order in which they import each other. */
export const packageNames = ['tensor', 'nn', 'bert'] as const;
export type PackageName = (typeof packageNames)[number];

export const folderOf = (name: PackageName): string => join(root, 'packages', name);

type Target = string | { readonly [condition: string]: Target };
interface Manifest {
  readonly exports: Target;
  readonly imports?: Target;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function manifestOf(name: PackageName): Manifest {
  return JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as Manifest;
}

/** Files that are started, not imported: no field of the manifest pairs them with their sources. */
const started: Readonly<Record<PackageName, Readonly<Record<string, string>>>> = {
  tensor: { 'worker.node': 'src/kernels/wasm/worker.node.ts', 'worker.browser': 'src/kernels/wasm/worker.browser.ts' },
  nn: {},
  bert: { cli: 'src/cli.ts' },
};

/**
 * What is built of a package: the name of each file in dist that is loaded by name, without its extension, and its
 * source. The manifest says so, wherever `strided-source` stands beside `default`.
 */
export function entriesOf(name: PackageName): Record<string, string> {
  const entries: Record<string, string> = { ...started[name] };
  const collect = (target: Target): void => {
    if (typeof target === 'string') return;
    const { 'strided-source': source, default: built } = target;
    if (typeof source === 'string' && typeof built === 'string') entries[built.replace(/^\.\/dist\/(.*)\.js$/, '$1')] = source;
    for (const inner of Object.values(target)) collect(inner);
  };
  const { exports, imports = {} } = manifestOf(name);
  collect(exports);
  collect(imports);
  return entries;
}

/** Whether a module stays outside: what the package depends on, and what conditions choose. The rest is built in. */
export function isOutside(name: PackageName, specifier: string): boolean {
  if (/^(node:|#)/.test(specifier)) return true;
  const { dependencies, peerDependencies } = manifestOf(name);
  return Object.keys({ ...dependencies, ...peerDependencies }).some((one) => specifier === one || specifier.startsWith(`${one}/`));
}
