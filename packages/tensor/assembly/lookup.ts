import { firstRow } from './rows';
import { copyRow } from './move';

/** A table [O, V, C], rows [O, I, C] and int32 ids [I] that say where in the table each stands. */
@unmanaged
class Lookup {
  outer: i32;
  entries: i32;
  count: i32;
  columns: i32;
  table: usize;
  rows: usize;
  ids: usize;
}

/** rows[o, i] = table[o, ids[i]] */
export function lookUp(job: usize, part: i32, parts: i32): void {
  const task = changetype<Lookup>(job);
  const bytes = <usize>task.columns << 2;
  for (let row = firstRow(task.outer * task.count, part, parts), end = firstRow(task.outer * task.count, part + 1, parts); row < end; row++) {
    const outer = row / task.count;
    const id = load<i32>(task.ids + (<usize>(row - outer * task.count) << 2));
    copyRow(task.rows + row * bytes, task.table + (<usize>outer * task.entries + id) * bytes, bytes);
  }
}

/** Columns that belong together: a cache line of them. */
const GROUP: i32 = 16;

/** table[o, ids[i]] += rows[o, i], row after row: each part has columns of its own. */
export function addAt(job: usize, part: i32, parts: i32): void {
  const task = changetype<Lookup>(job);
  const bytes = <usize>task.columns << 2;
  const groups = (task.columns + GROUP - 1) / GROUP;
  const from = <usize>(firstRow(groups, part, parts) * GROUP) << 2, to = min<usize>(<usize>(firstRow(groups, part + 1, parts) * GROUP) << 2, bytes);
  if (from >= to) return;
  const whole = from + (to - from & ~15);
  let row = task.rows;
  for (let outer = 0; outer < task.outer; outer++) {
    const table = task.table + <usize>outer * task.entries * bytes;
    for (let ids = task.ids, end = ids + (<usize>task.count << 2); ids < end; ids += 4, row += bytes) {
      const entry = table + load<i32>(ids) * bytes;
      let at = from;
      for (; at < whole; at += 16) v128.store(entry + at, f32x4.add(v128.load(entry + at), v128.load(row + at)));
      for (; at < to; at += 4) store<f32>(entry + at, load<f32>(entry + at) + load<f32>(row + at));
    }
  }
}
