/**
 * One step of AdamW on `count` values side by side: parameters p, gradients g, averages m and v. Each value is computed in
 * float64 and rounded once, in the order of the js loops: the same bits at every level. Reading and writing 28 bytes a
 * value takes about as long as the root and the quotient.
 */
@unmanaged
class AdamW {
  keep: f64;
  beta1: f64;
  beta2: f64;
  stepSize: f64;
  eps: f64;
  count: i32;
  p: usize;
  g: usize;
  m: usize;
  v: usize;
  /** Where the new values go: the same places or others. */
  pOut: usize;
  mOut: usize;
  vOut: usize;
}

export function adamW(job: usize, part: i32, parts: i32): void {
  const task = changetype<AdamW>(job);
  const start = share(task.count, part, parts), end = <usize>share(task.count, part + 1, parts) << 2;
  const p = task.p, g = task.g, m = task.m, v = task.v, pOut = task.pOut, mOut = task.mOut, vOut = task.vOut;
  const keep = f64x2.splat(task.keep), stepSize = f64x2.splat(task.stepSize), eps = f64x2.splat(task.eps);
  const beta1 = f64x2.splat(task.beta1), rest1 = f64x2.splat(1 - task.beta1);
  const beta2 = f64x2.splat(task.beta2), rest2 = f64x2.splat(1 - task.beta2);
  let at = <usize>start << 2;
  for (; at + 8 <= end; at += 8) {
    const slope = f64x2.promote_low_f32x4(v128.load64_zero(g + at));
    const mean = f64x2.add(f64x2.mul(beta1, f64x2.promote_low_f32x4(v128.load64_zero(m + at))), f64x2.mul(rest1, slope));
    const square = f64x2.add(f64x2.mul(beta2, f64x2.promote_low_f32x4(v128.load64_zero(v + at))), f64x2.mul(f64x2.mul(rest2, slope), slope));
    const step = f64x2.div(f64x2.mul(stepSize, mean), f64x2.add(f64x2.sqrt(square), eps));
    const value = f64x2.sub(f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(p + at)), keep), step);
    v128.store64_lane(mOut + at, f32x4.demote_f64x2_zero(mean), 0);
    v128.store64_lane(vOut + at, f32x4.demote_f64x2_zero(square), 0);
    v128.store64_lane(pOut + at, f32x4.demote_f64x2_zero(value), 0);
  }
  if (at < end) {
    const slope = <f64>load<f32>(g + at);
    const mean = task.beta1 * <f64>load<f32>(m + at) + (1 - task.beta1) * slope;
    const square = task.beta2 * <f64>load<f32>(v + at) + (1 - task.beta2) * slope * slope;
    const value = <f64>load<f32>(p + at) * task.keep - task.stepSize * mean / (sqrt<f64>(square) + task.eps);
    store<f32>(mOut + at, <f32>mean);
    store<f32>(vOut + at, <f32>square);
    store<f32>(pOut + at, <f32>value);
  }
}

/** The first value of part `part`: whole cache lines. */
// @ts-ignore: decorator
@inline
function share(count: i32, part: i32, parts: i32): i32 {
  return part == parts ? count : <i32>(<i64>count * part / parts) & ~15;
}
