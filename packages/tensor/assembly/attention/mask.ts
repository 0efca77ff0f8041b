import { packPanel } from '../matmul/pack';
import { TILE_COLUMNS } from '../matmul/tile';
import { philox } from '../philox';
import { addMask, scaleColumns, selectMask } from './columns';
import { Attention, columnStep, MASK, rowStep } from './record';
import { at, STEP, Workspace } from './workspace';

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
const GUARD: usize = 4;

/** What dropout keeps of the scores of a head's queries `query + lane` with `keys` keys from `key` on: draw i is that of score i. */
export function drawKept(task: Attention, work: Workspace, head: i32, query: i32, key: i32, lanes: i32, keys: i32): usize {
  const kept = work.keep + GUARD * STEP;
  const words = work.lanes + 448;
  const threshold = i32x4.splat(task.threshold);
  const draws = ((<u64>task.drawHigh << 32) | <u64>task.drawLow) + <u64>key;
  for (let lane = 0; lane < lanes; lane += 4) {
    // Lanes begin at different words of their blocks, and so at different rows.
    let phases = 0;
    for (let l = 0; l < 4; l++) {
      const draw = draws + (<u64>head * task.L + query + lane + l) * task.S;
      store<u32>(words + (l << 2), <u32>(draw >> 2));
      store<u32>(words + (l << 2), <u32>(draw >> 34), 16);
      phases |= (<i32>draw & 3) << (l << 3);
    }
    const start = v128.load(words), high = v128.load(words, 16);
    for (let first = 0; first < keys + 3; first += 4) {
      const block = i32x4.add(start, i32x4.splat(first >> 2));
      // A lane that wrapped around carries into the high half.
      philox(task.seedLow, task.seedHigh, block, i32x4.sub(high, i32x4.lt_u(block, start)), words);
      let to = kept + first * STEP + (lane << 2);
      for (let w = 0; w < 4; w++, to += STEP) {
        const mask = i32x4.ge_u(v128.load(words + (w << 4)), threshold);
        if (phases == 0) {
          v128.store(to, mask);
          continue;
        }
        v128.store32_lane(to - (phases & 255) * STEP, mask, 0);
        v128.store32_lane(to - ((phases >> 8) & 255) * STEP, mask, 1, 4);
        v128.store32_lane(to - ((phases >> 16) & 255) * STEP, mask, 2, 8);
        v128.store32_lane(to - (phases >> 24) * STEP, mask, 3, 12);
      }
    }
  }
  return kept;
}
