import { isContiguous, sizeOf } from '../../layout.ts';
import { Storage, type View } from '../../storage.ts';
import type { NormForm, NormGradients, NormStatistics } from '../contract.ts';
import { copy } from '../js/convert.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

const forms: Readonly<Record<NormForm, number>> = { variance: 0, deviation: 1, rms: 2 };

/** Rows whose gradients of weight and bias are summed together first, as in assembly/layerNorm.ts. */
const block = 32;

/** The record that assembly/layerNorm.ts reads: addresses, or 0 for what the call does not need. */
export interface NormRecord {
  readonly epsilon: number;
  readonly rows: number;
  readonly columns: number;
  readonly form: NormForm;
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  readonly g: number;
  readonly out: number;
  readonly statistics: readonly [mean: number, reciprocal: number, slope: number];
  readonly partial: number;
  readonly sums: readonly [weight: number, bias: number];
}

export function normRecord(heap: Heap, record: NormRecord): number {
  const scratch = heap.allocate(128 * maxParts);
  const address = heap.allocate(128);
  const { epsilon, rows, columns, form, x, weight, bias, g, out, statistics, partial, sums } = record;
  heap.f64[address / 8] = epsilon;
  heap.i32.set([rows, columns, forms[form], x, weight, bias, g, out, ...statistics, partial, ...sums, scratch], address / 4 + 2);
  return address;
}

/** Bytes of the blocks' sums. */
export function partialBytes(rows: number, columns: number): number {
  return Math.ceil(rows / block) * columns * 8;
}

/** A vector of values that are all alike where there is none: a weight of 1, a bias of 0. */
function placeVector(heap: Heap, vector: View | null, columns: number, otherwise: number): number {
  if (vector !== null) return placeDense(heap, vector);
  const address = heap.allocate(columns * 4);
  heap.f32.fill(otherwise, address / 4, address / 4 + columns);
  return address;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 20;

export function layerNorm(
  runtime: Runtime, form: NormForm, epsilon: number, x: View, weight: View | null, bias: View | null, out: View, statistics: NormStatistics,
): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = x.layout;
    const columns = shape[shape.length - 1];
    const rows = sizeOf(shape) / columns;
    const from = placeDense(heap, x);
    const [w, b] = [placeVector(heap, weight, columns, 1), placeVector(heap, bias, columns, 0)];
    const result = heap.allocate(rows * columns * 4);
    const numbers = [0, 1, 2].map(() => heap.allocate(rows * 8)) as [number, number, number];
    const record = { epsilon, rows, columns, form, x: from, weight: w, bias: b, g: 0, out: result, statistics: numbers, partial: 0, sums: [0, 0] } as const;
    const parts = partsFor(runtime, rows * columns * costOfValue);
    runJob(runtime, 'layerNorm', normRecord(heap, record), parts);
    fetch(heap, result, out);
    [statistics.mean, statistics.reciprocal, statistics.slope].forEach((view, i) => fetchDoubles(heap, numbers[i], view));
  });
}

export function layerNormBackward(
  runtime: Runtime, form: NormForm, x: View, weight: View | null, g: View, statistics: NormStatistics, out: NormGradients,
): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = x.layout;
    const columns = shape[shape.length - 1];
    const rows = sizeOf(shape) / columns;
    const [from, gradient] = [placeDense(heap, x), placeDense(heap, g)];
    const w = placeVector(heap, weight, columns, 1);
    const numbers = [statistics.mean, statistics.reciprocal, statistics.slope].map((view) => placeDoubles(heap, view)) as [number, number, number];
    const result = out.x === null ? 0 : heap.allocate(rows * columns * 4);
    const partial = heap.allocate(partialBytes(rows, columns));
    const sums = [heap.allocate(columns * 4), heap.allocate(columns * 4)] as const;
    const parts = partsFor(runtime, rows * columns * costOfValue);
    const record = normRecord(heap, { epsilon: 0, rows, columns, form, x: from, weight: w, bias: 0, g: gradient, out: result, statistics: numbers, partial, sums });
    runJob(runtime, 'layerNormBackward', record, parts);
    if (out.weight !== null || out.bias !== null) runJob(runtime, 'layerNormSums', record, parts);
    if (out.x !== null) fetch(heap, result, out.x);
    [out.weight, out.bias].forEach((view, i) => {
      if (view !== null) fetch(heap, sums[i], view);
    });
  });
}

const dense = (storage: Storage, view: View, offset: number): View => {
  const { shape } = view.layout;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return { storage, layout: { shape, strides, offset } };
};

function placeDoubles(heap: Heap, view: View): number {
  const size = sizeOf(view.layout.shape);
  const address = heap.allocate(size * 8);
  if (isContiguous(view.layout)) heap.f64.set((view.storage.data as Float64Array).subarray(view.layout.offset, view.layout.offset + size), address / 8);
  else copy(view, dense(new Storage('float64', heap.f64), view, address / 8));
  return address;
}

function fetchDoubles(heap: Heap, address: number, view: View): void {
  const size = sizeOf(view.layout.shape);
  if (isContiguous(view.layout)) (view.storage.data as Float64Array).set(heap.f64.subarray(address / 8, address / 8 + size), view.layout.offset);
  else copy(dense(new Storage('float64', heap.f64), view, address / 8), view);
}
