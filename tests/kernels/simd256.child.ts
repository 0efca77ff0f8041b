/** Run by simd256.test.ts with --allow-natives-syntax: asks V8 how functions were compiled, and prints the answers. */
import { engineInfo } from '@strided/tensor';
import { speedup } from '../../packages/tensor/src/kernels/wasm/earn.ts';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import type { WideExports } from '../../packages/tensor/src/kernels/wasm/exports.ts';
import { createMemory, Heap } from '../../packages/tensor/src/kernels/wasm/heap.ts';
import { wideNames } from '../../packages/tensor/src/kernels/wasm/pieces.ts';
import { currentChoice } from '../../packages/tensor/src/kernels/wasm/settings.ts';

const asks = (name: string) => new Function('f', `return %${name}(f)`) as (f: unknown) => boolean;
const [isOptimised, isLiftoff] = [asks('IsTurboFanFunction'), asks('IsLiftoffFunction')];

const { level } = engineInfo();
const exports = currentChoice().runtime?.exports as unknown as Readonly<Record<string, unknown>>;
const notOptimised = wideNames
  .flatMap((name) => WebAssembly.Module.exports(new WebAssembly.Module(embedded(name))))
  .filter(({ name }) => !isOptimised(exports[name]) || isLiftoff(exports[name]))
  .map(({ name }) => name);

// The same bytes compiled after the window: lazily, by the fast compiler, and never packed.
const heap = new Heap(createMemory());
const later = new WebAssembly.Instance(new WebAssembly.Module(embedded('wideProducts')), { env: { memory: heap.memory } }).exports as unknown as WideExports;
later.probe(heap.allocate(512), 1);
const states = { laterIsOptimised: isOptimised(later.probe), laterIsLiftoff: isLiftoff(later.probe) };
for (let i = 0; i < 50; i++) speedup(later, heap, () => performance.now());
await new Promise((done) => setTimeout(done, 200));

console.log(JSON.stringify({
  level,
  notOptimised,
  ...states,
  sameBytesLaterArePacked: speedup(later, heap, () => performance.now()) > 1.25,
}));
