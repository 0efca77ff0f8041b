import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compileModules, embed, embeddedPath } from '../../scripts/kernels/compile.ts';
import { forSharedMemory } from '../../packages/tensor/src/kernels/wasm/binary.ts';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import { moduleNames, wideNames } from '../../packages/tensor/src/kernels/wasm/pieces.ts';

it('the embedded modules are what their sources compile to (else run `npx -y pnpm@12 build:kernels`)', async () => {
  const compiled = await compileModules();
  expect(await readFile(embeddedPath, 'utf8') === (await embed(compiled))).toBe(true);
  for (const name of moduleNames) expect(Buffer.from(embedded(name)).equals(compiled[name])).toBe(true);
});

it.each(moduleNames)('%s imports memory and nothing else, has no atomics, no global and no start function', (name) => {
  const bytes = embedded(name);
  const module = new WebAssembly.Module(bytes);
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
  expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === 'function')).toBe(true);
  const ids = sectionsOf(bytes).map(({ id }) => id);
  expect(ids).toContain(10);
  expect(ids).not.toContain(6);
  expect(ids).not.toContain(8);
});

it.each(moduleNames)('%s takes either kind of memory: the same bytes but for one flag', (name) => {
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

it.each(wideNames)('%s has no more functions than V8 compiles by its best compiler on request', (name) => {
  const functionSection = sectionsOf(embedded(name)).find(({ id }) => id === 3);
  expect(functionSection?.firstNumber).toBeGreaterThan(0);
  expect(functionSection?.firstNumber).toBeLessThanOrEqual(32);
});

/** The ids of a module's sections, and the number with which each begins. */
function sectionsOf(bytes: Uint8Array): { readonly id: number; readonly firstNumber: number }[] {
  const sections: { id: number; firstNumber: number }[] = [];
  let at = 8;
  const readNumber = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = readNumber();
    const end = at + size;
    sections.push({ id, firstNumber: readNumber() });
    at = end;
  }
  return sections;
}
