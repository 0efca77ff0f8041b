import { contiguousStrides, sizeOf } from '../../layout.ts';
import { linearActivations, type LinearActivation } from '../contract.ts';
import { attentionRecord, type AttentionOperands, type AttentionSizes } from './attention.ts';
import { crossEntropyRecord, rowBytes } from './crossEntropy.ts';
import { dropoutRecord } from './dropout.ts';
import { elementwiseRecord } from './elementwise.ts';
import type { ElementwiseJobs, RowJobs } from './exports.ts';
import { normRecord, partialBytes } from './layerNorm.ts';
import { multiply } from './product.ts';
import type { Room } from './room.ts';
import type { Runtime } from './runtime.ts';
import { rowsRecord } from './softmax.ts';

const unaryJobs: readonly (keyof ElementwiseJobs)[] = ['exp', 'sigmoid', 'tanh', 'gelu', 'geluTanh', 'silu'];
const slopeJobs: readonly (keyof ElementwiseJobs)[] = ['geluBackward', 'geluTanhBackward', 'siluBackward'];
const rowJobs: readonly (keyof RowJobs)[] = ['softmax', 'logSoftmax', 'softmaxBackward', 'logSoftmaxBackward'];

export type Run = (runtime: Runtime, room: Room) => void;

/**
 * Fixed calls that reach every function that `simd256` replaces, whole registers and every tail. Each leaves what it
 * computed in the room; a module that earns its place leaves the same bits as `relaxed`.
 */
export const checks: readonly { readonly name: string; readonly run: Run }[] = [
  // A panel's rest in rows and columns, a second block of k, a second block of rows, transposed operands.
  { name: 'product 1×1×1', run: product(1, 1, 1, false) },
  { name: 'product 11×37×259', run: product(11, 37, 259, false) },
  { name: 'product 245×16×3', run: product(245, 16, 3, true) },
  { name: 'three products 5×18×12', run: product(5, 18, 12, true, 3) },
  ...[null, ...linearActivations].flatMap((activation) => [
    { name: `layer 6×19×5 with ${activation ?? 'no activation'}`, run: product(6, 19, 5, true, 1, { activation, drops: false }) },
    { name: `layer 6×24×5 with ${activation ?? 'no activation'}, dropout and slopes`, run: product(6, 24, 5, true, 1, { activation, drops: true }) },
  ]),
  ...[...unaryJobs, ...slopeJobs].map((job) => ({ name: `${job} of 45 values`, run: elementwise(job, 45) })),
  // Rows of whole registers, and rows that are nothing but a rest.
  ...rowJobs.flatMap((job) => [21, 5].map((columns) => ({ name: `${job} of 3×${columns}`, run: rows(job, 3, columns) }))),
  // More than one block of rows.
  { name: 'layerNorm and its gradients of 35×29', run: norm(35, 29) },
  // With and without the factors of the classes.
  ...[0, 1].map((weighted) => ({ name: `crossEntropy and its gradient of 3×29, ${weighted} weights`, run: entropies(3, 29, weighted === 1) })),
  { name: 'dropout of 109 values', run: dropped(109) },
  // Panels of queries and their rest, keys and columns that fill no tile, two blocks of keys; a mask, draws that begin within a block.
  { name: 'attention 2×21×19', run: attended({ heads: [2], L: 21, S: 19, E: 6, V: 7 }, true) },
  { name: 'attention 1×3×262', run: attended({ heads: [1], L: 3, S: 262, E: 5, V: 9 }, false) },
  // Two blocks of queries.
  { name: 'attention 1×67×9', run: attended({ heads: [1], L: 67, S: 9, E: 18, V: 3 }, false) },
  { name: 'attention 2×23×23 in segments', run: attended({ heads: [2], L: 23, S: 23, E: 4, V: 4 }, true, [0, 9, 9, 23]) },
];

/** The bits that a check computes. */
export function resultOf(run: Run, runtime: Runtime, room: Room): Int32Array {
  room.clear();
  runtime.heap.scratch(() => run(runtime, room));
  return room.bits();
}

function elementwise(job: keyof ElementwiseJobs, count: number): Run {
  return ({ heap, exports }, room) => {
    const [x, g] = [room.numbers(count, true), room.numbers(count)];
    exports[job](elementwiseRecord(heap, count, x, g, room.results(count)), 0, 1);
  };
}

function rows(job: keyof RowJobs, count: number, columns: number): Run {
  return ({ heap, exports }, room) => {
    const [x, g] = [room.numbers(count * columns, true), room.numbers(count * columns)];
    exports[job](rowsRecord(heap, count, columns, x, g, room.results(count * columns)), 0, 1);
  };
}

function dropped(count: number): Run {
  return ({ heap, exports }, room) => {
    const x = room.numbers(count);
    exports.dropout(dropoutRecord(heap, count, x, room.results(count), 0.25, { seed: 1, offset: 8 }), 0, 1);
  };
}

/** The sums, then the gradients. */
function entropies(count: number, columns: number, weighted: boolean): Run {
  return ({ heap, exports }, room) => {
    const [x, w, table] = [count * columns, columns, (count * rowBytes) / 4].map((length) => room.numbers(length, true));
    for (let row = 0; row < count; row++) heap.i32[table / 4 + row * 6 + 5] = row * 9;
    const [sums, out] = [(count * rowBytes) / 4, count * columns].map((length) => room.results(length));
    const job = crossEntropyRecord(heap, { rows: count, columns, x, out, weight: weighted ? w : 0, sums, table, weightStep: 0 });
    exports.crossEntropy(job, 0, 1);
    exports.crossEntropyBackward(job, 0, 1);
  };
}

/** The result, the statistics, and the gradients. */
function norm(count: number, columns: number): Run {
  return ({ heap, exports }, room) => {
    const size = count * columns;
    const [x, weight, bias, g] = [size, columns, columns, size].map((length) => room.numbers(length, true));
    const [out, mean, reciprocal, slope, gx, gWeight, gBias, partial] = [size, count * 2, count * 2, count * 2, size, columns, columns, partialBytes(count, columns) / 4].map((length) => room.results(length));
    const shared = { epsilon: 1e-5, rows: count, columns, form: 'variance', x, weight, bias, g, statistics: [mean, reciprocal, slope], partial, sums: [gWeight, gBias] } as const;
    exports.layerNorm(normRecord(heap, { ...shared, out }), 0, 1);
    const back = normRecord(heap, { ...shared, out: gx });
    exports.layerNormBackward(back, 0, 1);
    exports.layerNormSums(back, 0, 1);
  };
}

/** The result, logSumExp and all gradients. */
function attended(sizes: AttentionSizes, masked: boolean, segments: readonly number[] | null = null): Run {
  return (runtime, room) => {
    const { exports } = runtime;
    const { heads, L, S, E, V } = sizes;
    const at = (length: number, width: number, from: (count: number) => number, bytes = 4) => {
      const shape = [...heads, length, width];
      return { address: from((sizeOf(shape) * bytes) / 4), strides: contiguousStrides(shape).map((stride) => stride * bytes) };
    };
    const [given, made] = [(count: number) => room.numbers(count), (count: number) => room.results(count)];
    const operands: AttentionOperands = { q: at(L, E, given), k: at(S, E, given), v: at(S, V, given), ...(masked ? { mask: at(L, S, given) } : {}) };
    const g = at(L, V, given);
    const results: AttentionOperands = { out: at(L, V, made), logSumExp: at(L, 1, made, 8) };
    const gradients: AttentionOperands = { g, gq: at(L, E, made), gk: at(S, E, made), gv: at(S, V, made), ...(masked ? { gmask: at(L, S, made) } : {}) };
    const options = { scale: 0.5, causal: masked, segments, dropout: masked ? { p: 0.25, state: { seed: 1, offset: 8 } } : null };
    exports.attention(attentionRecord(runtime, sizes, { ...operands, ...results }, false, options, room.parts), 0, 1);
    exports.attentionBackward(attentionRecord(runtime, sizes, { ...operands, ...results, ...gradients }, false, options, room.parts), 0, 1);
  };
}

interface Layer {
  readonly activation: LinearActivation | null;
  readonly drops: boolean;
}

function product(M: number, N: number, K: number, transposed: boolean, count = 1, layer?: Layer): Run {
  return (runtime, room) => {
    const [a, b] = [room.numbers(M * K * count), room.numbers(K * N * count)];
    const [bias, residual] = [room.numbers(N, true), room.numbers(M * N)];
    const c = room.results(M * N * count);
    const drops = layer?.drops === true;
    const epilogue = layer === undefined ? null : {
      bias, residual, scale: 0.5, activation: layer.activation, dropout: drops ? { p: 0.25, state: { seed: 1, offset: 8 } } : null, slope: drops ? room.results(M * N) : 0,
    };
    const operands = Array.from({ length: count }, (_, i) => [a + i * M * K * 4, b + i * K * N * 4, c + i * M * N * 4] as const);
    const strides = transposed ? { aRow: 4, aColumn: M * 4, bRow: 4, bColumn: K * 4 } : { aRow: K * 4, aColumn: 4, bRow: N * 4, bColumn: 4 };
    multiply(runtime, { M, N, K, ...strides, cRow: N * 4, operands, epilogue });
  };
}
