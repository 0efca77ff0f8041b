import { sizeOf } from '../../layout.ts';
import { allocateApart, type View } from '../../storage.ts';
import type { CrossEntropyGradients, CrossEntropyTargets } from '../contract.ts';
import { copy } from '../js/convert.ts';
import { readVector } from '../js/vectors.ts';
import { maxParts, type Heap } from './heap.ts';
import { fetch, placeDense, placeResult } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';
import { takesRows } from './softmax.ts';

/** The record that assembly/crossEntropy.ts reads: addresses, 0 for what the call does not need. */
export interface CrossEntropyRecord {
  readonly rows: number;
  readonly columns: number;
  readonly x: number;
  readonly out: number;
  readonly weight: number;
  readonly sums: number;
  readonly table: number;
  /** Bytes from a row's factors to those of the next. */
  readonly weightStep: number;
}

export function crossEntropyRecord(heap: Heap, { rows, columns, x, out, weight, sums, table, weightStep }: CrossEntropyRecord): number {
  const scratch = heap.allocate(128 * maxParts);
  const record = heap.allocate(64);
  heap.i32.set([rows, columns, x, out, weight, sums, table, weightStep, scratch], record / 4);
  return record;
}

/** Bytes that the kernel's two passes keep for each row. */
export const rowBytes = 24;

/** Whether the kernel takes float32 logits. */
export function takesCrossEntropy(logits: View): boolean {
  return takesRows(logits, logits);
}

/** Whether it takes the way back, too: gradients of distributions stay in the js loops. */
export function takesCrossEntropyBackward(logits: View, out: CrossEntropyGradients): boolean {
  return out.targets === null && takesCrossEntropy(logits);
}

/** What a value costs, in multiply-adds. */
const costOfValue = 30;

/** A view [..., 1] as dense numbers. */
function numbers(view: View): Float64Array {
  const dense = allocateApart(view.layout.shape, 'float64');
  copy(view, dense);
  return dense.storage.data;
}

function keep(values: Float64Array, out: View): void {
  const dense = allocateApart(out.layout.shape, 'float64');
  dense.storage.data.set(values);
  copy(dense, out);
}

/** What weighs the classes: `of` each, and the total over all with its share of the smoothing. */
function weights({ weight, smoothing }: CrossEntropyTargets, C: number) {
  const factors = weight === null ? null : readVector(weight);
  const sum = factors === null ? C : factors.reduce((total, factor) => total + factor, 0);
  return { of: (c: number): number => (factors === null ? 1 : factors[c]), own: 1 - smoothing, each: smoothing / C, spread: (smoothing / C) * sum };
}

/** The factors of the classes, where smoothing makes all of them count. */
function placeWeights(heap: Heap, { weight, smoothing }: CrossEntropyTargets, C: number): number {
  if (smoothing === 0) return 0;
  if (weight !== null) return placeDense(heap, weight);
  const address = heap.allocate(C * 4);
  heap.f32.fill(1, address / 4, address / 4 + C);
  return address;
}

/** Distributions as rows of q = w·((1 − s)·target + s/C), and each row's Σ q. */
function placeDistributions(heap: Heap, { view, weight, smoothing }: CrossEntropyTargets, C: number) {
  const from = placeDense(heap, view);
  const size = sizeOf(view.layout.shape);
  let to = from;
  if (weight !== null || smoothing !== 0) {
    to = heap.allocate(size * 4);
    const factors = weight === null ? new Float64Array(C).fill(1) : readVector(weight);
    const [given, q] = [from, to].map((address) => heap.f32.subarray(address / 4, address / 4 + size));
    for (let i = 0; i < size; i += C) for (let c = 0; c < C; c++) q[i + c] = factors[c] * ((1 - smoothing) * given[i + c] + smoothing / C);
  }
  const totals = new Float64Array(size / C);
  for (let row = 0; row < totals.length; row++) totals[row] = sumOf(heap.f32.subarray(to / 4 + row * C, to / 4 + (row + 1) * C));
  return { weight: to, totals };
}

/** In four sums: one alone waits for each addition. */
function sumOf(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= values.length; i += 4) {
    a += values[i];
    b += values[i + 1];
    c += values[i + 2];
    d += values[i + 3];
  }
  for (; i < values.length; i++) a += values[i];
  return a + b + (c + d);
}

/** What both kernels read: logits as rows of C classes, and what weighs these; `totals` where each row has a distribution of its own. */
function placeRows(heap: Heap, logits: View, targets: CrossEntropyTargets) {
  const { shape } = logits.layout;
  const C = shape[shape.length - 1];
  const shared = { C, rows: sizeOf(shape) / C, x: placeDense(heap, logits) };
  if (targets.ignoreIndex === null) return { ...shared, ...placeDistributions(heap, targets, C), weightStep: C * 4 };
  return { ...shared, weight: placeWeights(heap, targets, C), totals: null, weightStep: 0 };
}

export function crossEntropy(runtime: Runtime, logits: View, targets: CrossEntropyTargets, losses: View, logSumExp: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { C, rows, x, weight, totals, weightStep } = placeRows(heap, logits, targets);
    const sums = heap.allocate(rows * rowBytes);
    const job = crossEntropyRecord(heap, { rows, columns: C, x, out: 0, weight, sums, table: 0, weightStep });
    runJob(runtime, 'crossEntropy', job, partsFor(runtime, rows * C * costOfValue));
    const found = heap.f64.subarray(sums / 8, sums / 8 + rows * 3);
    const values = heap.f32.subarray(x / 4, x / 4 + rows * C);
    const { of, own, each, spread } = weights(targets, C);
    const [lse, loss] = [new Float64Array(rows), new Float64Array(rows)];
    const classes = totals === null ? numbers(targets.view) : new Float64Array(0);
    lse.forEach((_, row) => {
      // Where a row has a NaN, an ∞ or nothing but −∞, the kernel's sum is 0.
      const rest = found[3 * row + 1] === 0 ? NaN : Math.log(found[3 * row + 1]);
      const total = found[3 * row] + rest;
      lse[row] = total;
      if (totals !== null) {
        loss[row] = totals[row] * rest - found[3 * row + 2];
        return;
      }
      const target = classes[row];
      if (target === targets.ignoreIndex) return;
      loss[row] = own * of(target) * (total - values[row * C + target]);
      if (each !== 0) loss[row] += spread * rest - each * found[3 * row + 2];
    });
    keep(lse, logSumExp);
    keep(loss, losses);
  });
}

/** The gradient of the logits: a probability to 3e-6 of itself, the sum at the target to 4e-7 of the largest term. */
export function crossEntropyBackward(runtime: Runtime, logits: View, targets: CrossEntropyTargets, logSumExp: View, g: View, out: CrossEntropyGradients): void {
  const { logits: gradient } = out;
  if (gradient === null) return;
  const { heap } = runtime;
  heap.scratch(() => {
    const { C, rows, x, weight, totals: shares, weightStep } = placeRows(heap, logits, targets);
    const result = placeResult(heap, gradient);
    const table = heap.allocate(rows * rowBytes);
    const job = crossEntropyRecord(heap, { rows, columns: C, x, out: result, weight, sums: 0, table, weightStep });
    const [words, integers] = [heap.f32.subarray(table / 4), heap.i32.subarray(table / 4)];
    const { of, own, each, spread } = weights(targets, C);
    const [totals, scales] = [numbers(logSumExp), numbers(g)];
    const classes = shares === null ? numbers(targets.view) : new Float64Array(0);
    scales.forEach((scale, row) => {
      if (shares !== null) {
        const high = Math.fround(totals[row]);
        words.set([high, totals[row] - high, Number.isFinite(totals[row]) ? scale * shares[row] : NaN, scale, 0], row * 6);
        integers[row * 6 + 5] = 0;
        return;
      }
      const target = classes[row];
      const ignored = target === targets.ignoreIndex;
      // An infinite shift leaves nothing of a row that is ignored, whatever stands in it.
      const total = ignored ? Infinity : totals[row];
      const high = Math.fround(total);
      const drop = ignored ? 0 : scale * own * of(target);
      // What is no number spoils its whole row.
      const a = ignored ? 0 : Number.isFinite(total) ? drop + scale * spread : NaN;
      words.set([high, ignored ? 0 : total - high, a, ignored ? 0 : scale * each, drop], row * 6);
      integers[row * 6 + 5] = ignored ? 0 : target;
    });
    runJob(runtime, 'crossEntropyBackward', job, partsFor(runtime, rows * C * costOfValue));
    fetch(heap, result, gradient);
  });
}
