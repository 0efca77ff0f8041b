import { isContiguous, sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { LookupJobs } from './exports.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;
/** Rows shorter than this are not worth a look each. */
const shortRow = 8;

/** Whether a dense table and the dense rows beside it are float32 and large enough. */
export function takesLookup(table: View, axis: number, rows: View): boolean {
  const { shape } = rows.layout;
  return table.storage.dtype === 'float32' && sizeOf(shape) >= worthIt && sizeOf(shape.slice(axis + 1)) >= shortRow
    && isContiguous(table.layout) && isContiguous(rows.layout);
}

/** What a value costs, in multiply-adds. */
const costOfValue = 8;

/**
 * Rows of a weight that is kept packed for products, read from its panels, as a table of embeddings that is tied to a
 * decoder is: its values need not be made again, nor packed once more. False, and nothing done, for any other x.
 */
export function rowsOfFolded({ storage, layout }: View, axis: number, index: View, out: View): boolean {
  if (!storage.isFolded || axis !== 0 || layout.shape.length !== 2 || layout.offset !== 0 || !isContiguous(layout) || !isContiguous(out.layout)) return false;
  // Not `readVector`: a pass makes no buffer outside of the arena but what it returns.
  const { storage: { data }, layout: { shape: [count], strides: [step], offset } } = index;
  const rows = Array.from({ length: count }, (_, i) => data[offset + i * step]);
  return storage.copyFoldedRows(layout.shape[1], rows, out.storage.data, out.layout.offset);
}

/** out = x at positions `index` of `axis` */
export function indexSelect(runtime: Runtime, x: View, axis: number, index: View, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const table = placeDense(heap, x);
    const rows = placeResult(heap, out);
    run(runtime, 'lookUp', x, axis, index, table, rows);
    fetch(heap, rows, out);
  });
}

/** out at positions `index` of `axis` += x */
export function indexAdd(runtime: Runtime, x: View, axis: number, index: View, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const rows = placeDense(heap, x);
    const before = placeDense(heap, out);
    const table = placeResult(heap, out);
    const { f32 } = heap;
    if (table !== before) f32.copyWithin(table / 4, before / 4, before / 4 + sizeOf(out.layout.shape));
    run(runtime, 'addAt', out, axis, index, table, rows);
    fetch(heap, table, out);
  });
}

function run(runtime: Runtime, job: keyof LookupJobs, { layout: { shape } }: View, axis: number, index: View, table: number, rows: number): void {
  const { heap } = runtime;
  const ids = placeDense(heap, index);
  const [outer, count, columns] = [sizeOf(shape.slice(0, axis)), sizeOf(index.layout.shape), sizeOf(shape.slice(axis + 1))];
  const record = heap.allocate(64);
  heap.i32.set([outer, shape[axis], count, columns, table, rows, ids], record / 4);
  runJob(runtime, job, record, partsFor(runtime, outer * count * columns * costOfValue));
}
