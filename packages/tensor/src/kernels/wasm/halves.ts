import type { HalfFormat } from '../contract.ts';
import type { HalfJobs } from './exports.ts';
import type { Heap } from './heap.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

const widening = { float16: 'widenFloat16', bfloat16: 'widenBfloat16' } as const satisfies Record<HalfFormat, keyof HalfJobs>;
const narrowing = { float16: 'narrowFloat16', bfloat16: 'narrowBfloat16' } as const satisfies Record<HalfFormat, keyof HalfJobs>;

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;
/** From here on the start of the engine costs less than it saves. */
const worthStart = 1 << 22;

/** Whether so many values are converted here, by an engine that has started or has yet to. */
export function takesHalves(count: number, started: boolean): boolean {
  return count >= (started ? worthIt : worthStart);
}

/** Values that go into the heap and out again at a time: they stay in the cache, and a large tensor needs little memory. */
const chunk = 1 << 16;

/** What a value costs, in multiply-adds. */
const costOfValue = 8;

const halvesAt = (heap: Heap, address: number, count: number): Uint16Array => new Uint16Array(heap.buffer, address, count);
const floatsAt = (heap: Heap, address: number, count: number): Float32Array => heap.f32.subarray(address / 4, address / 4 + count);

/** out = the values whose bits are given */
export function widen(runtime: Runtime, format: HalfFormat, halves: Uint16Array, out: Float32Array): void {
  inChunks(runtime, widening[format], out.length, (heap, x, done, count) => {
    halvesAt(heap, x, count).set(halves.subarray(done, done + count));
  }, (heap, result, done, count) => {
    out.set(floatsAt(heap, result, count), done);
  });
}

/** out = the bits of the nearest values */
export function narrow(runtime: Runtime, format: HalfFormat, x: Float32Array, out: Uint16Array): void {
  inChunks(runtime, narrowing[format], out.length, (heap, from, done, count) => {
    floatsAt(heap, from, count).set(x.subarray(done, done + count));
  }, (heap, result, done, count) => {
    out.set(halvesAt(heap, result, count), done);
  });
}

type Move = (heap: Heap, address: number, done: number, count: number) => void;

function inChunks(runtime: Runtime, job: keyof HalfJobs, length: number, bringIn: Move, takeOut: Move): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const [x, out] = [0, 1].map(() => heap.allocate(4 * Math.min(chunk, length + 7)));
    const record = heap.allocate(64);
    for (let done = 0; done < length; done += chunk) {
      const count = Math.min(chunk, length - done);
      bringIn(heap, x, done, count);
      // Whole registers: what stands behind the last value is converted with it.
      heap.i32.set([Math.ceil(count / 8) * 8, x, out], record / 4);
      runJob(runtime, job, record, partsFor(runtime, count * costOfValue));
      takeOut(heap, out, done, count);
    }
  });
}
