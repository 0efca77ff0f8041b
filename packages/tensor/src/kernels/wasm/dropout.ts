import { canDrop, dropThreshold } from '../../dropoutMask.ts';
import { sizeOf } from '../../layout.ts';
import type { GeneratorState } from '../../random.ts';
import type { View } from '../../storage.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

const twoTo32 = 4294967296;

/** Fewer values stay in the js loops: a program that does no more than that never starts the engine. */
const worthIt = 1 << 11;

export function takesDropout(x: View, p: number, state: GeneratorState, out: View): boolean {
  const large = x.storage.dtype === 'float32' && out.storage.dtype === 'float32' && sizeOf(out.layout.shape) >= worthIt;
  // The kernel begins with a whole block of words.
  return large && canDrop(p) && state.offset % 4 === 0;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 40;

/** out = x / (1 − p) where draw i of the stream keeps it, else 0: the js loops' mask, value for value. */
export function dropout(runtime: Runtime, x: View, p: number, state: GeneratorState, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const from = placeDense(heap, x);
    const count = sizeOf(out.layout.shape);
    const result = placeResult(heap, out);
    const parts = partsFor(runtime, count * costOfValue);
    runJob(runtime, 'dropout', dropoutRecord(heap, count, from, result, p, state), parts);
    fetch(heap, result, out);
  });
}

/** Words of a record that `writeStream` writes. */
export const streamWords = 6;

/** What kernels' records say of dropout, at word `at`: the `Stream` of assembly/draws.ts. */
export function writeStream(heap: Heap, at: number, stream: { readonly p: number; readonly state: GeneratorState } | null): void {
  const { p, state: { seed, offset } } = stream ?? { p: 0, state: { seed: 0, offset: 0 } };
  const block = Math.floor(offset / 4);
  heap.i32.set([dropThreshold(p), 0, seed, Math.floor(seed / twoTo32), block, Math.floor(block / twoTo32)], at);
  heap.f32[at + 1] = 1 / (1 - p);
}

/** The record that assembly/dropout.ts reads. */
export function dropoutRecord(heap: Heap, count: number, x: number, out: number, p: number, state: GeneratorState): number {
  const [scratch, rest] = [heap.allocate(512 * maxParts), heap.allocate(512)];
  const record = heap.allocate(64);
  heap.i32.set([count, x, out], record / 4);
  writeStream(heap, record / 4 + 3, { p, state });
  heap.i32.set([scratch, rest], record / 4 + 3 + streamWords);
  return record;
}
