import { contiguousStrides, sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { LinearEpilogue } from '../contract.ts';
import type { Heap } from './heap.ts';
import { fetch, place, placeDense, placeResult, rowsInHeap, type Placed } from './operands.ts';
import { multiply, packOperand, plain } from './product.ts';
import type { Runtime } from './runtime.ts';

/**
 * Fewer multiplications stay in the js loops. The way into the heap costs about 1 µs and pays from 512 of them on; the
 * rest keeps programs that only ever do small work from starting the engine.
 */
const worthIt = 1 << 12;

/** Whether a product is float32, and large enough to be worth the way into the heap. */
export function takesProduct(a: View, out: View): boolean {
  return out.storage.dtype === 'float32' && workOf(a, out) >= worthIt;
}

/** How many multiplications a product is. */
export function workOf(a: View, out: View): number {
  const { shape } = a.layout;
  return sizeOf(out.layout.shape) * shape[shape.length - 1];
}

/** out[…, m, n] = Σₖ a[…, m, k]·b[…, k, n] */
export function matmul(runtime: Runtime, a: View, b: View, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = out.layout;
    const [left, right] = [place(heap, a), place(heap, b)];
    const result = placeResult(heap, out);
    const [M, N] = shape.slice(-2);
    const [row, aColumn] = left.strides.slice(-2);
    const [bRow, bColumn] = right.strides.slice(-2);
    const batch = shape.slice(0, -2);
    const folded = foldedRow(shape, left, right);
    const operands = folded !== null
      ? [[left.address, right.address, result] as const]
      : addresses(batch, [left, right, { address: result, strides: contiguousStrides(shape).map((stride) => stride * 4) }]);
    const rows = folded !== null ? M * sizeOf(batch) : M;
    const K = a.layout.shape[a.layout.shape.length - 1];
    multiply(runtime, { M: rows, N, K, aRow: folded ?? row, aColumn, bRow, bColumn, cRow: N * 4, operands });
    fetch(heap, result, out);
  });
}

/** out = dropout(activation(scale·x·weightᵀ + bias)) + residual; x [R, K], weight [N, K] */
export function linear(runtime: Runtime, x: View, weight: View, epilogue: LinearEpilogue, out: View): void {
  runtime.heap.scratch(() => {
    const { address, strides: [bColumn, bRow] } = place(runtime.heap, weight);
    layer(runtime, x, { b: address, bRow, bColumn }, epilogue, out);
  });
}

/** Bytes that `packWeight` writes for a weight [N, K]. They depend on the level's tiles. */
export function packedWeightBytes({ exports }: Runtime, N: number, K: number): number {
  return exports.packedBytes(K, N);
}

/** Packs a weight [N, K] that lies in the heap, for any number of `linearPacked`; `to` is a multiple of 64. */
export function packWeight(runtime: Runtime, { address, strides: [bColumn, bRow] }: Placed, N: number, K: number, to: number): void {
  packOperand(runtime, { M: 0, N, K, aRow: 0, aColumn: 0, bRow, bColumn, cRow: 0, operands: [[0, address, 0]] }, to);
}

/** `linear` with the weight [N, K] that `packWeight` put at `packed`: the same bits. */
export function linearPacked(runtime: Runtime, x: View, packed: number, epilogue: LinearEpilogue, out: View): void {
  runtime.heap.scratch(() => layer(runtime, x, { b: 0, bRow: 0, bColumn: 0, packed: [packed] }, epilogue, out));
}

/** x times several packed weights of one size, whole panels each, side by side in `out`: the same bits as each gives alone. */
export function linearsPacked(runtime: Runtime, x: View, packed: readonly number[], biases: readonly (View | null)[], out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { address: a, strides: [aRow, aColumn] } = place(heap, x);
    const added = biases.map((bias) => (bias === null ? 0 : placeDense(heap, bias)));
    const result = placeResult(heap, out);
    const [M, N] = out.layout.shape;
    const K = x.layout.shape[1];
    const epilogue = { ...plain, bias: joined(heap, added, N / packed.length) };
    multiply(runtime, { M, N, K, aRow, aColumn, bRow: 0, bColumn: 0, packed, cRow: N * 4, operands: [[a, 0, result]], epilogue });
    fetch(heap, result, out);
  });
}

/** Vectors of one length behind each other; −0, which changes nothing, for those that there are not. */
function joined(heap: Heap, vectors: readonly number[], length: number): number {
  if (vectors.every((address) => address === 0)) return 0;
  const all = heap.allocate(vectors.length * length * 4);
  vectors.forEach((address, i) => {
    const to = all / 4 + i * length;
    if (address === 0) heap.f32.fill(-0, to, to + length);
    else heap.f32.copyWithin(to, address / 4, address / 4 + length);
  });
  return all;
}

function layer(runtime: Runtime, x: View, weight: { b: number; bRow: number; bColumn: number; packed?: readonly number[] }, { bias, scale, activation, dropout, residual, slope }: LinearEpilogue, out: View): void {
  const { heap } = runtime;
  const { b, ...rest } = weight;
  const { address: a, strides: [aRow, aColumn] } = place(heap, x);
  const [added, addend] = [bias, residual].map((view) => (view === null ? 0 : placeDense(heap, view)));
  const [M, N] = out.layout.shape;
  // What reads or writes beside the sums takes rows of N values.
  const rows = residual === null && slope === null && dropout === null ? rowsInHeap(heap, out) : null;
  const result = rows?.address ?? placeResult(heap, out);
  const slopes = slope === null ? 0 : placeResult(heap, slope);
  const K = x.layout.shape[1];
  const epilogue = { bias: added, scale, activation, dropout, residual: addend, slope: slopes };
  multiply(runtime, { M, N, K, aRow, aColumn, ...rest, cRow: rows?.bytes ?? N * 4, operands: [[a, b, result]], epilogue });
  if (rows === null) fetch(heap, result, out);
  if (slope !== null) fetch(heap, slopes, slope);
}

/**
 * The stride of the rows of all A taken together, where all products share one B and those rows follow each other
 * evenly: then they are one product with more rows. Else null.
 */
function foldedRow(shape: readonly number[], a: Placed, b: Placed): number | null {
  const last = shape.length - 2;
  let inner = a.strides[last];
  // The stride that the next axis outwards must have; null as long as every axis has had length 1.
  let reach: number | null = null;
  for (let axis = last; axis >= 0; axis--) {
    if (shape[axis] === 1) continue;
    if (axis < last && b.strides[axis] !== 0) return null;
    if (reach === null) inner = a.strides[axis];
    else if (a.strides[axis] !== reach) return null;
    reach = shape[axis] * a.strides[axis];
  }
  return inner;
}

/** The addresses of the operands of each product, in row-major order of the batch. */
function addresses(batch: readonly number[], placed: readonly [Placed, Placed, Placed]): [number, number, number][] {
  let list: [number, number, number][] = [[placed[0].address, placed[1].address, placed[2].address]];
  batch.forEach((length, axis) => {
    const [a, b, c] = placed.map(({ strides }) => strides[axis]);
    list = list.flatMap(([x, y, z]) => Array.from({ length }, (_, i): [number, number, number] => [x + i * a, y + i * b, z + i * c]));
  });
  return list;
}
