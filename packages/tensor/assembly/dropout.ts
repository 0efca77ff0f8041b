/** out = x·scale where the draw of the value is not below the threshold, else 0; draw i is word i of Philox's stream. */
@unmanaged
class Dropout {
  count: i32;
  x: usize;
  out: usize;
  seedLow: u32;
  seedHigh: u32;
  /** The block of four words that the first value draws from. */
  blockLow: u32;
  blockHigh: u32;
  /** p·2³², rounded up: a draw is below p where its word is below this. */
  threshold: u32;
  scale: f32;
  /** 128 bytes of each part, for what is left at the end. */
  scratch: usize;
}

const LANES = memory.data<u32>([0, 1, 2, 3]);

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

// @ts-ignore: decorator
@inline
function keep(x: usize, words: v128, threshold: v128, scale: v128): v128 {
  return v128.andnot(f32x4.mul(v128.load(x), scale), i32x4.lt_u(words, threshold));
}

/** Philox4x32-10 (see random.ts), four blocks at a time, one in each lane: 16 values. */
export function dropout(job: usize, part: i32, parts: i32): void {
  const task = changetype<Dropout>(job);
  const groups = (task.count + 15) >> 4;
  const firstGroup = <i32>(<i64>groups * part / parts), lastGroup = <i32>(<i64>groups * (part + 1) / parts);
  const base = (<u64>task.blockHigh << 32) | <u64>task.blockLow;
  const threshold = i32x4.splat(task.threshold), scale = f32x4.splat(task.scale);
  const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57);
  const own = task.scratch + (part << 7);
  for (let group = firstGroup; group < lastGroup; group++) {
    const block = base + ((<u64>group) << 2);
    const start = i32x4.splat(<i32>block);
    let c0 = i32x4.add(start, v128.load(LANES));
    // A lane that wrapped around carries into the high half.
    let c1 = i32x4.sub(i32x4.splat(<i32>(block >> 32)), i32x4.lt_u(c0, start));
    let c2 = i32x4.splat(0), c3 = c2;
    let k0 = task.seedLow, k1 = task.seedHigh;
    for (let round = 0; round < 10; round++) {
      const even0 = i64x2.extmul_low_i32x4_u(m0, c0), odd0 = i64x2.extmul_high_i32x4_u(m0, c0);
      const even1 = i64x2.extmul_low_i32x4_u(m1, c2), odd1 = i64x2.extmul_high_i32x4_u(m1, c2);
      c0 = v128.xor(v128.xor(high(even1, odd1), c1), i32x4.splat(k0));
      c2 = v128.xor(v128.xor(high(even0, odd0), c3), i32x4.splat(k1));
      c1 = low(even1, odd1);
      c3 = low(even0, odd0);
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    // Word w of block b stands in lane b of c_w: turned, each register holds the words of one block.
    const a01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), b01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
    const a23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), b23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
    const rest = task.count - (group << 4);
    const offset = <usize>group << 6;
    const whole = rest >= 16;
    let x = task.x + offset, out = task.out + offset;
    if (!whole) {
      memory.copy(own, x, <usize>rest << 2);
      x = own;
      out = own + 64;
    }
    v128.store(out, keep(x, v128.shuffle<i32>(a01, a23, 0, 1, 4, 5), threshold, scale));
    v128.store(out, keep(x + 16, v128.shuffle<i32>(a01, a23, 2, 3, 6, 7), threshold, scale), 16);
    v128.store(out, keep(x + 32, v128.shuffle<i32>(b01, b23, 0, 1, 4, 5), threshold, scale), 32);
    v128.store(out, keep(x + 48, v128.shuffle<i32>(b01, b23, 2, 3, 6, 7), threshold, scale), 48);
    if (!whole) memory.copy(task.out + offset, out, <usize>rest << 2);
  }
}
