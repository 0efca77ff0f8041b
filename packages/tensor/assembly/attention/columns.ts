import { exp, expNegative } from '../math';
import { madd, nans } from '../simd';
import { STEP } from './workspace';

/**
 * Softmax down the columns of a panel of scores, eight at a time: x is the first of `count` rows. Each column is a chain
 * of its own, so no result depends on the width of a panel.
 */

/** x = x·scale */
export function scaleColumns(x: usize, count: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (const end = x + count * STEP; x < end; x += STEP) {
    const low = f32x4.mul(v128.load(x), factor), high = f32x4.mul(v128.load(x, 16), factor);
    v128.store(x, low);
    v128.store(x, high, 16);
  }
}

/** x = x·scale + mask */
export function addMask(x: usize, count: i32, scale: f32, mask: usize): void {
  const factor = f32x4.splat(scale);
  for (const end = x + count * STEP; x < end; x += STEP, mask += STEP) {
    const low = madd(v128.load(x), factor, v128.load(mask)), high = madd(v128.load(x, 16), factor, v128.load(mask, 16));
    v128.store(x, low);
    v128.store(x, high, 16);
  }
}

/** x = x·scale where the mask's bits are set, else −∞ */
export function selectMask(x: usize, count: i32, scale: f32, mask: usize): void {
  const factor = f32x4.splat(scale), hidden = f32x4.splat(-Infinity);
  for (const end = x + count * STEP; x < end; x += STEP, mask += STEP) {
    const low = v128.bitselect(f32x4.mul(v128.load(x), factor), hidden, v128.load(mask));
    const high = v128.bitselect(f32x4.mul(v128.load(x, 16), factor), hidden, v128.load(mask, 16));
    v128.store(x, low);
    v128.store(x, high, 16);
  }
}

/** x = x·scale where it is kept, else 0 */
export function dropColumns(x: usize, count: i32, scale: f32, keep: usize): void {
  const factor = f32x4.splat(scale);
  for (const end = x + count * STEP; x < end; x += STEP, keep += STEP) {
    const low = v128.and(f32x4.mul(v128.load(x), factor), v128.load(keep)), high = v128.and(f32x4.mul(v128.load(x, 16), factor), v128.load(keep, 16));
    v128.store(x, low);
    v128.store(x, high, 16);
  }
}

/** The greatest of each column; NaN if any is, −∞ for none. */
export function maximaOf(x: usize, count: i32, to: usize): void {
  let m0 = f32x4.splat(-Infinity), m1 = m0, n0 = f32x4.splat(0), n1 = n0;
  for (const end = x + count * STEP; x < end; x += STEP) {
    const low = v128.load(x), high = v128.load(x, 16);
    m0 = f32x4.pmax(m0, low);
    m1 = f32x4.pmax(m1, high);
    n0 = v128.or(n0, nans(low));
    n1 = v128.or(n1, nans(high));
  }
  const low = v128.or(m0, n0), high = v128.or(m1, n1);
  v128.store(to, low);
  v128.store(to, high, 16);
}

/** Values that are summed before they meet the other sums, so that long columns keep their digits. */
const CHUNK: i32 = 32;

/** x = e^(x − max), and Σ x of each column; 0 for a NaN. */
export function exponentials(x: usize, count: i32, maxima: usize, sums: usize): void {
  const m0 = v128.load(maxima), m1 = v128.load(maxima, 16);
  let t0 = f32x4.splat(0), t1 = t0;
  for (let i = 0; i < count; i += CHUNK) {
    let s0 = f32x4.splat(0), s1 = s0;
    for (const end = x + min<i32>(CHUNK, count - i) * STEP; x < end; x += STEP) {
      const low = expNegative(f32x4.sub(v128.load(x), m0)), high = expNegative(f32x4.sub(v128.load(x, 16), m1));
      s0 = f32x4.add(s0, low);
      s1 = f32x4.add(s1, high);
      v128.store(x, low);
      v128.store(x, high, 16);
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
  }
  v128.store(sums, t0);
  v128.store(sums, t1, 16);
}

/** x = p = e^((x − high) − low), and Σ p·t of each column. */
export function probabilities(x: usize, count: i32, t: usize, high: usize, low: usize, sums: usize): void {
  const h0 = v128.load(high), h1 = v128.load(high, 16), l0 = v128.load(low), l1 = v128.load(low, 16);
  let t0 = f32x4.splat(0), t1 = t0;
  for (let i = 0; i < count; i += CHUNK) {
    let s0 = f32x4.splat(0), s1 = s0;
    for (const end = x + min<i32>(CHUNK, count - i) * STEP; x < end; x += STEP, t += STEP) {
      const p0 = exp(f32x4.sub(f32x4.sub(v128.load(x), h0), l0)), p1 = exp(f32x4.sub(f32x4.sub(v128.load(x, 16), h1), l1));
      s0 = madd(p0, v128.load(t), s0);
      s1 = madd(p1, v128.load(t, 16), s1);
      v128.store(x, p0);
      v128.store(x, p1, 16);
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
  }
  v128.store(sums, t0);
  v128.store(sums, t1, 16);
}

/** t = p·(t − sum) */
export function slopesOf(p: usize, count: i32, t: usize, sums: usize): void {
  const s0 = v128.load(sums), s1 = v128.load(sums, 16);
  for (const end = t + count * STEP; t < end; t += STEP, p += STEP) {
    const low = f32x4.mul(v128.load(p), f32x4.sub(v128.load(t), s0)), high = f32x4.mul(v128.load(p, 16), f32x4.sub(v128.load(t, 16), s1));
    v128.store(t, low);
    v128.store(t, high, 16);
  }
}
