import { canDrop } from '../../dropoutMask.ts';
import { contiguousStrides, sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { AttentionGradients, AttentionOptions } from '../contract.ts';
import { streamWords, writeStream } from './dropout.ts';
import { fetch, place, placeResult, type Placed } from './operands.ts';
import { aligned } from './regions.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer multiplications stay in the js loops: a program that does no more than that never starts the engine. */
const worthIt = 1 << 12;

/** Whether attention is float32 and large enough to be worth the way into the heap. */
export function takesAttention(q: View, v: View, mask: View | null, { dropout }: AttentionOptions): boolean {
  const [L, E] = q.layout.shape.slice(-2);
  const [S, V] = v.layout.shape.slice(-2);
  if (q.storage.dtype !== 'float32' || (mask !== null && mask.storage.dtype !== 'bool' && mask.storage.dtype !== 'float32')) return false;
  if (dropout !== null && !canDrop(dropout.p)) return false;
  return E > 0 && V > 0 && S > 0 && sizeOf(q.layout.shape.slice(0, -2)) * L * S * (E + V) >= worthIt;
}

/** In the order of assembly/attention/record.ts. */
const names = ['q', 'k', 'v', 'mask', 'out', 'logSumExp', 'g', 'gq', 'gk', 'gv', 'gmask'] as const;
/** Where operands lie, as [heads…, rows, columns] each. */
export type AttentionOperands = Readonly<Partial<Record<(typeof names)[number], Placed>>>;

export interface AttentionSizes {
  /** The axes that number heads. */
  readonly heads: readonly number[];
  readonly L: number;
  readonly S: number;
  readonly E: number;
  readonly V: number;
}

/** The record that assembly/attention reads; its scratch memory is allocated here, for `parts` parts. */
export function attentionRecord({ heap, exports }: Runtime, sizes: AttentionSizes, operands: AttentionOperands, bool: boolean, options: AttentionOptions, parts: number): number {
  const { heads, L, S, E, V } = sizes;
  const backward = operands.g !== undefined;
  const { segments } = options;
  const longest = segments === null ? S : longestOf(segments);
  const bytes = aligned(exports.attentionBytes(longest, E, V, backward ? 1 : 0));
  const bounds = segments ?? [0, L, 0, S];
  const scratch = heap.workspace(bytes * parts);
  const [axes, list, record] = [heads.length * 4 * (names.length + 1), bounds.length * 4, 256].map((size) => heap.allocate(size));
  const { i32, f32 } = heap;
  i32.set(bounds, list / 4);
  heads.forEach((length, axis) => {
    i32.set([length, ...names.map((name) => operands[name]?.strides[axis] ?? 0)], axes / 4 + axis * (names.length + 1));
  });
  const maskKind = operands.mask === undefined ? 0 : bool ? 2 : 1;
  const at = record / 4;
  i32.set([L, S, E, V, sizeOf(heads), heads.length, axes, list, segments === null ? list + 8 : list, segments === null ? 1 : segments.length - 1, longest, options.causal ? 1 : 0, maskKind], at);
  f32[at + 13] = options.scale;
  writeStream(heap, at + 14, options.dropout);
  i32.set([scratch, bytes], at + 14 + streamWords);
  const rank = heads.length;
  names.forEach((name, i) => {
    const placed = operands[name];
    i32.set(placed === undefined ? [0, 0, 0] : [placed.address, placed.strides[rank], placed.strides[rank + 1]], at + 24 + i * 3);
  });
  return record;
}

/** What a score costs beside its products, in multiply-adds. */
const costOfScore = 20;

export function attention(runtime: Runtime, q: View, k: View, v: View, mask: View | null, options: AttentionOptions, out: View, logSumExp: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const sizes = sizesOf(q, v);
    const [result, total] = [placeOutput(heap, out), placeOutput(heap, logSumExp)];
    const operands = { q: place(heap, q), k: place(heap, k), v: place(heap, v), ...(mask === null ? {} : { mask: place(heap, mask) }), out: result, logSumExp: total };
    const parts = partsFor(runtime, workOf(q, v, options));
    runJob(runtime, 'attention', attentionRecord(runtime, sizes, operands, mask?.storage.dtype === 'bool', options, parts), parts);
    fetch(heap, result.address, out);
    fetch(heap, total.address, logSumExp);
  });
}

export function attentionBackward(
  runtime: Runtime, q: View, k: View, v: View, mask: View | null, options: AttentionOptions, logSumExp: View, g: View, out: AttentionGradients,
): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const sizes = sizesOf(q, v);
    const results = ([['gq', out.q], ['gk', out.k], ['gv', out.v], ['gmask', out.mask]] as const).flatMap(([name, view]) => (view === null ? [] : [{ name, view, placed: placeOutput(heap, view) }]));
    const operands = {
      q: place(heap, q), k: place(heap, k), v: place(heap, v), ...(mask === null ? {} : { mask: place(heap, mask) }), logSumExp: place(heap, logSumExp), g: place(heap, g),
      ...Object.fromEntries(results.map(({ name, placed }) => [name, placed])),
    };
    // Scores between segments are none, and have no gradient.
    for (const { name, view, placed } of results) if (name === 'gmask' && options.segments !== null) heap.f32.fill(0, placed.address / 4, placed.address / 4 + sizeOf(view.layout.shape));
    const parts = partsFor(runtime, 2.5 * workOf(q, v, options));
    runJob(runtime, 'attentionBackward', attentionRecord(runtime, sizes, operands, mask?.storage.dtype === 'bool', options, parts), parts);
    for (const { view, placed } of results) fetch(heap, placed.address, view);
  });
}

function sizesOf(q: View, v: View): AttentionSizes {
  const { shape } = q.layout;
  const [[L, E], [S, V]] = [shape.slice(-2), v.layout.shape.slice(-2)];
  return { heads: shape.slice(0, -2), L, S, E, V };
}

function longestOf(segments: ArrayLike<number>): number {
  let longest = 0;
  for (let i = 1; i < segments.length; i++) longest = Math.max(longest, segments[i] - segments[i - 1]);
  return longest;
}

/** About how many multiply-adds the forward pass is. */
export function workOf(q: View, v: View, { segments }: AttentionOptions): number {
  const { heads, L, S, E, V } = sizesOf(q, v);
  let scores = segments === null ? L * S : 0;
  if (segments !== null) for (let i = 1; i < segments.length; i++) scores += (segments[i] - segments[i - 1]) ** 2;
  return sizeOf(heads) * scores * (E + V + costOfScore);
}

/** A result, dense in row-major order. */
function placeOutput(heap: Runtime['heap'], out: View): Placed {
  const bytes = out.storage.dtype === 'float64' ? 8 : 4;
  return { address: placeResult(heap, out), strides: contiguousStrides(out.layout.shape).map((stride) => stride * bytes) };
}
