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

/** A draw is below p where its word is below this. */
export const thresholdOf = (p: number): number => Math.ceil(p * twoTo32);

export function takesDropout(x: View, p: number, state: GeneratorState, out: View): boolean {
  const large = x.storage.dtype === 'float32' && out.storage.dtype === 'float32' && sizeOf(out.layout.shape) >= worthIt;
  // The kernel's threshold has 32 bits, and it begins with a whole block of words.
  return large && thresholdOf(p) < twoTo32 && state.offset % 4 === 0;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 120;

/** out = x / (1 − p) where draw i of the stream is ≥ p, else 0: the js loops' mask, value for value. */
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

/** The record that assembly/dropout.ts reads. */
export function dropoutRecord(heap: Heap, count: number, x: number, out: number, p: number, { seed, offset }: GeneratorState): number {
  const [scratch, rest] = [heap.allocate(128 * maxParts), heap.allocate(128)];
  const record = heap.allocate(64);
  const block = offset / 4;
  heap.i32.set([count, x, out, seed, Math.floor(seed / twoTo32), block, Math.floor(block / twoTo32), thresholdOf(p)], record / 4);
  heap.f32[record / 4 + 8] = 1 / (1 - p);
  heap.i32.set([scratch, rest], record / 4 + 9);
  return record;
}
