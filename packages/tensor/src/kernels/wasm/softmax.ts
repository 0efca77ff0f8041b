import { sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { RowJobs } from './exports.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer values stay in the js loops: a program that does no more than that never starts the engine. */
const worthIt = 1 << 11;

/** Whether rows along the last axis are float32 and enough to be worth the way into the heap. */
export function takesRows(x: View, out: View): boolean {
  return x.storage.dtype === 'float32' && out.storage.dtype === 'float32' && x.layout.shape.length > 0 && sizeOf(x.layout.shape) >= worthIt;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 50;

/** A kernel of rows: `x` (for a gradient the forward's result y), perhaps a gradient, and the result. */
export function rows(runtime: Runtime, job: keyof RowJobs, x: View, g: View | null, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = x.layout;
    const columns = shape[shape.length - 1];
    const size = sizeOf(shape);
    const [from, gradient] = [placeDense(heap, x), g === null ? 0 : placeDense(heap, g)];
    const result = placeResult(heap, out);
    const parts = partsFor(runtime, size * costOfValue);
    runJob(runtime, job, rowsRecord(heap, size / columns, columns, from, gradient, result), parts);
    fetch(heap, result, out);
  });
}

/** The record that assembly/softmax.ts reads. */
export function rowsRecord(heap: Heap, count: number, columns: number, x: number, g: number, out: number): number {
  const scratch = heap.allocate(128 * maxParts);
  const record = heap.allocate(64);
  heap.i32.set([count, columns, x, g, out, scratch], record / 4);
  return record;
}
