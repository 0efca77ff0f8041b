import { begin, lengthOf, next, operation, RECORD, start, stride } from './nest';

/** Functions that are rounded once, or not at all: the js loops give the same bits. */
const ADD: i32 = 0, SUB: i32 = 1, MUL: i32 = 2, DIV: i32 = 3, MINIMUM: i32 = 4, MAXIMUM: i32 = 5, ABS: i32 = 6, SQRT: i32 = 7, RSQRT: i32 = 8;

// @ts-ignore: decorator
@inline
function value(name: i32, a: v128, b: v128): v128 {
  if (name == ADD) return f32x4.add(a, b);
  if (name == SUB) return f32x4.sub(a, b);
  if (name == MUL) return f32x4.mul(a, b);
  if (name == DIV) return f32x4.div(a, b);
  if (name == MINIMUM) return f32x4.min(a, b);
  if (name == MAXIMUM) return f32x4.max(a, b);
  if (name == ABS) return f32x4.abs(a);
  if (name == SQRT) return f32x4.sqrt(a);
  return v128.shuffle<i32>(rsqrt(a), rsqrt(v128.shuffle<i32>(a, a, 2, 3, 2, 3)), 0, 1, 4, 5);
}

/** 1/√x of the two low lanes, by way of float64 as in the js loops. */
// @ts-ignore: decorator
@inline
function rsqrt(x: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.div(f64x2.splat(1), f64x2.sqrt(f64x2.promote_low_f32x4(x))));
}

// `name` is a constant at each call, so that one function remains of `value`.
// @ts-ignore: decorator
@inline
function loop(name: i32, out: usize, a: usize, b: usize, count: i32): void {
  let end = out + (<usize>(count & ~7) << 2);
  for (; out < end; out += 32, a += 32, b += 32) {
    const low = value(name, v128.load(a), v128.load(b)), high = value(name, v128.load(a, 16), v128.load(b, 16));
    v128.store(out, low);
    v128.store(out, high, 16);
  }
  end += <usize>(count & 7) << 2;
  for (; out < end; out += 4, a += 4, b += 4) v128.store32_lane(out, value(name, v128.load32_zero(a), v128.load32_zero(b)), 0);
}

function row(name: i32, out: usize, a: usize, b: usize, count: i32): void {
  if (name == ADD) loop(ADD, out, a, b, count);
  else if (name == SUB) loop(SUB, out, a, b, count);
  else if (name == MUL) loop(MUL, out, a, b, count);
  else if (name == DIV) loop(DIV, out, a, b, count);
  else if (name == MINIMUM) loop(MINIMUM, out, a, b, count);
  else if (name == MAXIMUM) loop(MAXIMUM, out, a, b, count);
  else if (name == ABS) loop(ABS, out, a, b, count);
  else if (name == SQRT) loop(SQRT, out, a, b, count);
  else loop(RSQRT, out, a, b, count);
}

/** A value that is repeated along a row is written out this often. */
const REPEATS: i32 = 256;

function repeat(to: usize, from: usize, count: i32): void {
  const values = v128.load32_splat(from);
  for (const end = to + (<usize>min<i32>(count, REPEATS) << 2); to < end; to += 16) v128.store(to, values);
}

/** out = f(a, b) over a nest of out, a, b, whose rows are dense in out and dense or one value in a and b. */
export function arithmetic(job: usize, part: i32, parts: i32): void {
  const own = begin(job, part, parts);
  if (own == 0) return;
  const name = operation(own), m = lengthOf(own, 4), n = lengthOf(own, 5);
  const sa = stride(own, 1, 5), sb = stride(own, 2, 5);
  do {
    let out = start(own, 0), a = start(own, 1), b = start(own, 2);
    for (let i = 0; i < m; i++, out += stride(own, 0, 4), a += stride(own, 1, 4), b += stride(own, 2, 4)) {
      if (sa != 0 && sb != 0) {
        row(name, out, a, b, n);
        continue;
      }
      const repeated = own + RECORD;
      if (sa == 0) repeat(repeated, a, n);
      if (sb == 0) repeat(repeated + 4 * REPEATS, b, n);
      for (let done = 0; done < n; done += REPEATS) {
        row(name, out + (done << 2), sa == 0 ? repeated : a + (done << 2), sb == 0 ? repeated + 4 * REPEATS : b + (done << 2), min<i32>(REPEATS, n - done));
      }
    }
  } while (next(own));
}
