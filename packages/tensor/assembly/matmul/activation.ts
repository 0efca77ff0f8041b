import * as gates from '../gates';
import { bell, normal, tanh, tanhSlope } from '../math';

/**
 * The functions that can follow a product, with their slopes: both are made from the same two intermediate values, `inner`
 * and `outer`. `name` is a constant at each call.
 */

export const NONE: i32 = 0, RELU: i32 = 1, GELU: i32 = 2, GELU_TANH: i32 = 3, SILU: i32 = 4, TANH: i32 = 5;

// @ts-ignore: decorator
@inline
export function inner(name: i32, x: v128): v128 {
  if (name == GELU) return bell(x);
  if (name == GELU_TANH) return gates.geluTanhFall(x);
  if (name == SILU) return gates.siluFall(x);
  return x;
}

// @ts-ignore: decorator
@inline
export function outer(name: i32, x: v128, inner: v128): v128 {
  if (name == GELU) return normal(x, inner);
  if (name == GELU_TANH || name == SILU) return gates.largerHalf(inner);
  if (name == TANH) return tanh(x);
  return x;
}

/** f(x) */
// @ts-ignore: decorator
@inline
export function value(name: i32, x: v128, inner: v128, outer: v128): v128 {
  if (name == RELU) return f32x4.max(x, f32x4.splat(0));
  if (name == GELU) return f32x4.mul(x, outer);
  if (name == GELU_TANH) return gates.geluTanhFrom(x, inner, outer);
  if (name == SILU) return gates.siluFrom(x, inner, outer);
  return outer;
}

/** f′(x); that of relu is 0 at 0, and 1 at NaN. */
// @ts-ignore: decorator
@inline
export function slope(name: i32, x: v128, inner: v128, outer: v128): v128 {
  if (name == RELU) return v128.andnot(f32x4.splat(1), f32x4.le(x, f32x4.splat(0)));
  if (name == GELU) return gates.geluSlopeFrom(x, inner, outer);
  if (name == GELU_TANH) return gates.geluTanhSlopeFrom(x, inner, outer);
  if (name == SILU) return gates.siluSlopeFrom(x, inner, outer);
  if (name == TANH) return tanhSlope(outer);
  return f32x4.splat(1);
}
