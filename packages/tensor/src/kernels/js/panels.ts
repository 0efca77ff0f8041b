import type { TypedArray } from '../../dtype.ts';

/**
 * Products of matrices from packed panels. A panel holds 4 rows of a (or 3 columns of b) side by side, [K, 4] or [K, 3],
 * so that the innermost loop reads both operands in order whatever their strides, and keeps 12 sums in registers.
 * Measured against 2×4 … 4×4 tiles, 2 or 4 steps of k a turn and float32 panels: 4×3 in float64, a step a turn, is the
 * fastest that V8 makes of typed arrays.
 *   floats     panels and sums are float64: a result rounds once, when it is stored
 *   integers   panels and sums are int32 and wrap modulo 2³²
 */
export const tileHeight = 4;
export const tileWidth = 3;

/** The least multiple of a panel's lines from n. */
export function padded(n: number, lines: number): number {
  return Math.ceil(n / lines) * lines;
}

/** The length of equal blocks, in whole panels, that cut `count` lines of `K` values so that none holds many more than `size` values. */
export function evenBlock(count: number, size: number, K: number, lines: number): number {
  const most = Math.max(lines, Math.floor(size / Math.max(1, K)));
  return padded(Math.ceil(count / Math.ceil(count / most)), lines);
}

/** Values count × K of x, `count` lying `step` apart and K lying `stepK` apart, as panels of `lines` from panels[to]; the last is filled up with 0. */
export function pack(x: TypedArray, offset: number, count: number, step: number, K: number, stepK: number, panels: Float64Array | Int32Array, to: number, lines: number): void {
  for (let i = 0; i < padded(count, lines); i++) {
    let p = to + (i - (i % lines)) * K + (i % lines);
    if (i < count) for (let k = 0, from = offset + i * step; k < K; k++, p += lines, from += stepK) panels[p] = x[from];
    else for (let k = 0; k < K; k++, p += lines) panels[p] = 0;
  }
}

/** c[m·stride + n] += Σₖ a·b for all panels of a (M rows) and of b from b[b0] (N columns), in whole tiles: c holds the padded rows and columns. */
export function multiply(M: number, N: number, K: number, a: Float64Array, b: Float64Array, b0: number, c: Float64Array, stride: number): void {
  for (let n = 0; n < N; n += tileWidth) for (let m = 0; m < M; m += tileHeight) tile(K, a, m * K, b, b0 + n * K, c, m * stride + n, stride);
}

export function multiplyIntegers(M: number, N: number, K: number, a: Int32Array, b: Int32Array, b0: number, c: Int32Array, stride: number): void {
  for (let n = 0; n < N; n += tileWidth) for (let m = 0; m < M; m += tileHeight) integerTile(K, a, m * K, b, b0 + n * K, c, m * stride + n, stride);
}

/** One 4×3 tile. `| 0` says that no index overflows, which spares V8 a check at each. */
function tile(K: number, a: Float64Array, a0: number, b: Float64Array, b0: number, c: Float64Array, c0: number, stride: number): void {
  const c1 = c0 + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  let c00 = c[c0];
  let c01 = c[c0 + 1];
  let c02 = c[c0 + 2];
  let c10 = c[c1];
  let c11 = c[c1 + 1];
  let c12 = c[c1 + 2];
  let c20 = c[c2];
  let c21 = c[c2 + 1];
  let c22 = c[c2 + 2];
  let c30 = c[c3];
  let c31 = c[c3 + 1];
  let c32 = c[c3 + 2];
  let ia = a0 | 0;
  let ib = b0 | 0;
  for (let k = 0; k < K; k = (k + 1) | 0) {
    const x0 = a[ia];
    const x1 = a[(ia + 1) | 0];
    const x2 = a[(ia + 2) | 0];
    const x3 = a[(ia + 3) | 0];
    const y0 = b[ib];
    c00 += x0 * y0;
    c10 += x1 * y0;
    c20 += x2 * y0;
    c30 += x3 * y0;
    const y1 = b[(ib + 1) | 0];
    c01 += x0 * y1;
    c11 += x1 * y1;
    c21 += x2 * y1;
    c31 += x3 * y1;
    const y2 = b[(ib + 2) | 0];
    c02 += x0 * y2;
    c12 += x1 * y2;
    c22 += x2 * y2;
    c32 += x3 * y2;
    ia = (ia + 4) | 0;
    ib = (ib + 3) | 0;
  }
  c[c0] = c00;
  c[c0 + 1] = c01;
  c[c0 + 2] = c02;
  c[c1] = c10;
  c[c1 + 1] = c11;
  c[c1 + 2] = c12;
  c[c2] = c20;
  c[c2 + 1] = c21;
  c[c2 + 2] = c22;
  c[c3] = c30;
  c[c3 + 1] = c31;
  c[c3 + 2] = c32;
}

/** As `tile`, with the low 32 bits of each product and sum. */
function integerTile(K: number, a: Int32Array, a0: number, b: Int32Array, b0: number, c: Int32Array, c0: number, stride: number): void {
  const c1 = c0 + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  let c00 = c[c0];
  let c01 = c[c0 + 1];
  let c02 = c[c0 + 2];
  let c10 = c[c1];
  let c11 = c[c1 + 1];
  let c12 = c[c1 + 2];
  let c20 = c[c2];
  let c21 = c[c2 + 1];
  let c22 = c[c2 + 2];
  let c30 = c[c3];
  let c31 = c[c3 + 1];
  let c32 = c[c3 + 2];
  let ia = a0 | 0;
  let ib = b0 | 0;
  for (let k = 0; k < K; k = (k + 1) | 0) {
    const x0 = a[ia];
    const x1 = a[(ia + 1) | 0];
    const x2 = a[(ia + 2) | 0];
    const x3 = a[(ia + 3) | 0];
    const y0 = b[ib];
    c00 = (c00 + Math.imul(x0, y0)) | 0;
    c10 = (c10 + Math.imul(x1, y0)) | 0;
    c20 = (c20 + Math.imul(x2, y0)) | 0;
    c30 = (c30 + Math.imul(x3, y0)) | 0;
    const y1 = b[(ib + 1) | 0];
    c01 = (c01 + Math.imul(x0, y1)) | 0;
    c11 = (c11 + Math.imul(x1, y1)) | 0;
    c21 = (c21 + Math.imul(x2, y1)) | 0;
    c31 = (c31 + Math.imul(x3, y1)) | 0;
    const y2 = b[(ib + 2) | 0];
    c02 = (c02 + Math.imul(x0, y2)) | 0;
    c12 = (c12 + Math.imul(x1, y2)) | 0;
    c22 = (c22 + Math.imul(x2, y2)) | 0;
    c32 = (c32 + Math.imul(x3, y2)) | 0;
    ia = (ia + 4) | 0;
    ib = (ib + 3) | 0;
  }
  c[c0] = c00;
  c[c0 + 1] = c01;
  c[c0 + 2] = c02;
  c[c1] = c10;
  c[c1 + 1] = c11;
  c[c1 + 2] = c12;
  c[c2] = c20;
  c[c2 + 1] = c21;
  c[c2 + 2] = c22;
  c[c3] = c30;
  c[c3 + 1] = c31;
  c[c3 + 2] = c32;
}
