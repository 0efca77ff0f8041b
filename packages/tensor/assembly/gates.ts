import { bell, clamp, constant, densityFactor, expNegative, normal, ones, withinTail } from './math';
import { madd } from './simd';

/**
 * gelu in both forms and silu, x times a rising step, with their slopes: values and slopes are made from the same
 * intermediate values, so that who needs both computes one exponential.
 */

/** x·Φ(x) */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  return f32x4.mul(x, normal(x, bell(x)));
}

/** Φ(x) + x·φ(x), from e = bell(x) and half = normal(x, e); beyond 14 the second term is 0, also for infinities. */
// @ts-ignore: decorator
@inline
export function geluSlopeFrom(x: v128, e: v128, half: v128): v128 {
  return madd(densityFactor(withinTail(x)), e, half);
}

// @ts-ignore: decorator
@inline
export function geluSlope(x: v128): v128 {
  const e = bell(x);
  return geluSlopeFrom(x, e, normal(x, e));
}

const TANH_FORM = memory.data<f32>([
  1.59576912, 0.0713548163, 0.214064449, 100, // 2·√(2/π), that · 0.044715, that · 3, where slopes have long vanished
]);

/** What slopes are taken at: beyond, they have long vanished, and their factors must not be infinite. */
// @ts-ignore: decorator
@inline
function within(x: v128): v128 {
  return clamp(x, constant(TANH_FORM, 3));
}

/** e^(−|t|), from which both halves of a sigmoid are made. */
// @ts-ignore: decorator
@inline
function fall(t: v128): v128 {
  return expNegative(f32x4.neg(f32x4.abs(t)));
}

/** sigmoid(|t|) from e = fall(t) */
// @ts-ignore: decorator
@inline
export function largerHalf(e: v128): v128 {
  const one = ones();
  return f32x4.div(one, f32x4.add(one, e));
}

/** sigmoid(t) */
// @ts-ignore: decorator
@inline
function half(t: v128, e: v128, larger: v128): v128 {
  return v128.bitselect(larger, f32x4.mul(e, larger), f32x4.ge(t, f32x4.neg(t)));
}

/** s + f·s·(1 − s) for s = sigmoid(t), where nothing cancels. */
// @ts-ignore: decorator
@inline
function sigmoidSlope(t: v128, f: v128, e: v128, larger: v128): v128 {
  return madd(f32x4.mul(f, f32x4.mul(e, larger)), larger, half(t, e, larger));
}

/** 2u for u = √(2/π)·(x + 0.044715·x³) */
// @ts-ignore: decorator
@inline
function twiceU(x: v128, square: v128): v128 {
  return f32x4.mul(x, madd(square, constant(TANH_FORM, 1), constant(TANH_FORM, 0)));
}

/** fall(2u) */
// @ts-ignore: decorator
@inline
export function geluTanhFall(x: v128): v128 {
  const inside = within(x);
  return fall(twiceU(inside, f32x4.mul(inside, inside)));
}

/** x·sigmoid(2u), which is x/2·(1 + tanh u) without its cancellation, from e = geluTanhFall(x) and larger = largerHalf(e). */
// @ts-ignore: decorator
@inline
export function geluTanhFrom(x: v128, e: v128, larger: v128): v128 {
  const inside = within(x);
  return f32x4.mul(x, half(twiceU(inside, f32x4.mul(inside, inside)), e, larger));
}

// @ts-ignore: decorator
@inline
export function geluTanh(x: v128): v128 {
  const e = geluTanhFall(x);
  return geluTanhFrom(x, e, largerHalf(e));
}

/** s + x·s·(1 − s)·(2u)′ for s = sigmoid(2u) */
// @ts-ignore: decorator
@inline
export function geluTanhSlopeFrom(x: v128, e: v128, larger: v128): v128 {
  const inside = within(x), square = f32x4.mul(inside, inside);
  const slope = madd(square, constant(TANH_FORM, 2), constant(TANH_FORM, 0));
  return sigmoidSlope(twiceU(inside, square), f32x4.mul(inside, slope), e, larger);
}

// @ts-ignore: decorator
@inline
export function geluTanhSlope(x: v128): v128 {
  const e = geluTanhFall(x);
  return geluTanhSlopeFrom(x, e, largerHalf(e));
}

/** fall(x) */
// @ts-ignore: decorator
@inline
export function siluFall(x: v128): v128 {
  return fall(within(x));
}

/** x·sigmoid(x), from e = siluFall(x) and larger = largerHalf(e) */
// @ts-ignore: decorator
@inline
export function siluFrom(x: v128, e: v128, larger: v128): v128 {
  return f32x4.mul(x, half(x, e, larger));
}

// @ts-ignore: decorator
@inline
export function silu(x: v128): v128 {
  const e = siluFall(x);
  return siluFrom(x, e, largerHalf(e));
}

/** s + x·s·(1 − s) for s = sigmoid(x) */
// @ts-ignore: decorator
@inline
export function siluSlopeFrom(x: v128, e: v128, larger: v128): v128 {
  const inside = within(x);
  return sigmoidSlope(inside, inside, e, larger);
}

// @ts-ignore: decorator
@inline
export function siluSlope(x: v128): v128 {
  const e = siluFall(x);
  return siluSlopeFrom(x, e, largerHalf(e));
}
