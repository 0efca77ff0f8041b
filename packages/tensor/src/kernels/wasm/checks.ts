import { contiguousStrides, sizeOf } from '../../layout.ts';
import { linearActivations, type LinearActivation } from '../contract.ts';
import { attentionRecord, type AttentionOperands, type AttentionSizes } from './attention.ts';
import { crossEntropyRecord, rowBytes } from './crossEntropy.ts';
import { dropoutRecord } from './dropout.ts';
import { elementwiseRecord } from './elementwise.ts';
import type { ElementwiseJobs, RowJobs } from './exports.ts';
import { maxParts, type Heap } from './heap.ts';
import { normRecord, partialBytes } from './layerNorm.ts';
import { multiply } from './product.ts';
import type { Runtime } from './runtime.ts';
import { rowsRecord } from './softmax.ts';

const unaryJobs: readonly (keyof ElementwiseJobs)[] = ['exp', 'sigmoid', 'tanh', 'gelu', 'geluTanh', 'silu'];
const slopeJobs: readonly (keyof ElementwiseJobs)[] = ['geluBackward', 'geluTanhBackward', 'siluBackward'];
const rowJobs: readonly (keyof RowJobs)[] = ['softmax', 'logSoftmax', 'softmaxBackward', 'logSoftmaxBackward'];

/**
 * Fixed calls that reach every function that `simd256` replaces, whole registers and every tail. Each gives the values
 * that it computed; a module that earns its place gives the same bits as `relaxed`.
 */
export const checks: readonly { readonly name: string; readonly run: (runtime: Runtime) => Float32Array }[] = [
  // A panel's rest in rows and columns, a second block of k, a second block of rows, transposed operands.
  { name: 'product 1×1×1', run: (runtime) => product(runtime, 1, 1, 1, false) },
  { name: 'product 11×37×259', run: (runtime) => product(runtime, 11, 37, 259, false) },
  { name: 'product 245×16×3', run: (runtime) => product(runtime, 245, 16, 3, true) },
  { name: 'three products 5×18×12', run: (runtime) => product(runtime, 5, 18, 12, true, 3) },
  ...[null, ...linearActivations].map((activation) => ({ name: `layer 6×19×5 with ${activation ?? 'no activation'}`, run: (runtime: Runtime) => product(runtime, 6, 19, 5, true, 1, { activation }) })),
  ...[...unaryJobs, ...slopeJobs].map((job) => ({ name: `${job} of 45 values`, run: (runtime: Runtime) => elementwise(runtime, job, 45) })),
  // Rows of whole registers, and rows that are nothing but a rest.
  ...rowJobs.flatMap((job) => [21, 5].map((columns) => ({ name: `${job} of 3×${columns}`, run: (runtime: Runtime) => rows(runtime, job, 3, columns) }))),
  // More than one block of rows.
  { name: 'layerNorm and its gradients of 35×29', run: (runtime) => norm(runtime, 35, 29) },
  // With and without the factors of the classes.
  ...[0, 1].map((weighted) => ({ name: `crossEntropy and its gradient of 3×29, ${weighted} weights`, run: (runtime: Runtime) => entropies(runtime, 3, 29, weighted === 1) })),
  { name: 'dropout of 45 values', run: (runtime) => dropped(runtime, 45) },
  // Panels of queries and their rest, keys and columns that fill no tile, two blocks of keys; a mask, draws that begin within a block.
  { name: 'attention 2×21×19', run: (runtime) => attended(runtime, { heads: [2], L: 21, S: 19, E: 6, V: 7 }, true) },
  { name: 'attention 1×3×262', run: (runtime) => attended(runtime, { heads: [1], L: 3, S: 262, E: 5, V: 9 }, false) },
  // Two blocks of queries.
  { name: 'attention 1×67×9', run: (runtime) => attended(runtime, { heads: [1], L: 67, S: 9, E: 18, V: 3 }, false) },
  { name: 'attention 2×23×23 in segments', run: (runtime) => attended(runtime, { heads: [2], L: 23, S: 23, E: 4, V: 4 }, true, [0, 9, 9, 23]) },
];

/** `count` numbers between −1 and 1 with all bits in use; the same in every process. */
export function fillFixed(heap: Heap, address: number, count: number): void {
  const values = heap.f32;
  let state = 0x2545f491 ^ count;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[address / 4 + i] = state / 2147483648;
  }
}

/** Values from −8 to 8, where functions bend. */
function fillWide(heap: Heap, address: number, count: number): void {
  fillFixed(heap, address, count);
  const values = heap.f32;
  for (let i = address / 4; i < address / 4 + count; i++) values[i] *= 8;
}

function elementwise({ heap, exports }: Runtime, job: keyof ElementwiseJobs, count: number): Float32Array {
  return heap.scratch(() => {
    const [x, g, out] = [0, 1, 2].map(() => heap.allocate(count * 4));
    fillWide(heap, x, count);
    fillFixed(heap, g, count);
    exports[job](elementwiseRecord(heap, count, x, g, out), 0, 1);
    return heap.f32.slice(out / 4, out / 4 + count);
  });
}

function rows({ heap, exports }: Runtime, job: keyof RowJobs, count: number, columns: number): Float32Array {
  return heap.scratch(() => {
    const size = count * columns;
    const [x, g, out] = [0, 1, 2].map(() => heap.allocate(size * 4));
    fillWide(heap, x, size);
    fillFixed(heap, g, size);
    exports[job](rowsRecord(heap, count, columns, x, g, out), 0, 1);
    return heap.f32.slice(out / 4, out / 4 + size);
  });
}

function dropped({ heap, exports }: Runtime, count: number): Float32Array {
  return heap.scratch(() => {
    const [x, out] = [0, 1].map(() => heap.allocate(count * 4));
    fillFixed(heap, x, count);
    exports.dropout(dropoutRecord(heap, count, x, out, 0.25, { seed: 1, offset: 8 }), 0, 1);
    return heap.f32.slice(out / 4, out / 4 + count);
  });
}

/** The sums, then the gradients. */
function entropies({ heap, exports }: Runtime, count: number, columns: number, weighted: boolean): Float32Array {
  return heap.scratch(() => {
    const [x, w, table] = [count * columns, columns, count * rowBytes / 4].map((length) => {
      const address = heap.allocate(length * 4);
      fillWide(heap, address, length);
      return address;
    });
    for (let row = 0; row < count; row++) heap.i32[table / 4 + row * 6 + 5] = row * 9;
    const [sums, out] = [count * rowBytes, count * columns * 4].map((bytes) => heap.allocate(bytes));
    const end = heap.allocate(0);
    heap.f32.fill(0, sums / 4, end / 4);
    const job = crossEntropyRecord(heap, { rows: count, columns, x, out, weight: weighted ? w : 0, sums, table, weightStep: 0 });
    exports.crossEntropy(job, 0, 1);
    exports.crossEntropyBackward(job, 0, 1);
    return heap.f32.slice(sums / 4, end / 4);
  });
}

/** The result, its gradients and the statistics, as they lie in memory. */
function norm({ heap, exports }: Runtime, count: number, columns: number): Float32Array {
  return heap.scratch(() => {
    const size = count * columns;
    const [x, weight, bias, g] = [size, columns, columns, size].map((length) => {
      const address = heap.allocate(length * 4);
      fillWide(heap, address, length);
      return address;
    });
    const results = [size * 4, count * 8, count * 8, count * 8, size * 4, columns * 4, columns * 4].map((bytes) => heap.allocate(bytes));
    const [out, mean, reciprocal, slope, gx, gWeight, gBias] = results;
    const partial = heap.allocate(partialBytes(count, columns));
    heap.f32.fill(0, out / 4, partial / 4);
    const shared = { epsilon: 1e-5, rows: count, columns, form: 'variance', x, weight, bias, g, statistics: [mean, reciprocal, slope], partial, sums: [gWeight, gBias] } as const;
    exports.layerNorm(normRecord(heap, { ...shared, out }), 0, 1);
    const back = normRecord(heap, { ...shared, out: gx });
    exports.layerNormBackward(back, 0, 1);
    exports.layerNormSums(back, 0, 1);
    return heap.f32.slice(out / 4, partial / 4);
  });
}

/** The result, logSumExp and all gradients, as they lie in memory. */
function attended(runtime: Runtime, sizes: AttentionSizes, masked: boolean, segments: readonly number[] | null = null): Float32Array {
  const { heap, exports } = runtime;
  const { heads, L, S, E, V } = sizes;
  return heap.scratch(() => {
    const start = heap.allocate(0);
    const at = (length: number, width: number, bytes = 4) => {
      const shape = [...heads, length, width];
      const size = sizeOf(shape) * bytes;
      const address = heap.allocate(size);
      fillFixed(heap, address, size / 4);
      return { address, strides: contiguousStrides(shape).map((stride) => stride * bytes) };
    };
    const operands: AttentionOperands = { q: at(L, E), k: at(S, E), v: at(S, V), ...(masked ? { mask: at(L, S) } : {}), out: at(L, V), logSumExp: at(L, 1, 8) };
    const gradients: AttentionOperands = { g: at(L, V), gq: at(L, E), gk: at(S, E), gv: at(S, V), ...(masked ? { gmask: at(L, S) } : {}) };
    const end = heap.allocate(0);
    const options = { scale: 0.5, causal: masked, segments, dropout: masked ? { p: 0.25, state: { seed: 1, offset: 8 } } : null };
    exports.attention(attentionRecord(runtime, sizes, operands, false, options, maxParts), 0, 1);
    exports.attentionBackward(attentionRecord(runtime, sizes, { ...operands, ...gradients }, false, options, maxParts), 0, 1);
    return heap.f32.slice(start / 4, end / 4);
  });
}

function product(runtime: Runtime, M: number, N: number, K: number, transposed: boolean, count = 1, layer?: { readonly activation: LinearActivation | null }): Float32Array {
  const { heap } = runtime;
  return heap.scratch(() => {
    const sizes = [M * K, K * N, M * N].map((size) => size * 4);
    const [a, b, c] = sizes.map((size) => heap.allocate(size * count));
    fillFixed(heap, a, M * K * count);
    fillFixed(heap, b, K * N * count);
    const [bias, residual] = [N, M * N].map((size) => heap.allocate(size * 4));
    fillWide(heap, bias, N);
    fillFixed(heap, residual, M * N);
    const epilogue = layer === undefined ? null : { ...layer, bias, residual, scale: 0.5, kept: 0 };
    const operands = Array.from({ length: count }, (_, i) => [a + i * sizes[0], b + i * sizes[1], c + i * sizes[2]] as const);
    const strides = transposed ? { aRow: 4, aColumn: M * 4, bRow: 4, bColumn: K * 4 } : { aRow: K * 4, aColumn: 4, bRow: N * 4, bColumn: 4 };
    multiply(runtime, { M, N, K, ...strides, cRow: N * 4, operands, epilogue });
    return heap.f32.slice(c / 4, c / 4 + M * N * count);
  });
}
