import { philoxPair } from './philox';

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
  /** 128 bytes of each part, for the words of eight blocks. */
  scratch: usize;
  /** 128 bytes for what is left at the end, which is one part's. */
  rest: usize;
}

const LANES = memory.data<u32>([0, 1, 2, 3]);

// @ts-ignore: decorator
@inline
function keep(x: usize, words: v128, threshold: v128, scale: v128): v128 {
  return v128.andnot(f32x4.mul(v128.load(x), scale), i32x4.lt_u(words, threshold));
}

/** Sixteen values with the words of four blocks that lie at `words`: word w of block b in lane b of register w. */
function drop(task: Dropout, group: i32, words: usize): void {
  const rest = task.count - (group << 4);
  if (rest <= 0) return;
  const c0 = v128.load(words), c1 = v128.load(words, 16), c2 = v128.load(words, 32), c3 = v128.load(words, 48);
  // Turned, each register holds the words of one block.
  const a01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), b01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const a23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), b23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  const threshold = i32x4.splat(task.threshold), scale = f32x4.splat(task.scale);
  const offset = <usize>group << 6;
  let x = task.x + offset, out = task.out + offset;
  if (rest < 16) {
    x = task.rest;
    out = x + 64;
    memory.copy(x, task.x + offset, <usize>rest << 2);
  }
  v128.store(out, keep(x, v128.shuffle<i32>(a01, a23, 0, 1, 4, 5), threshold, scale));
  v128.store(out, keep(x + 16, v128.shuffle<i32>(a01, a23, 2, 3, 6, 7), threshold, scale), 16);
  v128.store(out, keep(x + 32, v128.shuffle<i32>(b01, b23, 0, 1, 4, 5), threshold, scale), 32);
  v128.store(out, keep(x + 48, v128.shuffle<i32>(b01, b23, 2, 3, 6, 7), threshold, scale), 48);
  if (rest < 16) memory.copy(task.out + offset, out, <usize>rest << 2);
}

/** Eight blocks of Philox at a time, one in each lane: 32 values. */
export function dropout(job: usize, part: i32, parts: i32): void {
  const task = changetype<Dropout>(job);
  const pairs = (task.count + 31) >> 5;
  const lastPair = <i32>(<i64>pairs * (part + 1) / parts);
  const base = (<u64>task.blockHigh << 32) | <u64>task.blockLow;
  const words = task.scratch + (part << 7);
  for (let pair = <i32>(<i64>pairs * part / parts); pair < lastPair; pair++) {
    const block = base + ((<u64>pair) << 3), other = block + 4;
    const start0 = i32x4.splat(<i32>block), start1 = i32x4.splat(<i32>other);
    const low0 = i32x4.add(start0, v128.load(LANES)), low1 = i32x4.add(start1, v128.load(LANES));
    // A lane that wrapped around carries into the high half.
    const high0 = i32x4.sub(i32x4.splat(<i32>(block >> 32)), i32x4.lt_u(low0, start0));
    const high1 = i32x4.sub(i32x4.splat(<i32>(other >> 32)), i32x4.lt_u(low1, start1));
    philoxPair(task.seedLow, task.seedHigh, low0, high0, low1, high1, words);
    drop(task, pair << 1, words);
    drop(task, (pair << 1) + 1, words + 64);
  }
}
