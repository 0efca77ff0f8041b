import type { Runtime } from './runtime.ts';

/**
 * Products of matrices that lie in the heap: C [M, N] = A [M, K] · B [K, N] + bias [N], one or many of one shape.
 * Addresses and strides count bytes; strides may be zero or negative, C's columns lie side by side.
 */
export interface Products {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly aRow: number;
  readonly aColumn: number;
  readonly bRow: number;
  readonly bColumn: number;
  readonly cRow: number;
  /** The addresses of A, B and C of each product. */
  readonly operands: readonly (readonly [a: number, b: number, c: number])[];
  /** The address of N values, or 0. */
  readonly bias: number;
}

/** Fields of the record that assembly/matmul/product.ts reads. */
const fields = 16;

/** B is packed in pieces of at most this many bytes, which then stay in a shared cache. */
const pieceBytes = 4 * 1024 * 1024;

/** Products with fewer multiplications are packed and computed one after the other in one call. */
const smallProduct = 1 << 20;

/** Computes products whose M, N and K are not 0. */
export function multiply(runtime: Runtime, products: Products): void {
  const { heap, exports } = runtime;
  const { M, N, K, operands } = products;
  heap.scratch(() => {
    const together = operands.length > 1 && M * N * K < smallProduct;
    const piece = together ? N : Math.min(N, Math.max(64, Math.floor(pieceBytes / (K * 64)) * 16));
    const table = heap.allocate(operands.length * 12);
    const packed = heap.allocate(exports.packedBytes(K, piece));
    const scratch = heap.allocate(exports.scratchBytes(K));
    const job = heap.allocate(fields * 4);
    const write = (columns: number, index: number, column: number): void => {
      const { aRow, aColumn, bRow, bColumn, cRow, bias } = products;
      const at = table + index * 12;
      if (!together) heap.i32.set([operands[index][0], operands[index][1] + column * bColumn, operands[index][2] + column * 4], at / 4);
      const offset = bias === 0 ? 0 : bias + column * 4;
      heap.i32.set([M, columns, K, aRow, aColumn, bRow, bColumn, cRow, at, operands.length, packed, 0, scratch, 0, offset], job / 4);
    };
    if (together) {
      heap.i32.set(operands.flat(), table / 4);
      write(N, 0, 0);
      exports.multiplyEach(job, 0, 1);
      return;
    }
    for (let index = 0; index < operands.length; index++) {
      for (let column = 0; column < N; column += piece) {
        write(Math.min(piece, N - column), index, column);
        exports.packB(job, 0, 1);
        exports.multiplyPacked(job, 0, 1);
      }
    }
  });
}
