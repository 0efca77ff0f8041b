/** a·b + c on four lanes: rounded once with relaxed SIMD (fused), twice without. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Where x is NaN, all bits of the lane. `f32x4.max` carries NaN along in eight instructions, each waiting for the one before; `pmax` is one, so NaN is collected apart. */
// @ts-ignore: decorator
@inline
export function nans(x: v128): v128 {
  return f32x4.ne(x, x);
}
