import { packPanel, packPanels } from '../matmul/pack';
import { tile, TILE_COLUMNS, TILE_ROWS } from '../matmul/tile';
import { dropColumns, probabilities, slopesOf } from './columns';
import { drawKept, maskScores } from './mask';
import { multiplyPanel, turn } from './panels';
import { Attention, bound, columnStep, G, given, GK, GMASK, GQ, GV, K, locate, LOG_SUM_EXP, Q, rowStep, VALUES } from './record';
import { arrange, at, BLOCK, numbers, operands, STEP, visible, Workspace } from './workspace';

/** Columns in whole tiles. */
// @ts-ignore: decorator
@inline
function across(columns: i32): i32 {
  return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
}

/** What a segment costs: its scores, and its keys' packing. */
// @ts-ignore: decorator
@inline
function workOf(L: i32, S: i32): u64 {
  return <u64>(L + 16) * <u64>S;
}

/**
 * The gradients, from scores that are computed again: p = e^(s − logSumExp), t = g·vᵀ where it was kept, ds = p∘(t − Σ p·t).
 * A panel of queries stands in lanes, as forward; gradients of keys and values are summed over BLOCK queries in one
 * chain, then over the blocks in order. Parts take whole segments of heads, so nothing is added across parts.
 */
export function attentionBackward(job: usize, part: i32, parts: i32): void {
  const task = changetype<Attention>(job);
  const work = arrange(task, part, true);
  let each: u64 = 0;
  for (let segment = 0; segment < task.segments; segment++) {
    each += workOf(bound(task.queryBounds, segment + 1) - bound(task.queryBounds, segment), bound(task.keyBounds, segment + 1) - bound(task.keyBounds, segment));
  }
  const all = each * task.heads;
  const start = all * part / parts, end = all * (part + 1) / parts;
  let before: u64 = 0;
  for (let head = 0; head < task.heads; head++) {
    for (let segment = 0; segment < task.segments; segment++) {
      const query = bound(task.queryBounds, segment), key = bound(task.keyBounds, segment);
      const L = bound(task.queryBounds, segment + 1) - query, S = bound(task.keyBounds, segment + 1) - key;
      if (before >= start && before < end) differentiate(task, work, head, query, key, L, S);
      before += workOf(L, S);
    }
  }
}

function differentiate(task: Attention, work: Workspace, head: i32, query: i32, key: i32, L: i32, S: i32): void {
  const E = task.E, V = task.V;
  const forQ = given(task, GQ), forK = given(task, GK), forV = given(task, GV);
  locate(task, head, query, key, operands(work));
  packPanels(at(work, K), rowStep(task, K), columnStep(task, K), S, E, work.keys, TILE_ROWS, E * TILE_ROWS * 4);
  packPanels(at(work, VALUES), rowStep(task, VALUES), columnStep(task, VALUES), S, V, work.values, TILE_ROWS, V * TILE_ROWS * 4);
  if (forQ) packPanels(at(work, K), columnStep(task, K), rowStep(task, K), E, S, work.turnedKeys, TILE_ROWS, S * TILE_ROWS * 4);
  if (forK) memory.fill(work.gKeys, 0, <usize>S * across(E) * 4);
  if (forV) memory.fill(work.gValues, 0, <usize>S * across(V) * 4);
  for (let block = 0; block < L; block += BLOCK) {
    const height = min<i32>(BLOCK, L - block);
    const keys = visible(task, block + height - 1, S);
    for (let row = 0; row < height; row += TILE_COLUMNS) slopes(task, work, head, query, key, block + row, row, min<i32>(TILE_COLUMNS, height - row), S, keys);
    if (forV) {
      const step = rowStep(task, G);
      packPanels(at(work, G) + block * step, columnStep(task, G), step, V, height, work.acrossGradients, TILE_COLUMNS, height * STEP);
      accumulate(work, work.scores, height, keys, S, work.acrossGradients, V, work.gValues);
    }
    if (forK) {
      const step = rowStep(task, Q);
      packPanels(at(work, Q) + block * step, columnStep(task, Q), step, E, height, work.acrossQueries, TILE_COLUMNS, height * STEP);
      accumulate(work, work.slopes, height, keys, S, work.acrossQueries, E, work.gKeys);
    }
  }
  if (forK) storeRows(work.gKeys, S, E, task.scale, at(work, GK), rowStep(task, GK));
  if (forV) storeRows(work.gValues, S, V, 1, at(work, GV), rowStep(task, GV));
}

/** Bytes of the scores of one panel of queries. */
// @ts-ignore: decorator
@inline
function panelBytes(S: i32): usize {
  return <usize>((S + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS) * STEP;
}

/** p and ds of a panel, at `place` in its block, over the block's keys, and the gradients of its queries and masks. */
function slopes(task: Attention, work: Workspace, head: i32, query: i32, key: i32, row: i32, place: i32, lanes: i32, S: i32, blockKeys: i32): void {
  const E = task.E, V = task.V;
  const keys = visible(task, row, S);
  const panel = place / TILE_COLUMNS * panelBytes(S);
  const p = work.scores + panel, ds = work.slopes + panel;
  packPanel(at(work, Q) + row * rowStep(task, Q), rowStep(task, Q), columnStep(task, Q), lanes, E, work.queries, TILE_COLUMNS);
  multiplyPanel(work.keys, keys, E, work.queries, E, p);
  maskScores(task, work, row, lanes, keys, p);
  packPanel(at(work, G) + row * rowStep(task, G), rowStep(task, G), columnStep(task, G), lanes, V, work.gradients, TILE_COLUMNS);
  multiplyPanel(work.values, keys, V, work.gradients, V, ds);
  const high = numbers(work, 0), low = numbers(work, 1), sums = numbers(work, 2), factors = numbers(work, 3);
  let total = at(work, LOG_SUM_EXP) + row * rowStep(task, LOG_SUM_EXP);
  for (let lane = 0; lane < TILE_COLUMNS; lane++, total += rowStep(task, LOG_SUM_EXP)) {
    // A query that sees no key has scores of −∞ alone, and those give 0 whatever is subtracted.
    const logSumExp: f64 = lane < lanes ? load<f64>(total) : 0;
    const rounded: f32 = logSumExp == -Infinity ? 0 : <f32>logSumExp;
    store<f32>(high + (lane << 2), rounded);
    store<f32>(low + (lane << 2), logSumExp == -Infinity ? 0 : <f32>(logSumExp - <f64>rounded));
  }
  const kept = task.threshold != 0 ? drawKept(task, work, head, query + row, key, lanes, keys) : 0;
  for (let lane = 0; lane < lanes; lane += 8) {
    const offset = <usize>lane << 2;
    if (kept != 0) dropColumns(ds + offset, keys, task.dropScale, kept + offset);
    probabilities(p + offset, keys, ds + offset, high + offset, low + offset, sums + offset);
    slopesOf(p + offset, keys, ds + offset, sums + offset);
    if (kept != 0) dropColumns(p + offset, keys, task.dropScale, kept + offset);
  }
  memory.fill(p + keys * STEP, 0, (blockKeys - keys) * STEP);
  memory.fill(ds + keys * STEP, 0, (blockKeys - keys) * STEP);
  for (let lane: usize = 0; lane < STEP; lane += 4) store<f32>(factors + lane, task.scale);
  if (given(task, GQ)) {
    multiplyPanel(work.turnedKeys, E, S, ds, keys, work.turned);
    turn(work.turned, E, lanes, factors, at(work, GQ) + row * rowStep(task, GQ), rowStep(task, GQ));
  }
  if (!given(task, GMASK)) return;
  for (let lane: usize = 0; lane < STEP; lane += 4) store<f32>(factors + lane, 1);
  const target = at(work, GMASK) + row * rowStep(task, GMASK);
  turn(ds, keys, lanes, factors, target, rowStep(task, GMASK));
  for (let lane = 0; lane < lanes; lane++) memory.fill(target + lane * rowStep(task, GMASK) + (keys << 2), 0, (S - keys) << 2);
}

/** sums [S, columns] += the panels of scores, turned [keys, height], · right [height, columns]. */
function accumulate(work: Workspace, scores: usize, height: i32, keys: i32, S: i32, right: usize, columns: i32, sums: usize): void {
  const width = across(columns), left = work.left;
  for (let key = 0; key < keys; key += TILE_ROWS) {
    const rows = min<i32>(TILE_ROWS, keys - key);
    let from = scores + key * STEP;
    for (let row = 0; row < height; row += TILE_COLUMNS, from += panelBytes(S)) {
      packPanel(from, STEP, 4, rows, min<i32>(TILE_COLUMNS, height - row), left + row * TILE_ROWS * 4, TILE_ROWS);
    }
    const target = sums + <usize>key * width * 4;
    for (let column = 0; column < width; column += TILE_COLUMNS) {
      const place = target + (column << 2);
      tile(left, right + <usize>column * height * 4, place, width << 2, height, place, width << 2);
    }
  }
}

/** to [rows, columns] = from, in rows of whole tiles, times a factor. */
function storeRows(from: usize, rows: i32, columns: i32, factor: f32, to: usize, step: isize): void {
  const scale = f32x4.splat(factor);
  for (let row = 0; row < rows; row++, from += across(columns) << 2, to += step) {
    let offset: usize = 0;
    for (const end = <usize>(columns & ~7) << 2; offset < end; offset += 32) {
      const low = f32x4.mul(v128.load(from + offset), scale), high = f32x4.mul(v128.load(from + offset, 16), scale);
      v128.store(to + offset, low);
      v128.store(to + offset, high, 16);
    }
    for (const end = <usize>columns << 2; offset < end; offset += 4) store<f32>(to + offset, load<f32>(from + offset) * factor);
  }
}
