import { TILE_COLUMNS, TILE_ROWS } from '../matmul/tile';
import { Attention } from './record';

/** Queries whose gradients of keys and values are summed in one chain: part of the result's definition. */
export const BLOCK: i32 = 64;

/** From one key's scores to the next: a panel of scores [S, TILE_COLUMNS] holds a query in each lane. */
export const STEP: usize = TILE_COLUMNS * 4;

/** What one part works in. The first fields are its buffers, in the order of `size`. */
@unmanaged
export class Workspace {
  /** Panels of keys [S, E], and of values: columns of them forward, [V, S]; rows backward, [S, V]. */
  keys: usize;
  values: usize;
  /** A panel of queries [E, TILE_COLUMNS]. */
  queries: usize;
  /** Scores, then probabilities [S, TILE_COLUMNS]; backward a panel for each of a block's queries. */
  scores: usize;
  mask: usize;
  /** All bits of a probability that is kept, none of one that is dropped. */
  keep: usize;
  /** Results with queries in lanes. */
  turned: usize;
  /** A number for each lane, four times, then what draws are made from. */
  lanes: usize;
  /** Backward only: gradients of scores, columns of keys [E, S], a panel of g [V, TILE_COLUMNS]. */
  slopes: usize;
  turnedKeys: usize;
  gradients: usize;
  /** A block's queries and gradients as [BLOCK, E] and [BLOCK, V], and a panel of keys by queries. */
  acrossQueries: usize;
  acrossGradients: usize;
  left: usize;
  /** The gradients of keys and of values, in whole tiles. */
  gKeys: usize;
  gValues: usize;
  /** What the mask's panel holds. */
  maskFrom: usize;
  maskKeys: i32;
}

const FORWARD: i32 = 8, BACKWARD: i32 = 16;
/** Where the addresses of a head's operands stand in a workspace. */
const OPERANDS: usize = 80;
const HEADER: usize = 128;

// @ts-ignore: decorator
@inline
function whole(count: i32, lines: i32): usize {
  return (count + lines - 1) / lines * lines;
}

/** Values of buffer `i`. */
function size(i: i32, S: i32, E: i32, V: i32, backward: bool): usize {
  const keys = whole(S, TILE_ROWS), panels = <usize>(backward ? BLOCK / TILE_COLUMNS : 1);
  if (i == 0) return keys * E;
  if (i == 1) return backward ? keys * V : whole(V, TILE_ROWS) * S;
  if (i == 2) return TILE_COLUMNS * E;
  if (i == 3 || i == 8) return keys * TILE_COLUMNS * panels;
  if (i == 4) return TILE_COLUMNS * S;
  // Draws begin up to seven rows before the first key, and end with a block of eight.
  if (i == 5) return TILE_COLUMNS * (S + 24);
  if (i == 6) return max<usize>(whole(E, TILE_ROWS), whole(V, TILE_ROWS)) * TILE_COLUMNS;
  if (i == 7) return 288;
  if (i == 9) return whole(E, TILE_ROWS) * S;
  if (i == 10) return TILE_COLUMNS * V;
  if (i == 11) return BLOCK * whole(E, TILE_COLUMNS);
  if (i == 12) return BLOCK * whole(V, TILE_COLUMNS);
  if (i == 13) return BLOCK * TILE_ROWS;
  return keys * whole(i == 14 ? E : V, TILE_COLUMNS);
}

// @ts-ignore: decorator
@inline
function bytes(i: i32, S: i32, E: i32, V: i32, backward: bool): usize {
  return (size(i, S, E, V, backward) * 4 + 63) & ~63;
}

/** Bytes of scratch that each part needs for segments of up to S keys. */
export function attentionBytes(S: i32, E: i32, V: i32, backward: bool): usize {
  let sum = HEADER;
  for (let i = 0, count = backward ? BACKWARD : FORWARD; i < count; i++) sum += bytes(i, S, E, V, backward);
  return sum;
}

/** The workspace of a part. */
export function arrange(task: Attention, part: i32, backward: bool): Workspace {
  const start = task.scratch + part * task.scratchStride;
  let at = start + HEADER;
  for (let i = 0, count = backward ? BACKWARD : FORWARD; i < count; i++) {
    store<usize>(start + (i << 2), at);
    at += bytes(i, task.longest, task.E, task.V, backward);
  }
  const work = changetype<Workspace>(start);
  work.maskFrom = 0;
  return work;
}

// @ts-ignore: decorator
@inline
export function operands(work: Workspace): usize {
  return changetype<usize>(work) + OPERANDS;
}

/** Where an operand of the head at hand begins. */
// @ts-ignore: decorator
@inline
export function at(work: Workspace, operand: i32): usize {
  return load<usize>(changetype<usize>(work) + (operand << 2), OPERANDS);
}

/** The i-th row of numbers for lanes. */
// @ts-ignore: decorator
@inline
export function numbers(work: Workspace, i: i32): usize {
  return work.lanes + (i << 6);
}

/** How many keys a panel of queries from `row` on looks at: the same at every width of panels. */
// @ts-ignore: decorator
@inline
export function visible(task: Attention, row: i32, S: i32): i32 {
  return task.causal ? min<i32>(S, (row & ~15) + 16) : S;
}
