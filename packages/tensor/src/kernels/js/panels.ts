import type { TypedArray } from '../../dtype.ts';

/**
 * Products of matrices from packed panels. A panel holds 3 rows of a (or 3 columns of b) side by side, [K, 3], so that
 * the innermost loop reads both operands in order whatever their strides, and keeps 9 sums in registers.
 * Measured against 2×4 … 4×4 tiles and float32 panels: 3×3 in float64 is the fastest that V8 makes of typed arrays.
 *   floats     panels and sums are float64: a result rounds once, when it is stored
 *   integers   panels and sums are int32 and wrap modulo 2³²
 */
export const panelWidth = 3;

/** The least multiple of the panel's width from n. */
export function padded(n: number): number {
  return Math.ceil(n / panelWidth) * panelWidth;
}

/** The length of equal blocks, in whole panels, that cut `count` lines of `K` values so that none holds many more than `size` values. */
export function evenBlock(count: number, size: number, K: number): number {
  const most = Math.max(panelWidth, Math.floor(size / Math.max(1, K)));
  return padded(Math.ceil(count / Math.ceil(count / most)));
}

/** Values count × K of x, `count` lying `step` apart and K lying `stepK` apart, as panels from panels[to]; the last is filled up with 0. */
export function pack(x: TypedArray, offset: number, count: number, step: number, K: number, stepK: number, panels: Float64Array | Int32Array, to: number): void {
  for (let i = 0; i < count; i += panelWidth) {
    const width = count - i;
    let from = offset + i * step;
    let p = to + i * K;
    if (width >= panelWidth) {
      for (let k = 0; k < K; k++, p += panelWidth, from += stepK) {
        panels[p] = x[from];
        panels[p + 1] = x[from + step];
        panels[p + 2] = x[from + 2 * step];
      }
    } else {
      for (let k = 0; k < K; k++, p += panelWidth, from += stepK) {
        panels[p] = x[from];
        panels[p + 1] = width > 1 ? x[from + step] : 0;
        panels[p + 2] = 0;
      }
    }
  }
}

/** c[m·stride + n] += Σₖ a·b for all panels of a (M rows) and of b from b[b0] (N columns), in whole tiles: c holds padded(M) rows of padded(N). */
export function multiply(M: number, N: number, K: number, a: Float64Array, b: Float64Array, b0: number, c: Float64Array, stride: number): void {
  for (let n = 0; n < N; n += panelWidth) for (let m = 0; m < M; m += panelWidth) tile(K, a, m * K, b, b0 + n * K, c, m * stride + n, stride);
}

export function multiplyIntegers(M: number, N: number, K: number, a: Int32Array, b: Int32Array, b0: number, c: Int32Array, stride: number): void {
  for (let n = 0; n < N; n += panelWidth) for (let m = 0; m < M; m += panelWidth) integerTile(K, a, m * K, b, b0 + n * K, c, m * stride + n, stride);
}

/** One 3×3 tile. `| 0` says that no index overflows, which spares V8 a check at each. */
function tile(K: number, a: Float64Array, a0: number, b: Float64Array, b0: number, c: Float64Array, c0: number, stride: number): void {
  const c1 = c0 + stride;
  const c2 = c1 + stride;
  let c00 = c[c0];
  let c01 = c[c0 + 1];
  let c02 = c[c0 + 2];
  let c10 = c[c1];
  let c11 = c[c1 + 1];
  let c12 = c[c1 + 2];
  let c20 = c[c2];
  let c21 = c[c2 + 1];
  let c22 = c[c2 + 2];
  let ia = a0 | 0;
  let ib = b0 | 0;
  for (let k = 0; k < K; k = (k + 1) | 0) {
    const x0 = a[ia];
    const x1 = a[(ia + 1) | 0];
    const x2 = a[(ia + 2) | 0];
    const y0 = b[ib];
    c00 += x0 * y0;
    c10 += x1 * y0;
    c20 += x2 * y0;
    const y1 = b[(ib + 1) | 0];
    c01 += x0 * y1;
    c11 += x1 * y1;
    c21 += x2 * y1;
    const y2 = b[(ib + 2) | 0];
    c02 += x0 * y2;
    c12 += x1 * y2;
    c22 += x2 * y2;
    ia = (ia + 3) | 0;
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
}

/** As `tile`, with the low 32 bits of each product and sum. */
function integerTile(K: number, a: Int32Array, a0: number, b: Int32Array, b0: number, c: Int32Array, c0: number, stride: number): void {
  const c1 = c0 + stride;
  const c2 = c1 + stride;
  let c00 = c[c0];
  let c01 = c[c0 + 1];
  let c02 = c[c0 + 2];
  let c10 = c[c1];
  let c11 = c[c1 + 1];
  let c12 = c[c1 + 2];
  let c20 = c[c2];
  let c21 = c[c2 + 1];
  let c22 = c[c2 + 2];
  let ia = a0 | 0;
  let ib = b0 | 0;
  for (let k = 0; k < K; k = (k + 1) | 0) {
    const x0 = a[ia];
    const x1 = a[(ia + 1) | 0];
    const x2 = a[(ia + 2) | 0];
    const y0 = b[ib];
    c00 = (c00 + Math.imul(x0, y0)) | 0;
    c10 = (c10 + Math.imul(x1, y0)) | 0;
    c20 = (c20 + Math.imul(x2, y0)) | 0;
    const y1 = b[(ib + 1) | 0];
    c01 = (c01 + Math.imul(x0, y1)) | 0;
    c11 = (c11 + Math.imul(x1, y1)) | 0;
    c21 = (c21 + Math.imul(x2, y1)) | 0;
    const y2 = b[(ib + 2) | 0];
    c02 = (c02 + Math.imul(x0, y2)) | 0;
    c12 = (c12 + Math.imul(x1, y2)) | 0;
    c22 = (c22 + Math.imul(x2, y2)) | 0;
    ia = (ia + 3) | 0;
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
}
