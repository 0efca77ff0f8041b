import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The rooms of each package (under its src), in order: a module imports, type-only imports aside, from its own place
 * or an earlier one. `x` is the module x.ts, `x/` the folder, `*` every module without a place of its own;
 * names in one string share a place. A package imports the packages above it, by name.
 */
const order = {
  tensor: [
    'errors thenable', 'dtype', 'layout', 'random', 'dropoutMask', 'storage', 'kernels/contract', 'kernels/linears', 'kernels/js/', 'kernels/wasm/', 'kernels/dispatch engine',
    'scope persist', 'incoming', 'ops/op', 'ops/', 'gradients', 'autograd anomaly checkpoint', 'print', 'tensor', 'creation', 'randomCreation', 'io/', 'interop/', 'testing/', 'index',
  ],
  nn: ['*', 'training/', 'index'],
  bert: ['modelFiles/', 'tokenizer/', '*', 'pipelines/ pretraining/', 'index', 'cli'],
};

/** Modules that may import `node:` beside those named *.node.ts; no package's index may reach any of them but by a choice of platform. */
const nodeOnly = new Set(['bert/src/cli.ts']);

/** Imports that lead to another file in a browser, by conditions in package.json. */
const platformChoices = new Set(['#files', '#workers', '#modelFiles', '@strided/tensor/files']);

const packages = resolve(import.meta.dirname, '../packages');
const names = Object.keys(order) as (keyof typeof order)[];
const read = (path: string): string => readFileSync(join(packages, path), 'utf8');
const manifestOf = (name: string) => JSON.parse(read(`${name}/package.json`)) as Record<string, Record<string, unknown> | undefined>;
const isTest = (file: string): boolean => file.endsWith('.test.ts');
const isNodeOnly = (file: string): boolean => file.endsWith('.node.ts') || nodeOnly.has(file);
const packageOf = (file: string): string => file.slice(0, file.indexOf('/'));

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

/** What a module imports, written at the start of a line, or by `import()`; comments that start a line do not count. */
function importsOf(file: string): Import[] {
  const code = read(file).replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*$)/gm, '');
  const statement = /^\s*(?:import|export)\s+(type\s+(?!from\b))?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]/gm;
  const call = /(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]/g;
  const found = [...code.matchAll(statement), ...code.matchAll(call)];
  return found.map(([, type, target]) => ({ target, typeOnly: type !== undefined }));
}

/** The modules of this workspace that an import leads to; `#files` leads to each of its platforms. */
function resolveImport(file: string, target: string): string[] {
  if (target.startsWith('.')) return [relative(packages, resolve(packages, dirname(file), target))];
  if (!target.startsWith('#') && !target.startsWith('@strided/')) return [];
  const [, owner = packageOf(file), subpath = ''] = /^@strided\/(\w+)(.*)$/.exec(target) ?? [];
  const { exports, imports } = manifestOf(owner);
  const entry = JSON.stringify(target.startsWith('#') ? imports?.[target] : exports?.[`.${subpath}`]) ?? '';
  return Array.from(entry.matchAll(/"\.\/(src\/[^"]+)"/g), ([, path]) => `${owner}/${path}`);
}

const filesOf = (name: string): string[] => readdirSync(join(packages, name, 'src'), { encoding: 'utf8', recursive: true });
const all = names.flatMap((name) => filesOf(name).filter((file) => file.endsWith('.ts')).map((file) => `${name}/src/${file.replaceAll('\\', '/')}`));
const modules = all.filter((file) => !isTest(file));
const runtime = new Map(
  modules.map((file) => [file, importsOf(file).filter((one) => !one.typeOnly).flatMap((one) => resolveImport(file, one.target))]),
);

/** The place of a module in its package's order, or -1. */
function placeOf(file: string): number {
  const path = file.replace(/^\w+\/src\/(.*)\.ts$/, '$1');
  const rooms = order[packageOf(file) as keyof typeof order].map((place) => place.split(' '));
  const exact = rooms.findIndex((place) => place.includes(path));
  if (exact >= 0) return exact;
  const folder = rooms.findIndex((place) => place.some((room) => room.endsWith('/') && path.startsWith(room)));
  return folder >= 0 ? folder : rooms.findIndex((place) => place.includes('*'));
}

describe('architecture', () => {
  it('every module has a room', () => {
    const homeless = modules.filter((file) => placeOf(file) < 0);
    expect(homeless.map((file) => `${file}: add it to the order at the top of tests/architecture.test.ts`)).toEqual([]);
  });

  it('packages import one way, by name, and only what they declare', () => {
    const fault = (file: string, target: string): string | null => {
      const own = packageOf(file);
      if (target.startsWith('.')) return resolveImport(file, target)[0].startsWith(`${own}/src/`) ? null : 'leaves its package';
      if (/^(node:|#)/.test(target)) return null;
      const [name] = /^(@[^/]+\/)?[^/]+/.exec(target) ?? [''];
      const earlier = names.slice(0, names.indexOf(own as keyof typeof order)).map((one) => `@strided/${one}`);
      if (name.startsWith('@strided/') && !earlier.includes(name)) return `${own} may import ${earlier.join(', ') || 'no other package'}`;
      // What only development depends on is built in.
      const { dependencies, peerDependencies, devDependencies } = manifestOf(own);
      return isTest(file) || name in { ...dependencies, ...peerDependencies, ...devDependencies } ? null : `packages/${own}/package.json does not declare it`;
    };
    const faults = all.flatMap((file) => importsOf(file).map(({ target }) => ({ file, target, rule: fault(file, target) })));
    const lines = faults.filter(({ rule }) => rule !== null).map(({ file, target, rule }) => `${file} imports ${target}: ${rule}`);
    expect(lines).toEqual([]);
  });

  it('rooms import only from the same or an earlier place', () => {
    const faults = modules.flatMap((file) =>
      (runtime.get(file) ?? [])
        .filter((target) => packageOf(target) === packageOf(file) && placeOf(target) > placeOf(file))
        .map((target) => `${file} imports ${target}, which comes later in the order`),
    );
    expect(faults).toEqual([]);
  });

  it('the tokenizer, and what finds its files, import no tensors', () => {
    const tensorFree = (file: string): boolean => /^bert\/src\/(tokenizer|modelFiles)\//.test(file);
    const allowed = (file: string, target: string): boolean =>
      target.startsWith('.')
        ? tensorFree(resolveImport(file, target)[0])
        : !target.startsWith('@strided/') || target === '@strided/tensor/errors' || (target === '@strided/tensor/files' && file.startsWith('bert/src/modelFiles/'));
    const faults = modules
      .filter(tensorFree)
      .flatMap((file) => importsOf(file).filter(({ target }) => !allowed(file, target)).map(({ target }) => `${file} imports ${target}`));
    expect(faults).toEqual([]);
  });

  it('only modules for Node import node:, and no index reaches one except where conditions choose a platform', () => {
    const direct = modules.filter((file) => !isNodeOnly(file) && importsOf(file).some(({ target }) => target.startsWith('node:')));
    expect(direct.map((file) => `${file} imports node:, but browsers load it`)).toEqual([]);
    for (const name of names) {
      const reached = new Set([`${name}/src/index.ts`]);
      for (const file of reached) {
        const targets = importsOf(file).filter((one) => !one.typeOnly && !platformChoices.has(one.target));
        for (const one of targets) for (const target of resolveImport(file, one.target)) reached.add(target);
      }
      expect([...reached].filter(isNodeOnly), `reached from ${name}'s index`).toEqual([]);
    }
  });

  it('there are no cycles of imports at run time', () => {
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      else if (!done.has(file)) for (const target of runtime.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of modules) visit(file, []);
    expect(cycles).toEqual([]);
  });
});
