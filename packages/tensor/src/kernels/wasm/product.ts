import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

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
  const { M, N, K, operands, aRow, aColumn, bRow, bColumn, cRow, bias } = products;
  const count = operands.length;
  const parts = partsFor(runtime, M * N * K * count);
  const atMost = Math.max(64, Math.floor(pieceBytes / (K * 64)) * 16);
  // Whole products are the better parts where there are enough: each packs its own B, and nobody waits in between.
  const whole = parts > 1 && count >= 2 * parts && exports.packedBytes(K, N) <= pieceBytes;
  const together = whole || (count > 1 && M * N * K < smallProduct);
  // Wide ones are shared out by columns, each part with its own panels of B; for tall ones B is packed first, for all.
  const wide = !together && 3 * M <= N;
  const piece = together ? N : wide ? evenPiece(Math.ceil(N / parts), atMost) : Math.min(N, atMost);
  /** What lies between the memory of one part and that of the next. */
  const strideOf = (bytes: number): number => (parts === 1 ? 0 : Math.ceil(bytes / 64) * 64);
  heap.scratch(() => {
    const table = heap.allocate(count * 12);
    const [packedBytes, scratchBytes] = [exports.packedBytes(K, piece), exports.scratchBytes(K)];
    const [packedStride, scratchStride] = [together || wide ? strideOf(packedBytes) : 0, strideOf(scratchBytes)];
    const packed = heap.allocate(packedBytes + (parts - 1) * packedStride);
    const scratch = heap.allocate(scratchBytes + (parts - 1) * scratchStride);
    const job = heap.allocate(fields * 4);
    /** Describes all products, or `columns` columns of one from `column` on. */
    const write = (index: number, column: number, columns: number): void => {
      const at = table + index * 12;
      if (!together) heap.i32.set([operands[index][0], operands[index][1] + column * bColumn, operands[index][2] + column * 4], at / 4);
      const offset = bias === 0 ? 0 : bias + column * 4;
      heap.i32.set([M, columns, K, aRow, aColumn, bRow, bColumn, cRow, at, count, packed, packedStride, scratch, scratchStride, offset, piece], job / 4);
    };
    if (together) {
      heap.i32.set(operands.flat(), table / 4);
      write(0, 0, N);
      runJob(runtime, 'multiplyEach', job, parts);
      return;
    }
    for (let index = 0; index < count; index++) {
      if (wide) {
        write(index, 0, N);
        runJob(runtime, 'multiplyColumns', job, parts);
        continue;
      }
      for (let column = 0; column < N; column += piece) {
        write(index, column, Math.min(piece, N - column));
        runJob(runtime, 'packB', job, parts);
        runJob(runtime, 'multiplyPacked', job, parts);
      }
    }
  });
}

/** The columns of one of the equal pieces of `columns`, none larger than `atMost`: whole panels of any module. */
function evenPiece(columns: number, atMost: number): number {
  const pieces = Math.ceil(columns / atMost);
  return Math.ceil(columns / pieces / 16) * 16;
}
