import { exp, expNegative } from './math';
import { firstRow, maxOf, pad, SCRATCH_SHIFT, sumOf } from './rows';
import { madd, nans } from './simd';

/** Dense rows: x (for the gradients: y) and g and out [R, C]. */
@unmanaged
class Rows {
  rows: i32;
  columns: i32;
  x: usize;
  g: usize;
  out: usize;
  scratch: usize;
}

/** The greatest value of a row; NaN if it has one. */
// @ts-ignore: decorator
@inline
export function maxOfRow(x: usize, end: usize, rest: usize, own: usize): f32 {
  let m0 = f32x4.splat(-Infinity), m1 = m0, n0 = f32x4.splat(0), n1 = n0;
  for (; x < end; x += 32) {
    const low = v128.load(x), high = v128.load(x, 16);
    m0 = f32x4.pmax(m0, low);
    m1 = f32x4.pmax(m1, high);
    n0 = v128.or(n0, nans(low));
    n1 = v128.or(n1, nans(high));
  }
  if (rest != 0) {
    pad(own, x, rest, -Infinity);
    const low = v128.load(own), high = v128.load(own, 16);
    m0 = f32x4.pmax(m0, low);
    m1 = f32x4.pmax(m1, high);
    n0 = v128.or(n0, nans(low));
    n1 = v128.or(n1, nans(high));
  }
  return maxOf(v128.or(m0, n0), v128.or(m1, n1), own + 32);
}

/** Bytes of a row whose exponentials are summed in float32 before they meet the others in float64: long rows stay exact. */
const CHUNK: usize = 2048;

/** Σ e^(x − max), each written to `out`, which moves by `step` with every 32 bytes: 0 where nobody needs them. */
export function exps(x: usize, end: usize, rest: usize, max: f32, out: usize, own: usize, step: usize): f64 {
  const shift = f32x4.splat(max);
  let total: f64 = 0;
  while (x < end) {
    let s0 = f32x4.splat(0), s1 = s0;
    for (const stop = min<usize>(end, x + CHUNK); x < stop; x += 32, out += step) {
      const low = expNegative(f32x4.sub(v128.load(x), shift)), high = expNegative(f32x4.sub(v128.load(x, 16), shift));
      s0 = f32x4.add(s0, low);
      s1 = f32x4.add(s1, high);
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    total += <f64>sumOf(s0, s1, own + 32);
  }
  if (rest == 0) return total;
  pad(own, x, rest, -Infinity);
  const low = expNegative(f32x4.sub(v128.load(own), shift)), high = expNegative(f32x4.sub(v128.load(own, 16), shift));
  v128.store(own, low);
  v128.store(own, high, 16);
  memory.copy(out, own, rest);
  return total + <f64>sumOf(low, high, own + 32);
}

/** out = e^(x − max) / Σ e^(x − max) */
export function softmax(job: usize, part: i32, parts: i32): void {
  const task = changetype<Rows>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    const x = task.x + row * bytes;
    let out = task.out + row * bytes;
    const max = maxOfRow(x, x + whole, rest, own);
    const scale = <f32>(1 / exps(x, x + whole, rest, max, out, own, 32));
    const factor = f32x4.splat(scale);
    const last = out + whole;
    for (; out < last; out += 32) {
      const low = f32x4.mul(v128.load(out), factor), high = f32x4.mul(v128.load(out, 16), factor);
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    for (const to = out + rest; out < to; out += 4) store<f32>(out, load<f32>(out) * scale);
  }
}

/** ln x for normal x > 0: x = 2ᵏ·m with m in [√½, √2), ln m = 2·artanh((m − 1)/(m + 1)). Relative error below 1e-14. */
export function log(x: f64): f64 {
  const shifted = reinterpret<u64>(x) - 0x3fe6a09e667f3bcd;
  const k = <f64>(<i64>shifted >> 52);
  const m = reinterpret<f64>(reinterpret<u64>(x) - (<u64>(<i64>shifted >> 52) << 52));
  const s = (m - 1) / (m + 1), q = s * s;
  const series = 1 + q * (1.0 / 3 + q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13 + q * (1.0 / 15 + q / 17)))))));
  return k * 0.6931471805599453 + 2 * s * series;
}

/** out = x − max − ln Σ e^(x − max) */
export function logSoftmax(job: usize, part: i32, parts: i32): void {
  const task = changetype<Rows>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    let x = task.x + row * bytes, out = task.out + row * bytes;
    const max = maxOfRow(x, x + whole, rest, own);
    const sum = exps(x, x + whole, rest, max, out, own, 32);
    // Where +∞ was, nothing is left to sum.
    const total: f32 = sum == 0 ? NaN : <f32>log(sum);
    const shift = f32x4.splat(max), log0 = f32x4.splat(total);
    const last = x + whole;
    for (; x < last; x += 32, out += 32) {
      const low = f32x4.sub(f32x4.sub(v128.load(x), shift), log0), high = f32x4.sub(f32x4.sub(v128.load(x, 16), shift), log0);
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    for (const to = x + rest; x < to; x += 4, out += 4) store<f32>(out, load<f32>(x) - max - total);
  }
}

/** out = y·(g − Σ g·y) */
export function softmaxBackward(job: usize, part: i32, parts: i32): void {
  const task = changetype<Rows>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT), other = own + 32;
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    let y = task.x + row * bytes, g = task.g + row * bytes, out = task.out + row * bytes;
    let s0 = f32x4.splat(0), s1 = s0;
    for (let at: usize = 0; at < whole; at += 32) {
      s0 = madd(v128.load(y + at), v128.load(g + at), s0);
      s1 = madd(v128.load(y + at, 16), v128.load(g + at, 16), s1);
    }
    if (rest != 0) {
      pad(own, y + whole, rest, 0);
      pad(other, g + whole, rest, 0);
      s0 = madd(v128.load(own), v128.load(other), s0);
      s1 = madd(v128.load(own, 16), v128.load(other, 16), s1);
    }
    const dot = sumOf(s0, s1, own + 64);
    const shift = f32x4.splat(dot);
    for (const last = y + whole; y < last; y += 32, g += 32, out += 32) {
      const low = f32x4.mul(v128.load(y), f32x4.sub(v128.load(g), shift)), high = f32x4.mul(v128.load(y, 16), f32x4.sub(v128.load(g, 16), shift));
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    for (const last = y + rest; y < last; y += 4, g += 4, out += 4) store<f32>(out, load<f32>(y) * (load<f32>(g) - dot));
  }
}

/** out = g − e^y·Σ g */
export function logSoftmaxBackward(job: usize, part: i32, parts: i32): void {
  const task = changetype<Rows>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT), other = own + 32;
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    let y = task.x + row * bytes, g = task.g + row * bytes, out = task.out + row * bytes;
    let s0 = f32x4.splat(0), s1 = s0;
    for (let at: usize = 0; at < whole; at += 32) {
      s0 = f32x4.add(v128.load(g + at), s0);
      s1 = f32x4.add(v128.load(g + at, 16), s1);
    }
    if (rest != 0) {
      pad(other, g + whole, rest, 0);
      s0 = f32x4.add(v128.load(other), s0);
      s1 = f32x4.add(v128.load(other, 16), s1);
    }
    const sum = f32x4.splat(-sumOf(s0, s1, own + 64));
    for (const last = y + whole; y < last; y += 32, g += 32, out += 32) {
      const low = madd(exp(v128.load(y)), sum, v128.load(g)), high = madd(exp(v128.load(y, 16)), sum, v128.load(g, 16));
      v128.store(out, low);
      v128.store(out, high, 16);
    }
    if (rest == 0) continue;
    pad(own, y, rest, 0);
    const low = madd(exp(v128.load(own)), sum, v128.load(other)), high = madd(exp(v128.load(own, 16)), sum, v128.load(other, 16));
    v128.store(own, low);
    v128.store(own, high, 16);
    memory.copy(out, own, rest);
  }
}
