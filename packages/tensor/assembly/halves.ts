import { constant } from './math';
import { firstRow } from './rows';

/** Dense values x and out [count], a multiple of 8; both begin where sixteen bytes do. */
@unmanaged
class Halves {
  count: i32;
  x: usize;
  out: usize;
}

/** The first byte of part `part` at `from`, where eight values take `bytes`. */
// @ts-ignore: decorator
@inline
function startOf(job: Halves, from: usize, bytes: usize, part: i32, parts: i32): usize {
  return from + <usize>firstRow(job.count >> 3, part, parts) * bytes;
}

// Constants are read before a loop: V8 builds a v128.const anew at every use.
const MAGNITUDE: i32 = 0, REBIAS: i32 = 1, GREATEST: i32 = 2, HALF: i32 = 3, NORMAL: i32 = 4;
const WIDEN = memory.data<i32>([0x7fff, 112 << 23, 0x7bff, 0x3f000000, 0x400]);

/** The float32 that equal four float16, whose bits are the low halves of the lanes. */
// @ts-ignore: decorator
@inline
function widened(bits: v128, size: v128, rebias: v128, greatest: v128, half: v128, normal: v128): v128 {
  const magnitude = v128.and(bits, size), sign = i32x4.shl(v128.xor(bits, magnitude), 16);
  // The greatest exponent stays the greatest one.
  const special = v128.and(i32x4.gt_s(magnitude, greatest), rebias);
  const high = i32x4.add(i32x4.add(i32x4.shl(magnitude, 13), rebias), special);
  // Subnormal: ½ + n·2⁻²⁴ has n in its low bits; subnormal float32 would be slow.
  const low = f32x4.sub(v128.or(magnitude, half), half);
  return v128.or(sign, v128.bitselect(low, high, i32x4.lt_s(magnitude, normal)));
}

export function widenFloat16(job: usize, part: i32, parts: i32): void {
  const task = changetype<Halves>(job), last = startOf(task, task.x, 16, part + 1, parts);
  const size = constant(WIDEN, MAGNITUDE), rebias = constant(WIDEN, REBIAS), greatest = constant(WIDEN, GREATEST);
  const half = constant(WIDEN, HALF), normal = constant(WIDEN, NORMAL);
  for (let x = startOf(task, task.x, 16, part, parts), out = startOf(task, task.out, 32, part, parts); x < last; x += 16, out += 32) {
    const bits = v128.load(x);
    v128.store(out, widened(i32x4.extend_low_i16x8_u(bits), size, rebias, greatest, half, normal));
    v128.store(out, widened(i32x4.extend_high_i16x8_u(bits), size, rebias, greatest, half, normal), 16);
  }
}

export function widenBfloat16(job: usize, part: i32, parts: i32): void {
  const task = changetype<Halves>(job), last = startOf(task, task.x, 16, part + 1, parts);
  for (let x = startOf(task, task.x, 16, part, parts), out = startOf(task, task.out, 32, part, parts); x < last; x += 16, out += 32) {
    const bits = v128.load(x);
    v128.store(out, i32x4.shl(i32x4.extend_low_i16x8_u(bits), 16));
    v128.store(out, i32x4.shl(i32x4.extend_high_i16x8_u(bits), 16), 16);
  }
}

const TOP: i32 = 0, INFINITE: i32 = 1, ROUND: i32 = 2, LAST: i32 = 3, LEAST: i32 = 4, BEYOND: i32 = 5, ONE: i32 = 6, FRACTION: i32 = 7, QUIET: i32 = 8;
const NARROW = memory.data<i32>([0x7fffffff, 0x7f800000, 0x38000000 - 0xfff, 0x477fefff, 0x38800000, 0x7c00, 1, 0x3ff, 0x200]);

/** In the low halves of the lanes the bits of the float16 nearest to four float32. */
// @ts-ignore: decorator
@inline
function narrowed(x: v128, top: v128, infinite: v128, round: v128, last: v128, least: v128, beyond: v128, one: v128, half: v128): v128 {
  const magnitude = v128.and(x, top), sign = i32x4.shr_u(v128.xor(x, magnitude), 16), kept = i32x4.shr_u(magnitude, 13);
  // Half a step and the last bit that stays: ties to even.
  const high = i32x4.shr_u(i32x4.add(i32x4.sub(magnitude, round), v128.and(kept, one)), 13);
  // Added to ½ a number is rounded to a multiple of 2⁻²⁴, which then stands in the low bits.
  const low = i32x4.sub(f32x4.add(magnitude, half), half);
  const fraction = v128.and(kept, constant(NARROW, FRACTION));
  const payload = v128.or(fraction, v128.and(i32x4.eq(fraction, i32x4.splat(0)), constant(NARROW, QUIET)));
  const special = v128.or(beyond, v128.and(payload, i32x4.gt_s(magnitude, infinite)));
  const finite = v128.bitselect(low, high, i32x4.lt_s(magnitude, least));
  return v128.or(sign, v128.bitselect(special, finite, i32x4.gt_s(magnitude, last)));
}

export function narrowFloat16(job: usize, part: i32, parts: i32): void {
  const task = changetype<Halves>(job), end = startOf(task, task.x, 32, part + 1, parts);
  const top = constant(NARROW, TOP), infinite = constant(NARROW, INFINITE), round = constant(NARROW, ROUND), last = constant(NARROW, LAST);
  const least = constant(NARROW, LEAST), beyond = constant(NARROW, BEYOND), one = constant(NARROW, ONE), half = constant(WIDEN, HALF);
  for (let x = startOf(task, task.x, 32, part, parts), out = startOf(task, task.out, 16, part, parts); x < end; x += 32, out += 16) {
    const a = narrowed(v128.load(x), top, infinite, round, last, least, beyond, one, half);
    v128.store(out, i16x8.narrow_i32x4_u(a, narrowed(v128.load(x, 16), top, infinite, round, last, least, beyond, one, half)));
  }
}

/** In the low halves of the lanes the bits of the bfloat16 nearest to four float32. */
// @ts-ignore: decorator
@inline
function rounded(x: v128, one: v128, round: v128, fraction: v128, quiet: v128): v128 {
  const upper = i32x4.shr_u(x, 16);
  const nearest = i32x4.shr_u(i32x4.add(i32x4.add(x, round), v128.and(upper, one)), 16);
  // A NaN whose payload lies in the lower half alone would become an infinity.
  const nan = v128.or(upper, v128.and(i32x4.eq(v128.and(upper, fraction), i32x4.splat(0)), quiet));
  return v128.bitselect(nan, nearest, f32x4.ne(x, x));
}

const ROUNDED = memory.data<i32>([1, 0x7fff, 0x7f, 0x40]);

export function narrowBfloat16(job: usize, part: i32, parts: i32): void {
  const task = changetype<Halves>(job), end = startOf(task, task.x, 32, part + 1, parts);
  const one = constant(ROUNDED, 0), round = constant(ROUNDED, 1), fraction = constant(ROUNDED, 2), quiet = constant(ROUNDED, 3);
  for (let x = startOf(task, task.x, 32, part, parts), out = startOf(task, task.out, 16, part, parts); x < end; x += 32, out += 16) {
    const a = rounded(v128.load(x), one, round, fraction, quiet);
    v128.store(out, i16x8.narrow_i32x4_u(a, rounded(v128.load(x, 16), one, round, fraction, quiet)));
  }
}
