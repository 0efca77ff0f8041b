import type { View } from '../../storage.ts';
import { forEachRow } from './iterate.ts';
import { readVector } from './vectors.ts';

/**
 * out[…, m, n] = Σₖ a[…, m, k]·b[…, k, n]
 *   M, K, N   rows of a, the summed axis, columns of b
 *   tile      4 columns of b at a time, packed as float64 [K, 4], against 2 rows of a
 * Sums are float64 inside and round once, when they are stored.
 */
export function matmul(a: View, b: View, out: View): void {
  product(a, b, null, out);
}

function product(a: View, b: View, bias: Float64Array | null, out: View): void {
  const rank = out.layout.shape.length;
  const [M, N] = out.layout.shape.slice(-2);
  const K = a.layout.shape[rank - 1];
  if (M === 0 || N === 0) return;
  const batch = out.layout.shape.slice(0, -2);
  if (batch.includes(0)) return;
  const [x, y, z] = [a.storage.data, b.storage.data, out.storage.data];
  const [am, ak] = a.layout.strides.slice(-2);
  const [bk, bn] = b.layout.strides.slice(-2);
  const [om, on] = out.layout.strides.slice(-2);
  const panel = new Float64Array(K * 4);
  const rows = new Float64Array(K * 2);
  const strides = [a, b, out].map((view) => [...view.layout.strides.slice(0, -2), 0]);
  const offsets = [a, b, out].map((view) => view.layout.offset);
  forEachRow({ shape: [...batch, 1], strides, offsets }, strides, ([ia, ib, io]) => {
    for (let n = 0; n < N; n += 4) {
      const width = Math.min(4, N - n);
      for (let k = 0; k < K; k++) for (let j = 0; j < 4; j++) panel[k * 4 + j] = j < width ? y[ib + k * bk + (n + j) * bn] : 0;
      for (let m = 0; m < M; m += 2) {
        const pair = m + 1 < M;
        for (let k = 0; k < K; k++) {
          rows[2 * k] = x[ia + m * am + k * ak];
          rows[2 * k + 1] = pair ? x[ia + (m + 1) * am + k * ak] : 0;
        }
        let [c00, c01, c02, c03, c10, c11, c12, c13] = [0, 0, 0, 0, 0, 0, 0, 0];
        for (let k = 0, p = 0, r = 0; k < K; k++, p += 4, r += 2) {
          const [r0, r1] = [rows[r], rows[r + 1]];
          const [p0, p1, p2, p3] = [panel[p], panel[p + 1], panel[p + 2], panel[p + 3]];
          c00 += r0 * p0;
          c01 += r0 * p1;
          c02 += r0 * p2;
          c03 += r0 * p3;
          c10 += r1 * p0;
          c11 += r1 * p1;
          c12 += r1 * p2;
          c13 += r1 * p3;
        }
        const sums = [c00, c01, c02, c03, c10, c11, c12, c13];
        for (let i = 0; i < (pair ? 2 : 1); i++) for (let j = 0; j < width; j++) z[io + (m + i) * om + (n + j) * on] = sums[i * 4 + j] + (bias === null ? 0 : bias[n + j]);
      }
    }
  });
}

/** out[r, n] = Σₖ x[r, k]·weight[n, k] + bias[n] */
export function linear(x: View, weight: View, bias: View | null, out: View): void {
  const { shape: [N, K], strides: [sn, sk], offset } = weight.layout;
  product(x, { storage: weight.storage, layout: { shape: [K, N], strides: [sk, sn], offset } }, bias === null ? null : readVector(bias), out);
}
