import { packPanel, packPanels } from '../matmul/pack';
import { TILE_COLUMNS, TILE_ROWS } from '../matmul/tile';
import { log } from '../softmax';
import { dropColumns, exponentials, maximaOf } from './columns';
import { drawKept, maskScores } from './mask';
import { multiplyPanel, turn } from './panels';
import { Attention, bound, columnStep, K, locate, LOG_SUM_EXP, OUT, Q, rowStep, VALUES } from './record';
import { arrange, at, numbers, operands, STEP, visible, Workspace } from './workspace';

/** What a panel of queries costs apart from its keys, in keys. */
const FIXED: i32 = 16;

/** Keys that the panels of one head look at. */
function workOfHead(task: Attention): u64 {
  let sum: u64 = 0;
  for (let segment = 0; segment < task.segments; segment++) {
    const L = bound(task.queryBounds, segment + 1) - bound(task.queryBounds, segment);
    const S = bound(task.keyBounds, segment + 1) - bound(task.keyBounds, segment);
    for (let row = 0; row < L; row += TILE_COLUMNS) sum += visible(task, row, S) + FIXED;
  }
  return sum;
}

/**
 * out = dropout(softmax(q·kᵀ·scale + mask))·v and logSumExp, a panel of queries at a time: the scores stand as [S,
 * TILE_COLUMNS], a query in each lane, which is just how the product with the values wants them. Parts take panels.
 */
export function attention(job: usize, part: i32, parts: i32): void {
  const task = changetype<Attention>(job);
  const work = arrange(task, part, false);
  const E = task.E, V = task.V;
  const each = workOfHead(task), all = each * task.heads;
  const start = all * part / parts, end = all * (part + 1) / parts;
  // The work before the panel at hand; it belongs to the part in whose share that lies.
  let before: u64 = 0;
  for (let head = 0; head < task.heads; head++) {
    if (before + each <= start || before >= end) {
      before += each;
      continue;
    }
    for (let segment = 0; segment < task.segments; segment++) {
      const query = bound(task.queryBounds, segment), key = bound(task.keyBounds, segment);
      const L = bound(task.queryBounds, segment + 1) - query, S = bound(task.keyBounds, segment + 1) - key;
      let packed = false;
      for (let row = 0; row < L; row += TILE_COLUMNS) {
        const mine = before >= start && before < end;
        const keys = visible(task, row, S);
        before += keys + FIXED;
        if (!mine) continue;
        if (!packed) {
          locate(task, head, query, key, operands(work));
          packPanels(at(work, K), rowStep(task, K), columnStep(task, K), S, E, work.keys, TILE_ROWS, E * TILE_ROWS * 4);
          packPanels(at(work, VALUES), columnStep(task, VALUES), rowStep(task, VALUES), V, S, work.values, TILE_ROWS, S * TILE_ROWS * 4);
          packed = true;
        }
        attend(task, work, head, query, key, row, min<i32>(TILE_COLUMNS, L - row), S, keys);
      }
    }
  }
}

function attend(task: Attention, work: Workspace, head: i32, query: i32, key: i32, row: i32, lanes: i32, S: i32, keys: i32): void {
  const E = task.E, V = task.V, scores = work.scores;
  const maxima = numbers(work, 0), sums = numbers(work, 1), factors = numbers(work, 2);
  packPanel(at(work, Q) + row * rowStep(task, Q), rowStep(task, Q), columnStep(task, Q), lanes, E, work.queries, TILE_COLUMNS);
  multiplyPanel(work.keys, keys, E, work.queries, E, scores);
  maskScores(task, work, row, lanes, keys, scores);
  for (let lane = 0; lane < lanes; lane += 8) {
    const offset = <usize>lane << 2;
    maximaOf(scores + offset, keys, maxima + offset);
    exponentials(scores + offset, keys, maxima + offset, sums + offset);
  }
  let total = at(work, LOG_SUM_EXP) + row * rowStep(task, LOG_SUM_EXP);
  for (let lane = 0; lane < lanes; lane++, total += rowStep(task, LOG_SUM_EXP)) {
    const most = load<f32>(maxima + (lane << 2)), sum = load<f32>(sums + (lane << 2));
    // No key counts: 0. A NaN or +∞ among the scores: nothing was summed.
    const dead = most == -Infinity;
    store<f64>(total, dead ? -Infinity : sum == 0 ? NaN : <f64>most + log(<f64>sum));
    store<f32>(factors + (lane << 2), dead ? 0 : sum == 0 ? NaN : 1 / sum);
  }
  if (task.threshold != 0) {
    const kept = drawKept(task, work, head, query + row, key, lanes, keys);
    for (let lane = 0; lane < lanes; lane += 8) dropColumns(scores + (lane << 2), keys, task.dropScale, kept + (lane << 2));
  }
  multiplyPanel(work.values, V, S, scores, keys, work.turned);
  turn(work.turned, V, lanes, factors, at(work, OUT) + row * rowStep(task, OUT), rowStep(task, OUT));
}
