import { madd } from './simd';

/**
 * Functions of four lanes. Constants are read where they are needed, from memory: V8 builds a v128.const anew at every
 * use, and sixteen registers do not hold them all. Every operation here is one that V8 packs into 256 bits. `pmin` and `pmax`
 * are one instruction each, where `min` and `max` are eight; of NaN and a number they give their first operand.
 */

const EXP = memory.data<f32>([
  -87.33654, 88.72283, // the least normal result, the greatest finite one
  1.44269504, 12582912, // log₂e; 1.5·2²³, whose addition rounds to an integer in the low bits
  -0.693145752, -1.42860677e-6, // −ln 2 in two parts, the first with few bits
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1,
  Infinity,
]);

/** The i-th constant of a table on all lanes. */
// @ts-ignore: decorator
@inline
export function constant(table: usize, i: usize): v128 {
  return v128.load32_splat(table + i * 4);
}

/** x, or the nearest of ±limit where it lies beyond; NaN stays. */
// @ts-ignore: decorator
@inline
export function clamp(x: v128, limit: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, limit), f32x4.neg(limit));
}

/** eˣ from x ≥ −87.3 to 0 or a little above; 0 below, where float32 has no normal number. NaN gives 0. */
// @ts-ignore: decorator
@inline
export function expNegative(x: v128): v128 {
  const low = constant(EXP, 0);
  const magic = constant(EXP, 3);
  const inside = f32x4.pmax(low, x);
  const shifted = madd(inside, constant(EXP, 2), magic);
  const n = f32x4.sub(shifted, magic);
  const r = madd(n, constant(EXP, 5), madd(n, constant(EXP, 4), inside));
  let p = madd(constant(EXP, 6), r, constant(EXP, 7));
  p = madd(p, r, constant(EXP, 8));
  p = madd(p, r, constant(EXP, 9));
  p = madd(p, r, constant(EXP, 10));
  p = madd(p, r, constant(EXP, 11));
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, constant(EXP, 12)));
  // n stands in the low bits of `shifted`: moved up they are n·2²³, which multiplies a float by 2ⁿ.
  return v128.and(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.ge(x, low));
}

/** eˣ, relative error below 1.5e-7; 0 below 2⁻¹²⁶, ∞ above the greatest float32, NaN for NaN. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  return v128.bitselect(expNegative(x), f32x4.add(x, constant(EXP, 13)), f32x4.le(x, constant(EXP, 1)));
}

/** 1 / (1 + e⁻ˣ), relative error below 4e-7. */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  const one = constant(EXP, 12);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

const TAIL = memory.data<f32>([
  0.35, -0.5, 0.398942280, 14,
  -0.0291458778, 0.143971468, -0.255713833, 0.15917374, -0.0231095868, 0.105507915, 0.119832887, 0.139861868, 0.139621404,
]);

/** Where slopes are taken at 14 at most: x·φ(x) is 0 from there on, and must not be ∞·0. */
// @ts-ignore: decorator
@inline
export function withinTail(x: v128): v128 {
  return clamp(x, constant(TAIL, 3));
}

/** x/√(2π) */
// @ts-ignore: decorator
@inline
export function densityFactor(x: v128): v128 {
  return f32x4.mul(x, constant(TAIL, 2));
}

/** 1 on all lanes. */
// @ts-ignore: decorator
@inline
export function ones(): v128 {
  return constant(EXP, 12);
}

/** e^(−x²/2) */
// @ts-ignore: decorator
@inline
export function bell(x: v128): v128 {
  return expNegative(f32x4.mul(f32x4.mul(x, x), constant(TAIL, 1)));
}

/**
 * Φ(x) = ½·erfc(−x/√2), the normal distribution, from e = bell(x): with t = 1/(1 + 0.35·|x|) the tail is e·t·P(t), where P is
 * the minimax polynomial of Φ(−x)·e^(x²/2)/t up to 14, relative error 3.2e-8; the other half is 1 minus a tail.
 */
// @ts-ignore: decorator
@inline
export function normal(x: v128, e: v128): v128 {
  const one = constant(EXP, 12);
  const t = f32x4.div(one, madd(f32x4.abs(x), constant(TAIL, 0), one));
  let p = madd(constant(TAIL, 4), t, constant(TAIL, 5));
  p = madd(p, t, constant(TAIL, 6));
  p = madd(p, t, constant(TAIL, 7));
  p = madd(p, t, constant(TAIL, 8));
  p = madd(p, t, constant(TAIL, 9));
  p = madd(p, t, constant(TAIL, 10));
  p = madd(p, t, constant(TAIL, 11));
  p = madd(p, t, constant(TAIL, 12));
  const tail = f32x4.mul(f32x4.mul(e, t), p);
  return v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
}

const TANH = memory.data<f32>([
  7.99881172, // from here on the quotient rounds to 1
  -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3,
  1.19825839466702e-6, 1.18534705686654e-4, 2.26843463243900e-3, 4.89352518554385e-3,
]);

/** tanh x as a quotient of polynomials, x·P(x²)/Q(x²). */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const inside = clamp(x, constant(TANH, 0));
  const square = f32x4.mul(inside, inside);
  let p = madd(constant(TANH, 1), square, constant(TANH, 2));
  p = madd(p, square, constant(TANH, 3));
  p = madd(p, square, constant(TANH, 4));
  p = madd(p, square, constant(TANH, 5));
  p = madd(p, square, constant(TANH, 6));
  p = madd(p, square, constant(TANH, 7));
  let q = madd(constant(TANH, 8), square, constant(TANH, 9));
  q = madd(q, square, constant(TANH, 10));
  q = madd(q, square, constant(TANH, 11));
  return f32x4.div(f32x4.mul(inside, p), q);
}

const ERF = memory.data<f32>([
  7.853857823647559e-05, -0.0008010192541405559, 0.005188327748328447, -0.026853810995817184, 0.1128358542919159, -0.3761262595653534, 1.1283791065216064,
  -1.41421356, 2,
]);

/** x·P(x²) up to 1, where P is the minimax polynomial, and from there 1 minus a tail of the normal distribution. Relative error below 2.5e-7. */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const square = f32x4.mul(x, x), size = f32x4.abs(x);
  let p = madd(constant(ERF, 0), square, constant(ERF, 1));
  p = madd(p, square, constant(ERF, 2));
  p = madd(p, square, constant(ERF, 3));
  p = madd(p, square, constant(ERF, 4));
  p = madd(p, square, constant(ERF, 5));
  p = madd(p, square, constant(ERF, 6));
  const one = constant(EXP, 12);
  const tail = f32x4.mul(constant(ERF, 8), normal(f32x4.mul(size, constant(ERF, 7)), expNegative(f32x4.neg(square))));
  const far = v128.bitselect(f32x4.sub(one, tail), x, i32x4.splat(0x7fffffff));
  return v128.bitselect(f32x4.mul(x, p), far, f32x4.lt(size, one));
}

const LOG = memory.data<f32>([
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  0.693359375, -2.12194440e-4, // ln 2 in two parts, the first with few bits
]);

/** ln x, relative error below 1e-7: x = 2ᵏ·(1 + t) with 1 + t in [√½, √2), ln(1 + t) = t − t²/2 + t³·P(t) as in Cephes' logf. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  // What is below the least normal number is made 2²³ times as large.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const bits = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  const k = i32x4.shr_s(i32x4.sub(bits, i32x4.splat(0x3f3504f3)), 23);
  const t = f32x4.sub(i32x4.sub(bits, i32x4.shl(k, 23)), constant(EXP, 12));
  const exponent = f32x4.convert_i32x4_s(i32x4.sub(k, v128.and(small, i32x4.splat(23))));
  const square = f32x4.mul(t, t);
  let p = constant(LOG, 0);
  for (let i = 1; i < 9; i++) p = madd(p, t, constant(LOG, i));
  p = madd(exponent, constant(LOG, 10), f32x4.mul(f32x4.mul(t, square), p));
  p = madd(square, f32x4.splat(-0.5), p);
  const inside = madd(exponent, constant(LOG, 9), f32x4.add(t, p));
  // Elsewhere the root is ∞ or NaN as the logarithm is, but at 0.
  const zero = f32x4.splat(0);
  const outside = v128.bitselect(f32x4.splat(-Infinity), f32x4.sqrt(x), f32x4.eq(x, zero));
  return v128.bitselect(inside, outside, v128.and(f32x4.gt(x, zero), f32x4.lt(x, constant(EXP, 13))));
}

/** 1 − y² for y = tanh x, written so that it does not cancel. */
// @ts-ignore: decorator
@inline
export function tanhSlope(y: v128): v128 {
  const one = constant(EXP, 12);
  return f32x4.mul(f32x4.sub(one, y), f32x4.add(one, y));
}

/** y·(1 − y) for y = sigmoid x. */
// @ts-ignore: decorator
@inline
export function sigmoidSlopeOf(y: v128): v128 {
  return f32x4.mul(y, f32x4.sub(constant(EXP, 12), y));
}
