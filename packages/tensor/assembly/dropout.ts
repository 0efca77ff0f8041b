import { drawFours, masksOf } from './draws';

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
  /** 256 bytes of each part, for the words of eight blocks and the masks of their values. */
  scratch: usize;
  /** 256 bytes for what is left at the end, which is one part's. */
  rest: usize;
}

/** 32 values with the masks at `masks`. */
// @ts-ignore: decorator
@inline
function drop(x: usize, masks: usize, scale: v128, out: usize): void {
  for (let at: usize = 0; at < 128; at += 32) {
    const low = v128.and(f32x4.mul(v128.load(x + at), scale), v128.load(masks + at));
    const high = v128.and(f32x4.mul(v128.load(x + at, 16), scale), v128.load(masks + at, 16));
    v128.store(out + at, low);
    v128.store(out + at, high, 16);
  }
}

/** Eight blocks of Philox at a time, one in each lane: 32 values. */
export function dropout(job: usize, part: i32, parts: i32): void {
  const task = changetype<Dropout>(job);
  const groups = (task.count + 31) >> 5;
  const last = <i32>(<i64>groups * (part + 1) / parts);
  const base = (<u64>task.blockHigh << 32) | <u64>task.blockLow;
  const words = task.scratch + (part << 8), masks = words + 128;
  const threshold = i32x4.splat(task.threshold), scale = f32x4.splat(task.scale);
  for (let group = <i32>(<i64>groups * part / parts); group < last; group++) {
    const block = base + ((<u64>group) << 3);
    drawFours(task.seedLow, task.seedHigh, block, block + 4, words);
    masksOf(words, threshold, masks);
    masksOf(words + 64, threshold, masks + 64);
    const offset = <usize>group << 7, rest = task.count - (group << 5);
    if (rest >= 32) drop(task.x + offset, masks, scale, task.out + offset);
    else {
      const own = task.rest;
      memory.copy(own, task.x + offset, <usize>rest << 2);
      drop(own, masks, scale, own + 128);
      memory.copy(task.out + offset, own + 128, <usize>rest << 2);
    }
  }
}
