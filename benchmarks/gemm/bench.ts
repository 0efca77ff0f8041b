import { fromTypedArray, zeros } from '@strided/tensor';
import { matmul } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { recordBytes, writeProduct } from '../../packages/tensor/src/kernels/wasm/product.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { attempt } from '../../packages/tensor/src/kernels/wasm/select.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import type { Bench, Case, Contestant } from '../harness/bench.ts';
import { numbers } from '../ops/operand.ts';
import { limits, type Limits } from './limit.ts';

/**
 * The product of matrices at every kernel level beside what the processor can do at most. `strided-*`: the constant
 * operand packed before, the others in the kernels' memory; `… ordinary`: all of it in ordinary tensors, copied in,
 * packed and copied out each time.
 */

const levels = ['simd256', 'relaxed', 'simd128'] as const;

/** Operands in the heap with B packed, and a function that multiplies them. */
function packed({ heap, exports }: Runtime, a: Float32Array, b: Float32Array, M: number, N: number, K: number): { readonly run: () => void; readonly read: () => Float32Array } {
  const [left, right, result] = [a.length, b.length, M * N].map((size) => heap.allocate(size * 4));
  const [table, job, panels, scratch] = [12, recordBytes, exports.packedBytes(K, N), exports.scratchBytes(K)].map((size) => heap.allocate(size));
  heap.f32.set(a, left / 4);
  heap.f32.set(b, right / 4);
  const products = { M, N, K, aRow: K * 4, aColumn: 4, bRow: N * 4, bColumn: 4, cRow: N * 4, operands: [[left, right, result]] } as const;
  writeProduct(heap, job, products, table, [panels, 0], [scratch, 0]);
  exports.packB(job, 0, 1);
  return { run: () => exports.multiplyPacked(job, 0, 1), read: () => heap.f32.slice(result / 4, result / 4 + M * N) };
}

function product(M: number, K: number, N: number, { narrow, wide }: Limits, runtimes: readonly Runtime[]): Case {
  const prepare = (): Contestant[] => {
    const [a, b] = [numbers(M * K, -1, 1), numbers(K * N, -1, 1)];
    const [x, w, out] = [fromTypedArray(a, [M, K]), fromTypedArray(b, [K, N]), zeros([M, N])];
    const contestants: Contestant[] = [];
    for (const runtime of runtimes) {
      const { run, read } = packed(runtime, a, b, M, N, K);
      const name = runtime === runtimes[0] ? 'strided' : `strided-${runtime.level}`;
      contestants.push({ name, run, read });
      contestants.push({ name: `${name} ordinary`, run: () => matmul(runtime, x, w, out), read: () => out.toTypedArray() });
    }
    contestants.push({ name: 'strided-js', run: () => jsKernels.matmul(x, w, out), read: () => out.toTypedArray() });
    // A limit computes nothing that could be compared: it vouches for the first contestant's numbers.
    const [{ read }] = contestants as [Contestant<void>];
    contestants.push({ name: 'limit-relaxed', run: () => narrow(M * K * N), read: () => read() });
    if (wide !== null) contestants.push({ name: 'limit-simd256', run: () => wide(M * K * N), read: () => read() });
    return contestants;
  };
  return { name: `${M}×${K}×${N}`, work: { amount: 2 * M * N * K, unit: 'GFLOP/s' }, tolerance: 1e-4, prepare };
}

async function cases(): Promise<Case[]> {
  const runtimes = levels.map((level) => attempt(level, {}, false)).flatMap((found) => ('runtime' in found ? [found.runtime] : []));
  if (runtimes.length === 0) throw new Error('gemm needs a host with WebAssembly SIMD');
  const limit = await limits(runtimes[0].level === 'simd256');
  return [[128, 768, 768], [128, 768, 3072], [128, 3072, 768], [512, 768, 768]].map(([M, K, N]) => product(M, K, N, limit, runtimes));
}

export const gemm: Bench = { name: 'gemm', maxThreads: 1, cases };
