import { expNegative } from './math';
import { firstRow, pad, SCRATCH_SHIFT } from './rows';
import { madd } from './simd';
import { exps, maxOfRow } from './softmax';

/** Dense rows of logits x and of gradients out [R, C], class factors w [C], or of each row its own [R, C]. What stands for a row alone is float64, or a table of six words. */
@unmanaged
class CrossEntropy {
  rows: i32;
  columns: i32;
  x: usize;
  out: usize;
  /** 0 where neither pass needs the factors. */
  weight: usize;
  /** Of each row: max x, Σ e^(x − max), Σ w·(x − max). */
  sums: usize;
  /** Of each row, for the gradient: logSumExp in two parts, a, b, what the target's place loses, the target. */
  table: usize;
  /** Bytes from a row's factors to those of the next: 0 where all rows have the same. */
  weightStep: usize;
  scratch: usize;
}

export function crossEntropy(job: usize, part: i32, parts: i32): void {
  const task = changetype<CrossEntropy>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    const x = task.x + row * bytes, sums = task.sums + row * 24;
    const max = maxOfRow(x, x + whole, rest, own);
    store<f64>(sums, <f64>max);
    store<f64>(sums, exps(x, x + whole, rest, max, own + 64, own, 0), 8);
    if (task.weight != 0) store<f64>(sums, dotOfRow(x, x + bytes, task.weight + row * task.weightStep, <f64>max, own), 16);
  }
}

/** Σ w·(x − max) in float64: logits may be as large as float32 allows. */
function dotOfRow(x: usize, end: usize, weight: usize, max: f64, own: usize): f64 {
  const shift = f64x2.splat(max);
  let s0 = f64x2.splat(0), s1 = s0;
  for (; x + 16 <= end; x += 16, weight += 16) {
    s0 = f64x2.add(s0, f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(x)), shift), f64x2.promote_low_f32x4(v128.load64_zero(weight))));
    s1 = f64x2.add(s1, f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(x, 8)), shift), f64x2.promote_low_f32x4(v128.load64_zero(weight, 8))));
  }
  v128.store(own, f64x2.add(s0, s1));
  let total = load<f64>(own) + load<f64>(own, 8);
  for (; x < end; x += 4, weight += 4) total += (<f64>load<f32>(x) - max) * <f64>load<f32>(weight);
  return total;
}

/** out = a·e^(x − logSumExp) − b·w, less at the target's place */
export function crossEntropyBackward(job: usize, part: i32, parts: i32): void {
  const task = changetype<CrossEntropy>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    let x = task.x + row * bytes, out = task.out + row * bytes, w = task.weight + row * task.weightStep;
    const words = task.table + row * 24;
    const shift = v128.load32_splat(words), correction = v128.load32_splat(words, 4), a = v128.load32_splat(words, 8), b = f32x4.neg(v128.load32_splat(words, 12));
    const target = out + (load<i32>(words, 20) << 2);
    if (w == 0) {
      for (const last = x + whole; x < last; x += 32, out += 32) {
        const low = f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(x), shift), correction)), a);
        const high = f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(x, 16), shift), correction)), a);
        v128.store(out, low);
        v128.store(out, high, 16);
      }
    } else {
      for (const last = x + whole; x < last; x += 32, out += 32, w += 32) {
        const low = madd(b, v128.load(w), f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(x), shift), correction)), a));
        const high = madd(b, v128.load(w, 16), f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(x, 16), shift), correction)), a));
        v128.store(out, low);
        v128.store(out, high, 16);
      }
    }
    if (rest != 0) {
      const other = own + 32;
      pad(own, x, rest, 0);
      if (w != 0) pad(other, w, rest, 0);
      let low = f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(own), shift), correction)), a);
      let high = f32x4.mul(expNegative(f32x4.sub(f32x4.sub(v128.load(own, 16), shift), correction)), a);
      if (w != 0) {
        low = madd(b, v128.load(other), low);
        high = madd(b, v128.load(other, 16), high);
      }
      v128.store(own, low);
      v128.store(own, high, 16);
      memory.copy(out, own, rest);
    }
    store<f32>(target, load<f32>(target) - load<f32>(words, 16));
  }
}
