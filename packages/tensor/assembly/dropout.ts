import { drawMasks, Stream, WORDS_BYTES } from './draws';

/** out = x·scale where the draw of the value keeps it, else 0; value i takes draw i of the stream. */
@unmanaged
class Dropout {
  count: i32;
  x: usize;
  out: usize;
  /** A `Stream`. */
  threshold: u32;
  dropScale: f32;
  seedLow: u32;
  seedHigh: u32;
  blockLow: u32;
  blockHigh: u32;
  /** 512 bytes of each part, for the words of eight blocks and the masks of their values. */
  scratch: usize;
  /** 512 bytes for what is left at the end, which is one part's. */
  rest: usize;
}

const LANES = memory.data<u32>([0, 1, 2, 3, 4, 5, 6, 7]);

/** 64 values with the masks at `masks`. */
// @ts-ignore: decorator
@inline
function drop(x: usize, masks: usize, scale: v128, out: usize): void {
  for (const end = masks + 256; masks < end; masks += 32, x += 32, out += 32) {
    const low = v128.and(f32x4.mul(v128.load(x), scale), v128.load(masks));
    const high = v128.and(f32x4.mul(v128.load(x, 16), scale), v128.load(masks, 16));
    v128.store(out, low);
    v128.store(out, high, 16);
  }
}

/** Eight blocks of draws at a time: 64 values. */
export function dropout(job: usize, part: i32, parts: i32): void {
  const task = changetype<Dropout>(job);
  const stream = changetype<Stream>(job + offsetof<Dropout>('threshold'));
  const groups = (task.count + 63) >> 6;
  const last = <i32>(<i64>groups * (part + 1) / parts);
  const words = task.scratch + (part << 9), masks = words + WORDS_BYTES;
  const scale = f32x4.splat(task.dropScale);
  for (let group = <i32>(<i64>groups * part / parts); group < last; group++) {
    const first = i32x4.splat(group << 3);
    drawMasks(stream, i32x4.add(first, v128.load(LANES)), i32x4.add(first, v128.load(LANES, 16)), words, masks);
    const offset = <usize>group << 8, rest = task.count - (group << 6);
    if (rest >= 64) drop(task.x + offset, masks, scale, task.out + offset);
    else {
      const own = task.rest;
      memory.copy(own, task.x + offset, <usize>rest << 2);
      drop(own, masks, scale, own + 256);
      memory.copy(task.out + offset, own + 256, <usize>rest << 2);
    }
  }
}
