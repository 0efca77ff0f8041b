/** V8 makes a constant anew at each use within a loop; what it loads it keeps. */
const CONSTANTS = memory.data<u32>([
  0xd2511f53, 0xd2511f53, 0xd2511f53, 0xd2511f53, 0xcd9e8d57, 0xcd9e8d57, 0xcd9e8d57, 0xcd9e8d57,
  0x9e3779b9, 0x9e3779b9, 0x9e3779b9, 0x9e3779b9, 0xbb67ae85, 0xbb67ae85, 0xbb67ae85, 0xbb67ae85,
]);

/** The high and the low half of four products of unsigned 32-bit numbers. */
// @ts-ignore: decorator
@inline
function high(even: v128, odd: v128): v128 {
  return v128.shuffle<i32>(even, odd, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function low(even: v128, odd: v128): v128 {
  return v128.shuffle<i32>(even, odd, 0, 2, 4, 6);
}

/**
 * Philox4x32-7 (see random.ts) of eight blocks of stream `stream`, one in each lane of two registers: word w of the first
 * four at to + 16·w, of the others at to + 64 + 16·w. Each round waits for the one before it, so two registers that go
 * side by side take little longer than one.
 */
export function philoxPair(seedLow: u32, seedHigh: u32, low0: v128, high0: v128, low1: v128, high1: v128, stream: i32, to: usize): void {
  const m0 = v128.load(CONSTANTS), m1 = v128.load(CONSTANTS, 16), step0 = v128.load(CONSTANTS, 32), step1 = v128.load(CONSTANTS, 48);
  let c0 = low0, c1 = high0, c2 = i32x4.splat(stream), c3 = i32x4.splat(0);
  let d0 = low1, d1 = high1, d2 = c2, d3 = c3;
  let key0 = i32x4.splat(seedLow), key1 = i32x4.splat(seedHigh);
  let rounds = 7;
  for (; rounds > 0; rounds--) {
    const even0 = i64x2.extmul_low_i32x4_u(m0, c0), odd0 = i64x2.extmul_high_i32x4_u(m0, c0);
    const even1 = i64x2.extmul_low_i32x4_u(m1, c2), odd1 = i64x2.extmul_high_i32x4_u(m1, c2);
    c0 = v128.xor(high(even1, odd1), v128.xor(c1, key0));
    c2 = v128.xor(high(even0, odd0), v128.xor(c3, key1));
    c1 = low(even1, odd1);
    c3 = low(even0, odd0);
    const even2 = i64x2.extmul_low_i32x4_u(m0, d0), odd2 = i64x2.extmul_high_i32x4_u(m0, d0);
    const even3 = i64x2.extmul_low_i32x4_u(m1, d2), odd3 = i64x2.extmul_high_i32x4_u(m1, d2);
    d0 = v128.xor(high(even3, odd3), v128.xor(d1, key0));
    d2 = v128.xor(high(even2, odd2), v128.xor(d3, key1));
    d1 = low(even3, odd3);
    d3 = low(even2, odd2);
    key0 = i32x4.add(key0, step0);
    key1 = i32x4.add(key1, step1);
  }
  // V8 14.6 (Node 26) ends the process when it tries to pack stores of what a loop such as this one left: zeros, as it
  // cannot know, make the words differ in form.
  const zero = i32x4.splat(rounds);
  v128.store(to, v128.xor(c0, zero));
  v128.store(to, c1, 16);
  v128.store(to, v128.xor(c2, zero), 32);
  v128.store(to, c3, 48);
  v128.store(to, v128.xor(d0, zero), 64);
  v128.store(to, d1, 80);
  v128.store(to, v128.xor(d2, zero), 96);
  v128.store(to, d3, 112);
}
