import { philox } from './philox';

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

// @ts-ignore: decorator
@inline
function keep(x: usize, words: v128, threshold: v128, scale: v128): v128 {
  return v128.andnot(f32x4.mul(v128.load(x), scale), i32x4.lt_u(words, threshold));
}

/** Four blocks of Philox at a time, one in each lane: 16 values. */
export function dropout(job: usize, part: i32, parts: i32): void {
  const task = changetype<Dropout>(job);
  const groups = (task.count + 15) >> 4;
  const firstGroup = <i32>(<i64>groups * part / parts), lastGroup = <i32>(<i64>groups * (part + 1) / parts);
  const base = (<u64>task.blockHigh << 32) | <u64>task.blockLow;
  const threshold = i32x4.splat(task.threshold), scale = f32x4.splat(task.scale);
  const own = task.scratch + (part << 7);
  for (let group = firstGroup; group < lastGroup; group++) {
    const block = base + ((<u64>group) << 2);
    const start = i32x4.splat(<i32>block);
    const low = i32x4.add(start, v128.load(LANES));
    // A lane that wrapped around carries into the high half.
    philox(task.seedLow, task.seedHigh, low, i32x4.sub(i32x4.splat(<i32>(block >> 32)), i32x4.lt_u(low, start)), own);
    const c0 = v128.load(own), c1 = v128.load(own, 16), c2 = v128.load(own, 32), c3 = v128.load(own, 48);
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
