import { sizeOf } from '../../layout.ts';
import { canDrop, dropThreshold, type GeneratorState } from '../../random.ts';
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

/** What records of kernels that drop say of a stream; a threshold of 0: nothing is dropped. */
export interface DrawRecord {
  readonly threshold: number;
  readonly dropScale: number;
  /** Low and high half. */
  readonly seed: readonly [number, number];
  /** The block of four words that the first value draws from, low and high half. */
  readonly block: readonly [number, number];
}

const nothing: DrawRecord = { threshold: 0, dropScale: 1, seed: [0, 0], block: [0, 0] };

export function drawRecord(stream: { readonly p: number; readonly state: GeneratorState } | null): DrawRecord {
  if (stream === null) return nothing;
  const { p, state: { seed, offset } } = stream;
  const block = Math.floor(offset / 4);
  return { threshold: dropThreshold(p), dropScale: 1 / (1 - p), seed: [seed, Math.floor(seed / twoTo32)], block: [block, Math.floor(block / twoTo32)] };
}

/** The record that assembly/dropout.ts reads. */
export function dropoutRecord(heap: Heap, count: number, x: number, out: number, p: number, state: GeneratorState): number {
  const [scratch, rest] = [heap.allocate(256 * maxParts), heap.allocate(256)];
  const record = heap.allocate(64);
  const { threshold, dropScale, seed, block } = drawRecord({ p, state });
  heap.i32.set([count, x, out, ...seed, ...block, threshold], record / 4);
  heap.f32[record / 4 + 8] = dropScale;
  heap.i32.set([scratch, rest], record / 4 + 9);
  return record;
}
