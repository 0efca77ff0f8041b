import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compileModules, embed, embeddedPath, modules, type ModuleName } from '../../scripts/kernels/compile.ts';
import { forSharedMemory } from '../../packages/tensor/src/kernels/wasm/binary.ts';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';

const names = Object.keys(modules) as ModuleName[];

it('the embedded modules are what their sources compile to (else run `npx -y pnpm@12 build:kernels`)', async () => {
  const compiled = await compileModules();
  expect(await readFile(embeddedPath, 'utf8') === (await embed(compiled))).toBe(true);
  for (const name of names) expect(Buffer.from(embedded(name)).equals(compiled[name])).toBe(true);
});

it.each(names)('%s imports memory and nothing else, has no atomics, no global and no start function', (name) => {
  const bytes = embedded(name);
  const module = new WebAssembly.Module(bytes);
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === 'function')).toBe(true);
  expect(sectionsOf(bytes)).not.toContain(6);
  expect(sectionsOf(bytes)).not.toContain(8);
});

it.each(names)('%s takes either kind of memory: the same bytes but for one flag', (name) => {
  const unshared = new WebAssembly.Memory({ initial: 16, maximum: 32 });
  const shared = new WebAssembly.Memory({ initial: 16, maximum: 32, shared: true });
  const [plain, patched] = [embedded(name), forSharedMemory(embedded(name))];
  expect(plain.filter((byte, i) => byte !== patched[i]).length).toBe(1);
  const start = (bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) => () => new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  start(plain, unshared)();
  start(patched, shared)();
  expect(start(plain, shared)).toThrow(WebAssembly.LinkError);
  expect(start(patched, unshared)).toThrow(WebAssembly.LinkError);
});

/** The ids of a module's sections. */
function sectionsOf(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return ids;
}
