import { isFloat, type TypedArray } from '../../dtype.ts';
import { allocateApart, type View } from '../../storage.ts';
import type { Kernels, LinearEpilogue } from '../contract.ts';
import { oneByOne } from '../linears.ts';
import { copy } from './convert.ts';
import { rowEpilogue, type RowEpilogue } from './epilogue.ts';
import { forEachRow } from './iterate.ts';
import { evenBlock, multiply, multiplyIntegers, pack, padded, tileHeight, tileWidth } from './panels.ts';

/** out[…, m, n] = Σₖ a[…, m, k]·b[…, k, n] */
export function matmul(a: View, b: View, out: View): void {
  product(a, b, null, out);
}

/** out = dropout(activation(scale·x·weightᵀ + bias)) + residual; everything in float64, rounded once */
export function linear(x: View, weight: View, epilogue: LinearEpilogue, out: View): void {
  const { shape: [N, K], strides: [sn, sk], offset } = weight.layout;
  product(x, { storage: weight.storage, layout: { shape: [K, N], strides: [sk, sn], offset } }, epilogue, out);
}

/** `linear` for each weight, side by side */
export const linears: Kernels['linears'] = (...call) => oneByOne(linear, ...call);

/** How much of K is packed at a time: a panel of a and one of b then fit in a first-level cache. */
const depth = 256;

/** What a block of packed a and of packed b may hold, in values: shares of a second-level cache. */
const blockSize = { a: 1 << 14, b: 1 << 17 };

/**
 * M, K, N   rows of a, the summed axis, columns of b
 * blocks    columns of b outermost, then batches, then rows of a: b is packed once for all batches that share it
 */
function product(a: View, b: View, epilogue: LinearEpilogue | null, out: View): void {
  const { dtype } = out.storage;
  if (dtype === 'int8' || dtype === 'uint8') {
    // Through int32, so that the loops below meet three kinds of arrays: V8 slows down at a fifth. The low bits are the same.
    const [wideA, wideB, wide] = [a, b, out].map(({ layout }) => allocateApart(layout.shape, 'int32'));
    copy(a, wideA);
    copy(b, wideB);
    product(wideA, wideB, epilogue, wide);
    copy(wide, out);
    return;
  }
  const { shape } = out.layout;
  const rank = shape.length;
  const [M, N] = [shape[rank - 2], shape[rank - 1]];
  const K = a.layout.shape[rank - 1];
  const batch = shape.slice(0, -2);
  if (M === 0 || N === 0 || batch.includes(0)) return;
  const [x, y, z] = [a.storage.data, b.storage.data, out.storage.data];
  const [am, ak] = a.layout.strides.slice(-2);
  const [bk, bn] = b.layout.strides.slice(-2);
  const [om, on] = out.layout.strides.slice(-2);
  const floats = isFloat(dtype);
  const after = rowEpilogue(epilogue, N);
  const strides = [a, b, out].map((view) => [...view.layout.strides.slice(0, -2), 0]);
  const batches = { shape: [...batch, 1], strides, offsets: [a, b, out].map((view) => view.layout.offset) };
  if (floats && (M === 1 || N === 1)) {
    forEachRow(batches, strides, ([ia, ib, io]) => {
      if (N === 1) timesVector(x, ia, M, am, K, ak, y, ib, bk, after, 'column', z, io, om);
      else timesVector(y, ib, N, bn, K, bk, x, ia, ak, after, 'row', z, io, on);
    });
    return;
  }
  const step = Math.min(K, depth);
  const rows = evenBlock(M, blockSize.a, step, tileHeight);
  const columns = evenBlock(N, blockSize.b, K, tileWidth);
  const scratch = floats ? scratchOf(Float64Array, rows, columns, step, K) : scratchOf(Int32Array, rows, columns, step, K);
  for (let n = 0; n < N; n += columns) {
    const width = Math.min(columns, N - n);
    const stride = padded(width, tileWidth);
    let packed = -1;
    forEachRow(batches, strides, ([ia, ib, io]) => {
      if (ib !== packed) for (let k = 0; k < K; k += step) pack(y, ib + n * bn + k * bk, width, bn, Math.min(step, K - k), bk, scratch.b, k * stride, tileWidth);
      packed = ib;
      for (let m = 0; m < M; m += rows) {
        const height = Math.min(rows, M - m);
        scratch.c.fill(0, 0, padded(height, tileHeight) * stride);
        for (let k = 0; k < K; k += step) {
          const length = Math.min(step, K - k);
          pack(x, ia + m * am + k * ak, height, am, length, ak, scratch.a, 0, tileHeight);
          if (floats) multiply(height, width, length, scratch.a as Float64Array, scratch.b as Float64Array, k * stride, scratch.c as Float64Array, stride);
          else multiplyIntegers(height, width, length, scratch.a as Int32Array, scratch.b as Int32Array, k * stride, scratch.c as Int32Array, stride);
        }
        store(scratch.c, height, width, stride, after, m, n, z, io + m * om + n * on, om, on);
      }
    });
  }
}

function scratchOf(array: typeof Float64Array | typeof Int32Array, rows: number, columns: number, step: number, K: number) {
  return { a: new array(rows * step), b: new array(columns * K), c: new array(rows * columns) };
}

/** Rounds a block of sums, with what follows them, into the result; integers keep their low bits. */
function store(c: Float64Array | Int32Array, height: number, width: number, stride: number, after: RowEpilogue, fromRow: number, from: number, z: TypedArray, io: number, om: number, on: number): void {
  const bias = after.onlyBias;
  for (let m = 0; m < height; m++) {
    let at = io + m * om;
    const row = m * stride;
    if (bias === undefined) after.finish(c, row, width, fromRow + m, from);
    if (bias === null || bias === undefined) for (let n = 0; n < width; n++, at += on) z[at] = c[row + n];
    else for (let n = 0; n < width; n++, at += on) z[at] = c[row + n] + bias[from + n];
  }
}

/** One of the matrices is a single row or column: x [R, K] times v [K] in the order that x lies in, without packing. The sums are a `row` of the result, or a `column`. */
function timesVector(x: TypedArray, ix: number, R: number, sr: number, K: number, sk: number, v: TypedArray, iv: number, sv: number, after: RowEpilogue, sumsAre: 'row' | 'column', z: TypedArray, io: number, so: number): void {
  const sums = new Float64Array(R);
  if (Math.abs(sk) <= Math.abs(sr)) {
    for (let r = 0; r < R; r++) {
      let sum = 0;
      for (let k = 0, i = ix + r * sr, j = iv; k < K; k++, i += sk, j += sv) sum += x[i] * v[j];
      sums[r] = sum;
    }
  } else {
    for (let k = 0; k < K; k++) {
      const factor = v[iv + k * sv];
      for (let r = 0, i = ix + k * sk; r < R; r++, i += sr) sums[r] += x[i] * factor;
    }
  }
  if (sumsAre === 'row') after.finish(sums, 0, R, 0, 0);
  else for (let r = 0; r < R; r++) after.finish(sums, r, 1, r, 0);
  for (let r = 0, o = io; r < R; r++, o += so) z[o] = sums[r];
}
