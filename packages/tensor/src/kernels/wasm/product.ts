import type { LinearActivation, LinearEpilogue } from '../contract.ts';
import { writeStream } from './dropout.ts';
import type { Heap } from './heap.ts';
import { aligned, inPages } from './regions.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob, type JobName } from './share.ts';

/**
 * Products of matrices that lie in the heap: C [M, N] = A [M, K] · B [K, N], one or many of one shape.
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
  /** Of one product only. */
  readonly epilogue?: PlacedEpilogue | null;
  /** Where B's panels lie since `packB`, in place of B; of several B of N / length columns side by side, each whole panels. Of one product only. */
  readonly packed?: readonly number[];
}

/** C = dropout(activation(scale·A·B + bias)) + residual, by addresses, 0 for what there is not: bias [N], the others dense [M, N]. */
export interface PlacedEpilogue {
  readonly bias: number;
  readonly scale: number;
  readonly activation: LinearActivation | null;
  readonly dropout: LinearEpilogue['dropout'];
  readonly residual: number;
  /** Where the slopes of dropout(activation) go. */
  readonly slope: number;
}

export const plain: PlacedEpilogue = { bias: 0, scale: 1, activation: null, dropout: null, residual: 0, slope: 0 };

/** The numbers by which assembly/matmul/epilogue.ts knows activations. */
const activations: Readonly<Record<LinearActivation, number>> = { relu: 1, gelu: 2, geluTanh: 3, silu: 4, tanh: 5 };

/** Where assembly/matmul/record.ts expects the fields that are written apart. */
const scaleField = 16;
const streamField = 21;
export const recordBytes = 4 * 30;

/** Writes the record that assembly/matmul/record.ts describes; the table takes three words a product, then one for each of several B. */
export function writeProduct(heap: Heap, at: number, { M, N, K, aRow, aColumn, bRow, bColumn, cRow, operands, epilogue, packed: each = [] }: Products, table: number, packed: readonly [address: number, stride: number], scratch: readonly [address: number, stride: number]): void {
  const { bias, scale, activation, dropout, residual, slope } = epilogue ?? plain;
  const act = activation === null ? 0 : activations[activation];
  heap.i32.set([
    M, N, K, aRow, aColumn, bRow, bColumn, cRow, table, operands.length, packed[0], packed[1], scratch[0], scratch[1],
    bias, act, 0, residual, cRow, slope, cRow, 0, 0, 0, 0, 0, 0, cRow / 32,
    each.length > 1 ? N / each.length : 0, table + 12 * operands.length,
  ], at / 4);
  heap.f32[at / 4 + scaleField] = scale;
  writeStream(heap, at / 4 + streamField, dropout);
  const words = heap.i32;
  let word = table / 4;
  for (const addresses of operands) for (const address of addresses) words[word++] = address;
  for (const address of each) words[word++] = address;
}

/** B is packed in pieces of at most this many bytes, which then stay in a shared cache. */
const pieceBytes = 4 * 1024 * 1024;

/** Up to so many rows B's panels are used once, so each is packed when it is needed: one block of rows in assembly/matmul/product.ts. */
const fewRows = 132;

/** Computes products whose M, N and K are not 0. */
export function multiply(runtime: Runtime, products: Products): void {
  if (products.packed === undefined) multiplyUnpacked(runtime, products);
  else multiplyPrepacked(runtime, products, products.packed);
}

/** The only product, with B's panels at hand: nothing but a record to write. The caller takes the scratch memory back. */
function multiplyPrepacked(runtime: Runtime, products: Products, panels: readonly number[]): void {
  const { heap, exports } = runtime;
  const { M, N, K } = products;
  const parts = partsFor(runtime, M * N * K);
  const bytes = aligned(exports.scratchBytes(K));
  // On the stack: the next product's result comes to lie where this was, in lines that are at hand still.
  const scratch = heap.allocate(parts * bytes);
  const table = heap.allocate(12 + panels.length * 4);
  const job = heap.allocate(recordBytes);
  writeProduct(heap, job, products, table, [panels[0], 0], [scratch, bytes]);
  runJob(runtime, 'multiplyPacked', job, parts);
}

function multiplyUnpacked(runtime: Runtime, products: Products): void {
  const { heap, exports } = runtime;
  const { M, N, K, operands } = products;
  const count = operands.length;
  const parts = partsFor(runtime, M * N * K * count);
  const few = M <= fewRows;
  // Whole products are the better parts where there are enough.
  const whole = count >= 2 * parts && (few || exports.packedBytes(K, N) <= pieceBytes);
  // Products with more rows take panels of B several times: they are packed before, for all parts.
  const byColumns = !whole && few && N >= 16 * parts;
  const piece = whole || byColumns ? N : Math.min(N, Math.max(64, Math.floor(pieceBytes / (K * 64)) * 16));
  const copies = byColumns || (whole && few) ? 0 : whole ? parts : 1;
  heap.scratch(() => {
    const [bytes, panelBytes] = [exports.scratchBytes(K), copies === 0 ? 0 : exports.packedBytes(K, piece)].map(inPages);
    const scratch = heap.workspace(parts * bytes + copies * panelBytes);
    // What lies between the memory of one part and that of the next.
    const [stride, panelStride] = parts === 1 ? [0, 0] : [bytes, panelBytes];
    const packed = copies === 0 ? ([0, 0] as const) : ([scratch + parts * bytes, panelStride] as const);
    const table = heap.allocate(count * 12);
    const job = heap.allocate(recordBytes);
    const run = (part: Products, ...jobs: readonly JobName[]): void => {
      writeProduct(heap, job, part, table, packed, [scratch, stride]);
      for (const name of jobs) runJob(runtime, name, job, parts);
    };
    if (whole) {
      run(products, 'multiplyEach');
      return;
    }
    for (const operand of operands) {
      for (let column = 0; column < N; column += piece) {
        const part = piece < N || count > 1 ? columnsOf(products, operand, column, Math.min(piece, N - column)) : products;
        if (byColumns) run(part, 'multiplyColumns');
        else run(part, 'packB', 'multiplyPacked');
      }
    }
  });
}

/** Packs B of the only product, for products with `packed`. */
export function packOperand(runtime: Runtime, products: Products, to: number): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const [table, job] = [12, recordBytes].map((bytes) => heap.allocate(bytes));
    writeProduct(heap, job, products, table, [to, 0], [0, 0]);
    // A value that is packed is read and written once: far less than a value of a product.
    runJob(runtime, 'packB', job, partsFor(runtime, products.N * products.K * 4));
  });
}

/** `columns` columns of one of the products, from `column` on. */
function columnsOf(products: Products, [a, b, c]: readonly [number, number, number], column: number, columns: number): Products {
  const { bColumn, epilogue = null } = products;
  const moved = (address: number): number => (address === 0 ? 0 : address + column * 4);
  const own = epilogue === null ? null : { ...epilogue, bias: moved(epilogue.bias), residual: moved(epilogue.residual), slope: moved(epilogue.slope), dropout: drawnFrom(epilogue.dropout, column) };
  return { ...products, N: columns, operands: [[a, b + column * bColumn, c + column * 4]], epilogue: own };
}

/** The same draws for values that begin `column` values, whole blocks, later in each row. */
function drawnFrom(dropout: LinearEpilogue['dropout'], column: number): LinearEpilogue['dropout'] {
  if (dropout === null) return null;
  const { p, state } = dropout;
  return { p, state: { ...state, offset: state.offset + column / 2 } };
}
