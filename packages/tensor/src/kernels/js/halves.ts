import type { HalfFormat } from '../contract.ts';

/*
 * The two 16-bit floats as bit patterns, in both directions. Widening is exact; narrowing rounds to the nearest,
 * ties to the even one. Everything works on bits, so that the payload of a NaN survives as far as it fits.
 */

/** Bits of the float32 that equals a float16 (1 sign, 5 exponent, 10 fraction bits). */
export function float16ToFloat32(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal float16 is a normal float32: shift its leading bit to the implicit place.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

/** Bits of the float16 nearest to a float32: beyond 65504 (and half a step) infinity, below 2⁻¹⁴ subnormal. */
export function float32ToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Normal: half a step of the kept fraction is 0xfff plus the kept last bit, which makes ties even.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  // Subnormal: count in units of 2⁻²⁴. A carry into 0x400 is the smallest normal number, as it should be.
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** Bits of the float32 that equals a bfloat16, which is its upper half. */
export function bfloat16ToFloat32(half: number): number {
  return (half << 16) >>> 0;
}

/** Bits of the bfloat16 nearest to a float32. */
export function float32ToBfloat16(bits: number): number {
  // A NaN whose payload lies in the lower half alone would become an infinity.
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) & 0x7f ? bits >>> 16 : (bits >>> 16) | 0x40;
  return ((bits >>> 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/**
 * Bits of the float32 next to `value` towards zero, its last bit set if anything was cut off ("round to odd").
 * Rounding that once more to fewer bits gives what rounding `value` itself gives; rounding twice to nearest would not.
 */
export function roundToOddFloat32(value: number): number {
  float[0] = value;
  if (float[0] === value || Number.isNaN(value)) return floatBits[0];
  if (Math.abs(float[0]) > Math.abs(value)) floatBits[0] -= 1;
  return (floatBits[0] | 1) >>> 0;
}

// A loop of its own for each format: one that calls either is four times slower.

/** out = the values whose bits are given */
export function widen(format: HalfFormat, halves: Uint16Array, out: Float32Array): void {
  const bits = bitsOf(out);
  if (format === 'float16') for (let i = 0; i < bits.length; i++) bits[i] = float16ToFloat32(halves[i]);
  else for (let i = 0; i < bits.length; i++) bits[i] = bfloat16ToFloat32(halves[i]);
}

/** out = the bits of the nearest values */
export function narrow(format: HalfFormat, x: Float32Array, out: Uint16Array): void {
  const bits = bitsOf(x);
  if (format === 'float16') for (let i = 0; i < bits.length; i++) out[i] = float32ToFloat16(bits[i]);
  else for (let i = 0; i < bits.length; i++) out[i] = float32ToBfloat16(bits[i]);
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}
