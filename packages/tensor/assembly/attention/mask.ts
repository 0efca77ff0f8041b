import { drawWords, leastKept, settle, Stream, WORDS_BYTES } from '../draws';
import { packPanel } from '../matmul/pack';
import { TILE_COLUMNS } from '../matmul/tile';
import { addMask, scaleColumns, selectMask } from './columns';
import { Attention, columnStep, MASK, rowStep } from './record';
import { at, numbers, STEP, Workspace } from './workspace';

/** scores [keys, TILE_COLUMNS] = scores·scale, masked: lane l is query row + l. */
export function maskScores(task: Attention, work: Workspace, row: i32, lanes: i32, keys: i32, scores: usize): void {
  if (task.maskKind != 0) placeMask(task, work, row, lanes, keys);
  for (let lane = 0; lane < lanes; lane += 8) {
    const x = scores + (lane << 2), mask = work.mask + (lane << 2);
    if (task.maskKind == 0) scaleColumns(x, keys, task.scale);
    else if (task.maskKind == 1) addMask(x, keys, task.scale, mask);
    else selectMask(x, keys, task.scale, mask);
  }
  if (!task.causal) return;
  for (let key = row + 1; key < keys; key++) {
    for (let at = scores + key * STEP, end = at + (min<i32>(TILE_COLUMNS, key - row) << 2); at < end; at += 4) store<f32>(at, -Infinity);
  }
}

/** The mask of a panel of queries as [keys, TILE_COLUMNS]; one that is the same for all queries stays for all panels, and for heads that share it. */
function placeMask(task: Attention, work: Workspace, row: i32, lanes: i32, keys: i32): void {
  const rows = rowStep(task, MASK), columns = columnStep(task, MASK);
  const from = at(work, MASK) + row * rows;
  if (rows == 0 && work.maskFrom == from && work.maskKeys >= keys) return;
  work.maskFrom = from;
  work.maskKeys = keys;
  const used = rows == 0 ? TILE_COLUMNS : lanes;
  if (task.maskKind == 1) {
    packPanel(from, rows, columns, used, keys, work.mask, TILE_COLUMNS);
    return;
  }
  for (let lane = 0; lane < used; lane++) {
    let source = from + lane * rows, target = work.mask + (lane << 2);
    for (let key = 0; key < keys; key++, source += columns, target += STEP) store<i32>(target, -<i32>(load<u8>(source) != 0));
  }
}

/** Rows of `keep` before that of the first key. */
const GUARD: usize = 8;

/** What dropout keeps of the scores of a head's queries `query + lane` with `keys` keys from `key` on: draw i is that of score i. */
export function drawKept(task: Attention, work: Workspace, head: i32, query: i32, key: i32, lanes: i32, keys: i32): usize {
  const kept = work.keep + GUARD * STEP;
  const stream = changetype<Stream>(changetype<usize>(task) + offsetof<Attention>('threshold'));
  // Of each lane the block that it begins in, and how many of its draws come before the first key.
  const starts = numbers(work, 4), befores = starts + 32, words = starts + 64;
  for (let lane = 0; lane < lanes; lane += 8) {
    let even = true;
    for (let l = 0; l < 8; l++) {
      const draw = (<u64>head * task.L + query + lane + l) * task.S + key;
      store<u32>(starts + (l << 2), <u32>(draw >> 3));
      store<u32>(befores + (l << 2), <u32>draw & 7);
      even = even && load<u32>(befores) == (<u32>draw & 7);
    }
    const before = even ? load<i32>(befores) : 0, to = kept + (lane << 2);
    for (let first = 0; first < keys + 7; first += 8) {
      const block = i32x4.splat(first >> 3);
      const onward0 = i32x4.add(v128.load(starts), block), onward1 = i32x4.add(v128.load(starts, 16), block);
      drawWords(stream, onward0, onward1, 0, words);
      const equals = even ? storeRows(words, stream.threshold, to + (first - before) * STEP) : storeLanes(words, stream.threshold, to + first * STEP, befores);
      if ((stream.threshold & 0xffff) == 0 || !v128.any_true(equals)) continue;
      drawWords(stream, onward0, onward1, 1, words + 128);
      for (let l = 0; l < 8; l++) {
        settle(words + ((l >> 2) << 6), l & 3, stream.threshold, to + (first - load<i32>(befores + (l << 2))) * STEP + (l << 2), STEP);
      }
    }
  }
  return kept;
}

/** The eight draws of eight blocks, a block in each lane: draw i of lane l goes to row i. Returns where they equal the high half of p·2³². */
function storeRows(words: usize, threshold: u32, to: usize): v128 {
  const least = i32x4.splat(leastKept(threshold)), equal = i32x4.splat(threshold >> 16), low = i32x4.splat(0xffff);
  let equals = i32x4.splat(0);
  for (let word = 0; word < 4; word++, words += 16, to += 2 * STEP) {
    const x = v128.load(words), y = v128.load(words, 64);
    const x0 = v128.and(x, low), y0 = v128.and(y, low), x1 = i32x4.shr_u(x, 16), y1 = i32x4.shr_u(y, 16);
    v128.store(to, i32x4.ge_s(x0, least));
    v128.store(to, i32x4.ge_s(y0, least), 16);
    v128.store(to + STEP, i32x4.ge_s(x1, least));
    v128.store(to + STEP, i32x4.ge_s(y1, least), 16);
    equals = v128.or(equals, v128.or(v128.or(i32x4.eq(x0, equal), i32x4.eq(y0, equal)), v128.or(i32x4.eq(x1, equal), i32x4.eq(y1, equal))));
  }
  return equals;
}

/** The same where lanes begin at different draws of their blocks, and so at different rows. */
function storeLanes(words: usize, threshold: u32, to: usize, befores: usize): v128 {
  const spare = befores + 32 + WORDS_BYTES;
  const equals = storeRows(words, threshold, spare);
  for (let lane: usize = 0; lane < 32; lane += 4) {
    let from = spare + lane, own = to - load<u32>(befores + lane) * STEP + lane;
    for (const end = from + 8 * STEP; from < end; from += STEP, own += STEP) store<i32>(own, load<i32>(from));
  }
  return equals;
}
