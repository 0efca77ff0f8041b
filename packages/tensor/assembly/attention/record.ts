/**
 * Attention of many heads: q [L, E], k [S, E], v [S, V], a mask [L, S], out [L, V], logSumExp [L] (float64) and, on the
 * way back, g [L, V] and the gradients of q, k, v and mask. `kernels/wasm/attention.ts` writes these records.
 */
@unmanaged
export class Attention {
  /** Of all segments together. */
  L: i32;
  S: i32;
  E: i32;
  V: i32;
  /** How many heads there are, and the axes that number them in row-major order: of each its length and the operands' strides. */
  heads: i32;
  rank: i32;
  axes: usize;
  /** The rows of queries, and of keys, of segment i: from bound i to bound i + 1. Queries see the keys of their own segment. */
  queryBounds: usize;
  keyBounds: usize;
  segments: i32;
  /** The keys of the longest segment. */
  longest: i32;
  causal: i32;
  /** 0: none, 1: float32, 2: bool */
  maskKind: i32;
  scale: f32;
  /** Of dropout, a `Stream`: the first score draws from the start of its block. */
  threshold: u32;
  dropScale: f32;
  seedLow: u32;
  seedHigh: u32;
  blockLow: u32;
  blockHigh: u32;
  scratch: usize;
  scratchStride: usize;
}

/** The operands: where each begins, and its strides of rows and columns, in bytes; 0 for what is not there. */
const OPERANDS: usize = 96;
export const Q: i32 = 0, K: i32 = 1, VALUES: i32 = 2, MASK: i32 = 3, OUT: i32 = 4, LOG_SUM_EXP: i32 = 5;
export const G: i32 = 6, GQ: i32 = 7, GK: i32 = 8, GV: i32 = 9, GMASK: i32 = 10;
const COUNT: i32 = 11;

// @ts-ignore: decorator
@inline
export function given(task: Attention, operand: i32): bool {
  return load<usize>(changetype<usize>(task) + operand * 12, OPERANDS) != 0;
}

// @ts-ignore: decorator
@inline
export function rowStep(task: Attention, operand: i32): isize {
  return load<isize>(changetype<usize>(task) + operand * 12, OPERANDS + 4);
}

// @ts-ignore: decorator
@inline
export function columnStep(task: Attention, operand: i32): isize {
  return load<isize>(changetype<usize>(task) + operand * 12, OPERANDS + 8);
}

/** Writes the addresses of all operands of a head, from a segment's first query and first key on. */
export function locate(task: Attention, head: i32, query: i32, key: i32, to: usize): void {
  for (let operand = 0; operand < COUNT; operand++) {
    const ofKeys = operand == K || operand == VALUES || operand == GK || operand == GV;
    const ofScores = operand == MASK || operand == GMASK;
    let address = load<usize>(changetype<usize>(task) + operand * 12, OPERANDS);
    address += (ofKeys ? key : query) * rowStep(task, operand) + (ofScores ? key * columnStep(task, operand) : 0);
    let rest = head;
    for (let axis = task.rank - 1; axis >= 0; axis--) {
      const line = task.axes + axis * (COUNT + 1) * 4;
      const length = load<i32>(line);
      const outer = rest / length;
      address += (rest - outer * length) * load<isize>(line + (operand << 2), 4);
      rest = outer;
    }
    store<usize>(to + (operand << 2), address);
  }
}

/** Where segment `segment` begins, and the one before it ends. */
// @ts-ignore: decorator
@inline
export function bound(list: usize, segment: i32): i32 {
  return load<i32>(list + (segment << 2));
}
