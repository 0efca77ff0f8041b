import { philox, type Generator, type GeneratorState } from './random.ts';

/**
 * Which values dropout keeps, as a pure function of (seed, i). Draw i is half i of a stream of Philox4x32-7, 16 bits, low
 * halves first: value i is kept where it is above the high half of p·2³², and dropped below it. Where they are equal,
 * half i of the stream beside it decides by the low half, so values are dropped with probability p to 2⁻³² though 16 bits
 * are nearly always enough.
 */

/** p·2³², rounded up. */
export const dropThreshold = (p: number): number => Math.ceil(p * 4294967296);

/** Whether 16 bits can keep a value, which kernels that drop need. */
export const canDrop = (p: number): boolean => dropThreshold(p) <= 0xffff0000;

/** Takes draws for `count` values out of a generator: two a word. They begin with a block of eight. */
export function reserveMask(generator: Generator, count: number): GeneratorState {
  return generator.reserve(Math.ceil(count / 2));
}

/** The mask of a stream, value by value; in order it is fastest. The stream begins with a block: `state.offset` is a multiple of 4. */
export function maskOf({ seed, offset }: GeneratorState, p: number): (i: number) => boolean {
  const threshold = dropThreshold(p);
  const high = Math.floor(threshold / 65536);
  const low = threshold % 65536;
  const [words, others] = [new Uint32Array(4), new Uint32Array(4)];
  let known = -1;
  const half = (from: Uint32Array, i: number): number => (from[(i >>> 1) & 3] >>> ((i & 1) << 4)) & 0xffff;
  return (i) => {
    const block = offset / 4 + Math.floor(i / 8);
    if (block !== known) philox(seed, block, words, 7);
    known = block;
    const draw = half(words, i % 8);
    if (draw !== high) return draw > high;
    philox(seed, block, others, 7, 1);
    return half(others, i % 8) >= low;
  };
}
