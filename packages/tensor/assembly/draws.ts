import { philoxPair } from './philox';

/**
 * Which values dropout keeps. Draw i of a stream is word i of Philox; the value that it belongs to stays where the word is
 * not below p·2³².
 *
 * block   four words, which follow each other in the stream
 * group   eight blocks that are drawn together, one in each lane of two registers
 */

/** Memory for the words of a group. */
export const WORDS_BYTES: i32 = 128;

const LANES = memory.data<u32>([0, 1, 2, 3, 0, 1, 0, 1]);

// @ts-ignore: decorator
@inline
function splatHigh(block: u64): v128 {
  return i32x4.splat(<i32>(block >> 32));
}

/** The words of blocks a … a + 3 and b … b + 3, at `words`: word w of the block in lane l at 16·w + 4·l, and 64 bytes on those of b. */
// @ts-ignore: decorator
@inline
export function drawFours(seedLow: u32, seedHigh: u32, a: u64, b: u64, words: usize): void {
  const lanes = v128.load(LANES), startA = i32x4.splat(<i32>a), startB = i32x4.splat(<i32>b);
  const lowA = i32x4.add(startA, lanes), lowB = i32x4.add(startB, lanes);
  // A lane that wrapped around carries into the high half.
  philoxPair(seedLow, seedHigh, lowA, i32x4.sub(splatHigh(a), i32x4.lt_u(lowA, startA)), lowB, i32x4.sub(splatHigh(b), i32x4.lt_u(lowB, startB)), words);
}

/** The same of two blocks each, from a, b, c and d on: those of a and b in the lanes of one register. */
// @ts-ignore: decorator
@inline
export function drawTwos(seedLow: u32, seedHigh: u32, a: u64, b: u64, c: u64, d: u64, words: usize): void {
  const lanes = v128.load(LANES, 16);
  const startA = v128.shuffle<i64>(i32x4.splat(<i32>a), i32x4.splat(<i32>b), 0, 2), startB = v128.shuffle<i64>(i32x4.splat(<i32>c), i32x4.splat(<i32>d), 0, 2);
  const highA = v128.shuffle<i64>(splatHigh(a), splatHigh(b), 0, 2), highB = v128.shuffle<i64>(splatHigh(c), splatHigh(d), 0, 2);
  const lowA = i32x4.add(startA, lanes), lowB = i32x4.add(startB, lanes);
  philoxPair(seedLow, seedHigh, lowA, i32x4.sub(highA, i32x4.lt_u(lowA, startA)), lowB, i32x4.sub(highB, i32x4.lt_u(lowB, startB)), words);
}

/** Sixteen masks at `to`, all bits where a value is kept and none where it is dropped, from the words of four blocks at `words`. */
// @ts-ignore: decorator
@inline
export function masksOf(words: usize, threshold: v128, to: usize): void {
  const c0 = v128.load(words), c1 = v128.load(words, 16), c2 = v128.load(words, 32), c3 = v128.load(words, 48);
  // Turned, each register holds the words of one block.
  const a01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), b01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const a23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), b23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(to, i32x4.ge_u(v128.shuffle<i32>(a01, a23, 0, 1, 4, 5), threshold));
  v128.store(to, i32x4.ge_u(v128.shuffle<i32>(a01, a23, 2, 3, 6, 7), threshold), 16);
  v128.store(to, i32x4.ge_u(v128.shuffle<i32>(b01, b23, 0, 1, 4, 5), threshold), 32);
  v128.store(to, i32x4.ge_u(v128.shuffle<i32>(b01, b23, 2, 3, 6, 7), threshold), 48);
}
