import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16, roundToOddFloat32 } from './halves.ts';

const view = new DataView(new ArrayBuffer(8));

function floatOf(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function bitsOf(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

/** The value of a 16-bit float by its definition: (−1)^s · 1.f · 2^(e − bias), 0.f below. */
function valueOf(half: number, fractionBits: number): number {
  const exponentBits = 15 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half & 0x7fff) >>> fractionBits;
  const fraction = half & (2 ** fractionBits - 1);
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias - fractionBits)
    : sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

/** Every finite non-negative value of a 16-bit format with its bits, then the value that would follow the largest. */
function ladder(fractionBits: number): number[] {
  const infinity = (2 ** (15 - fractionBits) - 1) << fractionBits;
  const values = Array.from({ length: infinity }, (_, half) => valueOf(half, fractionBits));
  return [...values, 2 * values[infinity - 1] - values[infinity - 2]];
}

/** Rounds by looking for the neighbours: shares nothing with the bit tricks. Exact: differences of close doubles are. */
function nearest(value: number, steps: readonly number[]): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= steps[steps.length - 1]) return sign | (steps.length - 1);
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (steps[middle] <= magnitude) low = middle;
    else high = middle;
  }
  const below = magnitude - steps[low];
  const above = steps[high] - magnitude;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : high);
}

const formats = [
  { name: 'float16', fractionBits: 10, widen: float16ToFloat32, narrow: float32ToFloat16 },
  { name: 'bfloat16', fractionBits: 7, widen: bfloat16ToFloat32, narrow: float32ToBfloat16 },
] as const;

const runs = Number(process.env.STRIDED_RUNS ?? 100) * 20;

describe.each(formats)('$name', ({ fractionBits, widen, narrow }) => {
  const steps = ladder(fractionBits);

  it('widens all 65,536 values exactly and narrows them back to the same bits, NaN payloads too', () => {
    for (let half = 0; half < 65536; half++) {
      const bits = widen(half);
      const value = valueOf(half, fractionBits);
      if (!Object.is(floatOf(bits), value)) expect.unreachable(`${half}: ${floatOf(bits)} is not ${value}`);
      if (narrow(bits) !== half) expect.unreachable(`${half} came back as ${narrow(bits)}`);
    }
  });

  it('rounds every midpoint to even, and its float32 neighbours to the nearer side', () => {
    for (let half = 0; half + 1 < steps.length; half++) {
      const middle = bitsOf((steps[half] + steps[half + 1]) / 2);
      const even = half % 2 === 0 ? half : half + 1;
      if (narrow(middle) !== even) expect.unreachable(`midpoint above ${half} went to ${narrow(middle)}`);
      if (narrow(middle - 1) !== half) expect.unreachable(`below the midpoint above ${half} went to ${narrow(middle - 1)}`);
      if (narrow(middle + 1) !== half + 1) expect.unreachable(`over the midpoint above ${half} went to ${narrow(middle + 1)}`);
      if (narrow((middle | 0x80000000) >>> 0) !== (even | 0x8000)) expect.unreachable(`negative midpoint above ${half}`);
    }
  });

  it('rounds any float32 to the nearest', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
      const value = floatOf(bits);
      fc.pre(!Number.isNaN(value));
      expect(narrow(bits)).toBe(nearest(value, steps));
    }), { numRuns: runs });
  });

  it('rounds any float64 once', () => {
    const tie = fc.integer({ min: 0, max: steps.length - 2 }).map((half) => (steps[half] + steps[half + 1]) / 2);
    const nearTie = fc.tuple(tie, fc.integer({ min: -3, max: 3 }), fc.boolean())
      .map(([value, ulps, negative]) => (negative ? -1 : 1) * value * (1 + ulps * Number.EPSILON));
    fc.assert(fc.property(fc.oneof(nearTie, fc.double({ noNaN: true }), fc.double({ min: -70000, max: 70000, noNaN: true })), (value) => {
      expect(narrow(roundToOddFloat32(value))).toBe(nearest(value, steps));
    }), { numRuns: runs });
  });

  it('keeps every NaN a NaN', () => {
    for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7f801fff, 0x7f80ffff]) {
      expect(valueOf(narrow(bits), fractionBits)).toBeNaN();
      expect(narrow(bits) & 0x8000).toBe(bits >= 0x80000000 ? 0x8000 : 0);
    }
    expect(valueOf(narrow(roundToOddFloat32(Number.NaN)), fractionBits)).toBeNaN();
  });
});

it('float32ToFloat16 knows the borders by heart', () => {
  expect(float32ToFloat16(bitsOf(65504))).toBe(0x7bff);
  expect(float32ToFloat16(bitsOf(65519.996))).toBe(0x7bff);
  expect(float32ToFloat16(bitsOf(65520))).toBe(0x7c00);
  expect(float32ToFloat16(bitsOf(2 ** -24))).toBe(1);
  expect(float32ToFloat16(bitsOf(2 ** -25))).toBe(0);
  expect(float32ToFloat16(bitsOf(2 ** -25 * 1.0001))).toBe(1);
  expect(float32ToFloat16(bitsOf(-0))).toBe(0x8000);
  expect(float32ToFloat16(bitsOf(-Infinity))).toBe(0xfc00);
});
