import { philoxPair } from './philox';

/**
 * Which values dropout keeps (see dropoutMask.ts). Draw i of a stream is half i of its words, 16 bits: the value that it
 * belongs to stays where it is above the high half of p·2³², and is dropped below it; where they are equal, which is
 * rare, half i of the stream beside it decides by the low half.
 *
 * block   eight draws, which follow each other: the four words of Philox, low halves first
 * group   eight blocks that are drawn together, one in each lane of two registers
 */

/** Memory for the words of a group, and for those that decide between equals. */
export const WORDS_BYTES: i32 = 256;

/** What all draws of a kernel have in common. Kernels' records hold such fields in this order. */
@unmanaged
export class Stream {
  /** p·2³², rounded up. 0: nothing is dropped. */
  threshold: u32;
  /** 1/(1 − p) */
  dropScale: f32;
  seedLow: u32;
  seedHigh: u32;
  /** The block of which the first value draws, low and high half. */
  blockLow: u32;
  blockHigh: u32;
}

/** The words of blocks first + onward[l], at `words`: word w of the block in lane l at 16·w + 4·l, and 64 bytes on those of the second register. */
// @ts-ignore: decorator
@inline
export function drawWords(stream: Stream, onward0: v128, onward1: v128, kind: i32, words: usize): void {
  const first = i32x4.splat(stream.blockLow), high = i32x4.splat(stream.blockHigh);
  const low0 = i32x4.add(first, onward0), low1 = i32x4.add(first, onward1);
  // A lane that wrapped around carries into the high half.
  philoxPair(stream.seedLow, stream.seedHigh, low0, i32x4.sub(high, i32x4.lt_u(low0, first)), low1, i32x4.sub(high, i32x4.lt_u(low1, first)), kind, words);
}

/** The least 16 bits that keep a value without a look at others. */
// @ts-ignore: decorator
@inline
export function leastKept(threshold: u32): i32 {
  return <i32>(threshold >> 16) + <i32>((threshold & 0xffff) != 0);
}

/** The masks of the blocks first + onward[l], all bits where a value is kept and none where it is dropped: 128 bytes at `to` for each register, block after block. */
export function drawMasks(stream: Stream, onward0: v128, onward1: v128, words: usize, to: usize): void {
  const threshold = stream.threshold;
  drawWords(stream, onward0, onward1, 0, words);
  const equals = v128.or(masksOf(words, threshold, to), masksOf(words + 64, threshold, to + 128));
  if ((threshold & 0xffff) == 0 || !v128.any_true(equals)) return;
  drawWords(stream, onward0, onward1, 1, words + 128);
  for (let block = 0; block < 8; block++) settle(words + ((block >> 2) << 6), block & 3, threshold, to + (block << 5), 4);
}

/** The words of four blocks at `words`, turned: each register holds the draws of a block. */
// @ts-ignore: decorator
@inline
function masksOf(words: usize, threshold: u32, to: usize): v128 {
  const least = i16x8.splat(<i16>leastKept(threshold)), equal = i16x8.splat(<i16>(threshold >> 16));
  const c0 = v128.load(words), c1 = v128.load(words, 16), c2 = v128.load(words, 32), c3 = v128.load(words, 48);
  const a01 = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5), b01 = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const a23 = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5), b23 = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  const x0 = v128.shuffle<i32>(a01, a23, 0, 1, 4, 5), x1 = v128.shuffle<i32>(a01, a23, 2, 3, 6, 7);
  const x2 = v128.shuffle<i32>(b01, b23, 0, 1, 4, 5), x3 = v128.shuffle<i32>(b01, b23, 2, 3, 6, 7);
  storeMask(i16x8.ge_u(x0, least), to);
  storeMask(i16x8.ge_u(x1, least), to + 32);
  storeMask(i16x8.ge_u(x2, least), to + 64);
  storeMask(i16x8.ge_u(x3, least), to + 96);
  return v128.or(v128.or(i16x8.eq(x0, equal), i16x8.eq(x1, equal)), v128.or(i16x8.eq(x2, equal), i16x8.eq(x3, equal)));
}

// @ts-ignore: decorator
@inline
function storeMask(kept: v128, to: usize): void {
  v128.store(to, i32x4.extend_low_i16x8_s(kept));
  v128.store(to, i32x4.extend_high_i16x8_s(kept), 16);
}

/** Decides between equals, of one of the four blocks whose words begin at `words`; its masks lie `step` bytes apart. */
export function settle(words: usize, block: i32, threshold: u32, to: usize, step: usize): void {
  for (let draw = 0; draw < 8; draw++, to += step) {
    const at = words + (block << 2) + ((draw >> 1) << 4) + ((draw & 1) << 1);
    if (<u32>load<u16>(at) == threshold >> 16) store<i32>(to, -<i32>(<u32>load<u16>(at, 128) >= (threshold & 0xffff)));
  }
}
