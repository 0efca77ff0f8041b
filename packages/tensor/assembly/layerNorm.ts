import { firstRow, pad, SCRATCH_SHIFT, sumOf } from './rows';
import { madd } from './simd';

/** Dense rows x, g, out [R, C], weight and bias [C], statistics [R] in float64. */
@unmanaged
class Norm {
  epsilon: f64;
  rows: i32;
  columns: i32;
  /** 0: variance, 1: deviation, 2: rms. */
  form: i32;
  x: usize;
  weight: usize;
  bias: usize;
  g: usize;
  out: usize;
  mean: usize;
  reciprocal: usize;
  slope: usize;
  /** Backward: for each block of rows, Σ g·x̂ [C] and Σ g [C]. */
  partial: usize;
  /** Backward: Σ g·x̂ [C] and Σ g [C] over all rows. */
  gWeight: usize;
  gBias: usize;
  scratch: usize;
}

const VARIANCE: i32 = 0, DEVIATION: i32 = 1, RMS: i32 = 2;

/** Rows whose gradients of weight and bias are summed before they meet those of other blocks: part of the result's definition. */
const BLOCK: i32 = 32;

/**
 * The mean in float32 loses digits where it is large beside the deviation. So it is corrected by the mean of what is left
 * when it is subtracted, an exact difference there: mean = m + δ, Σ(x − mean)² = Σ(x − m)² − C·δ².
 */
export function layerNorm(job: usize, part: i32, parts: i32): void {
  const task = changetype<Norm>(job);
  const form = task.form;
  const C = <f64>task.columns;
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  for (let row = firstRow(task.rows, part, parts), end = firstRow(task.rows, part + 1, parts); row < end; row++) {
    const x = task.x + row * bytes;
    let m: f32 = 0, delta: f64 = 0, squares: f64 = 0;
    if (form != RMS) m = <f32>(<f64>sumRow(x, whole, rest, own) / C);
    for (let attempt = 0; attempt < 2; attempt++) {
      squaresOfRow(x, whole, rest, m, own);
      squares = <f64>load<f32>(own, 96);
      if (form == RMS) break;
      delta = <f64>load<f32>(own, 100) / C;
      const shared = C * delta * delta;
      // Nearly all of it is the error of m: begin again from the better one.
      if (attempt == 0 && shared > 0.25 * squares) m = <f32>(<f64>m + delta);
      else squares = max<f64>(0, squares - shared);
    }
    const deviation = sqrt<f64>(squares / (C - 1));
    const r = form == DEVIATION ? 1 / (deviation + task.epsilon) : 1 / sqrt<f64>(squares / C + task.epsilon);
    store<f64>(task.mean + (row << 3), <f64>m + delta);
    store<f64>(task.reciprocal + (row << 3), r);
    store<f64>(task.slope + (row << 3), form != DEVIATION ? r / C : deviation == 0 ? 0 : 1 / ((C - 1) * deviation));
    scaleRow(x, task.weight, task.bias, task.out + row * bytes, whole, rest, m, <f32>delta, <f32>r);
  }
}

function sumRow(x: usize, whole: usize, rest: usize, own: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  for (const end = x + whole; x < end; x += 32) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
  }
  if (rest != 0) {
    pad(own, x, rest, 0);
    s0 = f32x4.add(s0, v128.load(own));
    s1 = f32x4.add(s1, v128.load(own, 16));
  }
  return sumOf(s0, s1, own + 32);
}

/** Σ(x − m)² and Σ(x − m), at own + 96 and own + 100. */
function squaresOfRow(x: usize, whole: usize, rest: usize, m: f32, own: usize): void {
  const shift = f32x4.splat(m);
  let s0 = f32x4.splat(0), s1 = s0, d0 = s0, d1 = s0;
  for (const end = x + whole; x < end; x += 32) {
    const low = f32x4.sub(v128.load(x), shift), high = f32x4.sub(v128.load(x, 16), shift);
    s0 = madd(low, low, s0);
    s1 = madd(high, high, s1);
    d0 = f32x4.add(d0, low);
    d1 = f32x4.add(d1, high);
  }
  if (rest != 0) {
    pad(own, x, rest, m);
    const low = f32x4.sub(v128.load(own), shift), high = f32x4.sub(v128.load(own, 16), shift);
    s0 = madd(low, low, s0);
    s1 = madd(high, high, s1);
    d0 = f32x4.add(d0, low);
    d1 = f32x4.add(d1, high);
  }
  const squares = sumOf(s0, s1, own), sum = sumOf(d0, d1, own + 32);
  store<f32>(own, squares, 96);
  store<f32>(own, sum, 100);
}

/** out = ((x − m) − δ)·r·weight + bias */
function scaleRow(x: usize, weight: usize, bias: usize, out: usize, whole: usize, rest: usize, m: f32, delta: f32, r: f32): void {
  const shift = f32x4.splat(m), correction = f32x4.splat(delta), factor = f32x4.splat(r);
  for (const end = x + whole; x < end; x += 32, out += 32, weight += 32, bias += 32) {
    const low = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x), shift), correction), factor);
    const high = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x, 16), shift), correction), factor);
    const lowOut = f32x4.add(f32x4.mul(low, v128.load(weight)), v128.load(bias));
    const highOut = f32x4.add(f32x4.mul(high, v128.load(weight, 16)), v128.load(bias, 16));
    v128.store(out, lowOut);
    v128.store(out, highOut, 16);
  }
  for (const end = x + rest; x < end; x += 4, out += 4, weight += 4, bias += 4) {
    store<f32>(out, (load<f32>(x) - m - delta) * r * load<f32>(weight) + load<f32>(bias));
  }
}

/** out = r·(ĝ − mean ĝ) − slope·x̂·Σ ĝ·x̂ for ĝ = g·weight, and each block's sums for weight and bias. */
export function layerNormBackward(job: usize, part: i32, parts: i32): void {
  const task = changetype<Norm>(job);
  const bytes = <usize>task.columns << 2, rest = bytes & 31, whole = bytes - rest;
  const own = task.scratch + (part << SCRATCH_SHIFT);
  const blocks = (task.rows + BLOCK - 1) / BLOCK;
  for (let block = firstRow(blocks, part, parts), lastBlock = firstRow(blocks, part + 1, parts); block < lastBlock; block++) {
    const gWeight = task.partial + block * bytes * 2, gBias = gWeight + bytes;
    memory.fill(gWeight, 0, bytes * 2);
    for (let row = block * BLOCK, end = min<i32>(row + BLOCK, task.rows); row < end; row++) {
      const x = task.x + row * bytes, g = task.g + row * bytes;
      const mean = load<f64>(task.mean + (row << 3)), r = load<f64>(task.reciprocal + (row << 3));
      const m = <f32>mean, delta = <f32>(mean - <f64>m);
      sumsOfRow(x, task.weight, g, gWeight, gBias, whole, rest, m, delta, <f32>r, own);
      if (task.out == 0) continue;
      const shift: f64 = task.form == RMS ? 0 : <f64>load<f32>(own, 96) / <f64>task.columns;
      const pull = load<f64>(task.slope + (row << 3)) * <f64>load<f32>(own, 100);
      gradientRow(x, task.weight, g, task.out + row * bytes, whole, rest, m, delta, <f32>r, <f32>shift, <f32>pull);
    }
  }
}

/** Σ ĝ and Σ ĝ·x̂ at own + 96 and own + 100; gWeight += g·x̂, gBias += g. */
function sumsOfRow(x: usize, weight: usize, g: usize, gWeight: usize, gBias: usize, whole: usize, rest: usize, m: f32, delta: f32, r: f32, own: usize): void {
  const shift = f32x4.splat(m), correction = f32x4.splat(delta), factor = f32x4.splat(r);
  let s0 = f32x4.splat(0), s1 = s0, d0 = s0, d1 = s0;
  for (const end = x + whole; x < end; x += 32, g += 32, weight += 32, gWeight += 32, gBias += 32) {
    const low = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x), shift), correction), factor);
    const high = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x, 16), shift), correction), factor);
    const g0 = v128.load(g), g1 = v128.load(g, 16);
    const h0 = f32x4.mul(g0, v128.load(weight)), h1 = f32x4.mul(g1, v128.load(weight, 16));
    s0 = f32x4.add(s0, h0);
    s1 = f32x4.add(s1, h1);
    d0 = madd(h0, low, d0);
    d1 = madd(h1, high, d1);
    const w0 = madd(g0, low, v128.load(gWeight)), w1 = madd(g1, high, v128.load(gWeight, 16));
    const b0 = f32x4.add(g0, v128.load(gBias)), b1 = f32x4.add(g1, v128.load(gBias, 16));
    v128.store(gWeight, w0);
    v128.store(gWeight, w1, 16);
    v128.store(gBias, b0);
    v128.store(gBias, b1, 16);
  }
  let sum = sumOf(s0, s1, own), dot = sumOf(d0, d1, own + 32);
  for (const end = x + rest; x < end; x += 4, g += 4, weight += 4, gWeight += 4, gBias += 4) {
    const normal = (load<f32>(x) - m - delta) * r, gradient = load<f32>(g), scaled = gradient * load<f32>(weight);
    sum += scaled;
    dot += scaled * normal;
    store<f32>(gWeight, load<f32>(gWeight) + gradient * normal);
    store<f32>(gBias, load<f32>(gBias) + gradient);
  }
  store<f32>(own, sum, 96);
  store<f32>(own, dot, 100);
}

/** out = r·(g·weight − shift) − pull·x̂ */
function gradientRow(x: usize, weight: usize, g: usize, out: usize, whole: usize, rest: usize, m: f32, delta: f32, r: f32, shift: f32, pull: f32): void {
  const mean = f32x4.splat(m), correction = f32x4.splat(delta), factor = f32x4.splat(r), middle = f32x4.splat(shift), slope = f32x4.splat(-pull);
  for (const end = x + whole; x < end; x += 32, g += 32, weight += 32, out += 32) {
    const low = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x), mean), correction), factor);
    const high = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x, 16), mean), correction), factor);
    const h0 = f32x4.sub(f32x4.mul(v128.load(g), v128.load(weight)), middle), h1 = f32x4.sub(f32x4.mul(v128.load(g, 16), v128.load(weight, 16)), middle);
    const o0 = madd(slope, low, f32x4.mul(factor, h0)), o1 = madd(slope, high, f32x4.mul(factor, h1));
    v128.store(out, o0);
    v128.store(out, o1, 16);
  }
  for (const end = x + rest; x < end; x += 4, g += 4, weight += 4, out += 4) {
    store<f32>(out, r * (load<f32>(g) * load<f32>(weight) - shift) - pull * ((load<f32>(x) - m - delta) * r));
  }
}

/** The blocks' sums for weight and bias, added in order; each part takes a share of the columns. */
export function layerNormSums(job: usize, part: i32, parts: i32): void {
  const task = changetype<Norm>(job);
  const columns = task.columns;
  const blocks = (task.rows + BLOCK - 1) / BLOCK;
  const start = firstRow(columns, part, parts), end = firstRow(columns, part + 1, parts);
  for (let column = start; column < end; column++) {
    let weight: f32 = 0, bias: f32 = 0;
    let from = task.partial + (column << 2);
    for (let block = 0; block < blocks; block++, from += columns << 3) {
      weight += load<f32>(from);
      bias += load<f32>(from + (columns << 2));
    }
    store<f32>(task.gWeight + (column << 2), weight);
    store<f32>(task.gBias + (column << 2), bias);
  }
}
