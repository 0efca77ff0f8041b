import type { Heap } from './heap.ts';
import { multiply } from './product.ts';
import type { Runtime } from './runtime.ts';

/**
 * Fixed calls that reach every function that `simd256` replaces, whole registers and every tail. Each gives the values
 * that it computed; a module that earns its place gives the same bits as `relaxed`.
 */
export const checks: readonly { readonly name: string; readonly run: (runtime: Runtime) => Float32Array }[] = [
  // A panel's rest in rows and columns, a second block of k, a second block of rows, transposed operands.
  { name: 'product 1×1×1', run: (runtime) => product(runtime, 1, 1, 1, false) },
  { name: 'product 11×37×259', run: (runtime) => product(runtime, 11, 37, 259, false) },
  { name: 'product 125×16×8', run: (runtime) => product(runtime, 125, 16, 8, true) },
  { name: 'three products 5×18×12', run: (runtime) => product(runtime, 5, 18, 12, true, 3) },
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

function product(runtime: Runtime, M: number, N: number, K: number, transposed: boolean, count = 1): Float32Array {
  const { heap } = runtime;
  return heap.scratch(() => {
    const sizes = [M * K, K * N, M * N].map((size) => size * 4);
    const [a, b, c] = sizes.map((size) => heap.allocate(size * count));
    const bias = heap.allocate(N * 4);
    fillFixed(heap, a, M * K * count);
    fillFixed(heap, b, K * N * count);
    fillFixed(heap, bias, N);
    const operands = Array.from({ length: count }, (_, i) => [a + i * sizes[0], b + i * sizes[1], c + i * sizes[2]] as const);
    const strides = transposed ? { aRow: 4, aColumn: M * 4, bRow: 4, bColumn: K * 4 } : { aRow: K * 4, aColumn: 4, bRow: N * 4, bColumn: 4 };
    multiply(runtime, { M, N, K, ...strides, cRow: N * 4, operands, bias });
    return heap.f32.slice(c / 4, c / 4 + M * N * count);
  });
}
