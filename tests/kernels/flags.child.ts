/**
 * Run by simd256.test.ts: one thread compiles the wide modules again and again, while others start another module anew
 * and call its functions so often that V8 compiles them, first fast, then well.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { tagged } from '../../packages/tensor/src/kernels/wasm/binary.ts';
import { checks } from '../../packages/tensor/src/kernels/wasm/checks.ts';
import { embedded } from '../../packages/tensor/src/kernels/wasm/embedded.ts';
import type { Exports } from '../../packages/tensor/src/kernels/wasm/exports.ts';
import { createMemory, Heap } from '../../packages/tensor/src/kernels/wasm/heap.ts';
import { wideNames } from '../../packages/tensor/src/kernels/wasm/pieces.ts';
import { Room } from '../../packages/tensor/src/kernels/wasm/room.ts';
import { compileWide, type HostProcess } from '../../packages/tensor/src/kernels/wasm/simd256.ts';

const milliseconds = Number(process.argv[2]);
const end = performance.now() + milliseconds;

if (isMainThread) {
  const others = [1, 2].map((worker) => new Promise<number>((done) => new Worker(new URL(import.meta.url), { workerData: worker, argv: [milliseconds] }).once('exit', done)));
  const wide = wideNames.map(embedded);
  let windows = 0;
  for (; performance.now() < end; windows++) {
    compileWide(wide, process as HostProcess);
    await new Promise((done) => setTimeout(done, 2));
  }
  const codes = await Promise.all(others);
  console.log(JSON.stringify({ codes, several: windows > 10 }));
} else {
  const heap = new Heap(createMemory());
  for (let round = 0; performance.now() < end; round++) {
    const module = new WebAssembly.Module(tagged(embedded('relaxed'), `thread ${workerData}, round ${round}`));
    const exports = new WebAssembly.Instance(module, { env: { memory: heap.memory } }).exports as unknown as Exports;
    heap.scratch(() => {
      const room = new Room(heap);
      for (let i = 0; i < 3; i++) for (const { run } of checks) {
        room.clear();
        heap.scratch(() => run({ level: 'relaxed', exports, heap }, room));
      }
    });
  }
}
