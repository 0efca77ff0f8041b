import { sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { NormForm, NormGradients, NormStatistics } from '../contract.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
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
    const result = placeResult(heap, out);
    const numbers = [statistics.mean, statistics.reciprocal, statistics.slope].map((view) => placeResult(heap, view)) as [number, number, number];
    const record = { epsilon, rows, columns, form, x: from, weight: w, bias: b, g: 0, out: result, statistics: numbers, partial: 0, sums: [0, 0] } as const;
    const parts = partsFor(runtime, rows * columns * costOfValue);
    runJob(runtime, 'layerNorm', normRecord(heap, record), parts);
    fetch(heap, result, out);
    [statistics.mean, statistics.reciprocal, statistics.slope].forEach((view, i) => fetch(heap, numbers[i], view));
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
    const numbers = [statistics.mean, statistics.reciprocal, statistics.slope].map((view) => placeDense(heap, view)) as [number, number, number];
    const result = out.x === null ? 0 : placeResult(heap, out.x);
    const partial = heap.allocate(partialBytes(rows, columns));
    const sums = [out.weight, out.bias].map((view) => (view === null ? heap.allocate(columns * 4) : placeResult(heap, view))) as [number, number];
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
