import { begin, lengthOf, next, operation, RECORD, repeat, REPEATS, start, stride } from './nest';

/** Functions that are rounded once, or not at all: the js loops give the same bits. */
const ADD: i32 = 0, SUB: i32 = 1, MUL: i32 = 2, DIV: i32 = 3, MINIMUM: i32 = 4, MAXIMUM: i32 = 5, ABS: i32 = 6, SQRT: i32 = 7, RSQRT: i32 = 8, FROM_INT: i32 = 9;
/** From here on results are bytes, and the lower bits say what holds: equal values, values in order, the contrary; INT: of int32. */
const COMPARE: i32 = 16, EQUAL: i32 = 1, LESS: i32 = 2, NOT: i32 = 4, INT: i32 = 8;

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
  if (name == FROM_INT) return f32x4.convert_i32x4_s(a);
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
function loop(name: i32, out: usize, end: usize, a: usize, b: usize): void {
  for (; out < end; out += 32, a += 32, b += 32) {
    const low = value(name, v128.load(a), v128.load(b)), high = value(name, v128.load(a, 16), v128.load(b, 16));
    v128.store(out, low);
    v128.store(out, high, 16);
  }
}

/** All bits where `flags` has `flag`. */
// @ts-ignore: decorator
@inline
function mask(flags: i32, flag: i32): v128 {
  return i32x4.splat((flags & flag) != 0 ? -1 : 0);
}

// @ts-ignore: decorator
@inline
function floats(a: v128, b: v128, equal: v128, less: v128, not: v128): v128 {
  return v128.xor(v128.or(v128.and(f32x4.eq(a, b), equal), v128.and(f32x4.lt(a, b), less)), not);
}

// @ts-ignore: decorator
@inline
function ints(a: v128, b: v128, equal: v128, less: v128, not: v128): v128 {
  return v128.xor(v128.or(v128.and(i32x4.eq(a, b), equal), v128.and(i32x4.lt_s(a, b), less)), not);
}

/** Two registers of masks as eight bytes of 0 and 1. */
// @ts-ignore: decorator
@inline
function storeBools(out: usize, low: v128, high: v128): void {
  const all = i16x8.narrow_i32x4_s(low, high);
  v128.store64_lane(out, v128.and(i8x16.narrow_i16x8_s(all, all), i8x16.splat(1)), 0);
}

function compare(flags: i32, out: usize, a: usize, b: usize, count: i32): void {
  const equal = mask(flags, EQUAL), less = mask(flags, LESS), not = mask(flags, NOT), int = flags & INT;
  let end = out + <usize>(count & ~7);
  if (int != 0) for (; out < end; out += 8, a += 32, b += 32) storeBools(out, ints(v128.load(a), v128.load(b), equal, less, not), ints(v128.load(a, 16), v128.load(b, 16), equal, less, not));
  else for (; out < end; out += 8, a += 32, b += 32) storeBools(out, floats(v128.load(a), v128.load(b), equal, less, not), floats(v128.load(a, 16), v128.load(b, 16), equal, less, not));
  end += <usize>(count & 7);
  for (; out < end; out++, a += 4, b += 4) {
    const x = v128.load32_zero(a), y = v128.load32_zero(b);
    store<u8>(out, i32x4.extract_lane(int != 0 ? ints(x, y, equal, less, not) : floats(x, y, equal, less, not), 0) & 1);
  }
}

function row(name: i32, out: usize, a: usize, b: usize, count: i32): void {
  const whole = <usize>(count & ~7) << 2, end = out + whole;
  if (name == ADD) loop(ADD, out, end, a, b);
  else if (name == SUB) loop(SUB, out, end, a, b);
  else if (name == MUL) loop(MUL, out, end, a, b);
  else if (name == DIV) loop(DIV, out, end, a, b);
  else if (name == MINIMUM) loop(MINIMUM, out, end, a, b);
  else if (name == MAXIMUM) loop(MAXIMUM, out, end, a, b);
  else if (name == ABS) loop(ABS, out, end, a, b);
  else if (name == SQRT) loop(SQRT, out, end, a, b);
  else if (name == RSQRT) loop(RSQRT, out, end, a, b);
  else if (name == FROM_INT) loop(FROM_INT, out, end, a, b);
  else {
    // The last arm is of another kind: the optimiser makes one loop of arms that differ in a constant alone, with `name` looked at again for each value.
    compare(name, out, a, b, count);
    return;
  }
  a += whole;
  b += whole;
  out = end;
  for (const last = end + (<usize>(count & 7) << 2); out < last; out += 4, a += 4, b += 4) v128.store32_lane(out, value(name, v128.load32_zero(a), v128.load32_zero(b)), 0);
}

/** out = f(a, b) over a nest of out, a, b, whose rows are dense in out and dense or one value in a and b. */
export function arithmetic(job: usize, part: i32, parts: i32): void {
  const own = begin(job, part, parts);
  if (own == 0) return;
  const name = operation(own), m = lengthOf(own, 4), n = lengthOf(own, 5);
  const sa = stride(own, 1, 5), sb = stride(own, 2, 5), size: usize = name < COMPARE ? 2 : 0;
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
        row(name, out + (done << size), sa == 0 ? repeated : a + (done << 2), sb == 0 ? repeated + 4 * REPEATS : b + (done << 2), min<i32>(REPEATS, n - done));
      }
    }
  } while (next(own));
}
