import { firstRow } from './rows';

/** Dense x [O, R, C]; totals in float64: [O, blocks of R] where C is 1, else [O, C]. */
@unmanaged
class Reduction {
  name: i32;
  outer: i32;
  reduced: i32;
  columns: i32;
  x: usize;
  totals: usize;
  /** Where C is 1: so many values make one total. */
  block: i32;
}

const SUM: i32 = 0, SUM_OF_SQUARES: i32 = 1, MIN: i32 = 2, MAX: i32 = 3;

// @ts-ignore: decorator
@inline
function fold(name: i32, total: v128, x: v128): v128 {
  if (name == SUM) return f64x2.add(total, x);
  if (name == SUM_OF_SQUARES) return f64x2.add(total, f64x2.mul(x, x));
  return name == MIN ? f64x2.min(total, x) : f64x2.max(total, x);
}

/** Joins totals, which are no longer to be squared. */
// @ts-ignore: decorator
@inline
function join(name: i32, a: v128, b: v128): v128 {
  return fold(name == SUM_OF_SQUARES ? SUM : name, a, b);
}

// @ts-ignore: decorator
@inline
function startOf(name: i32): f64 {
  return name == MIN ? Infinity : name == MAX ? -Infinity : 0;
}

/** Whether a function chooses one of its values: then it needs no float64 to stay exact. */
// @ts-ignore: decorator
@inline
function chooses(name: i32): bool {
  return name == MIN || name == MAX;
}

/** The extreme values of four lanes; NaN where one is. */
// @ts-ignore: decorator
@inline
function choose(name: i32, a: v128, b: v128): v128 {
  return name == MIN ? f32x4.min(a, b) : f32x4.max(a, b);
}

/** The two high lanes as float64. */
// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3));
}

/** The total of `count` values side by side: eight lanes of float64, joined in a fixed order. */
// @ts-ignore: decorator
@inline
function totalOf(name: i32, x: usize, count: i32): f64 {
  let a = f64x2.splat(startOf(name)), b = a, c = a, d = a;
  let end = x + (<usize>(count & ~7) << 2);
  if (chooses(name)) {
    let near = f32x4.splat(<f32>startOf(name)), far = near;
    for (; x < end; x += 32) {
      near = choose(name, near, v128.load(x));
      far = choose(name, far, v128.load(x, 16));
    }
    near = choose(name, near, far);
    a = f64x2.promote_low_f32x4(near);
    b = high(near);
  }
  for (; x < end; x += 32) {
    const near = v128.load(x), far = v128.load(x, 16);
    a = fold(name, a, f64x2.promote_low_f32x4(near));
    b = fold(name, b, high(near));
    c = fold(name, c, f64x2.promote_low_f32x4(far));
    d = fold(name, d, high(far));
  }
  const all = join(name, join(name, a, b), join(name, c, d));
  let total = join(name, all, v128.shuffle<i64>(all, all, 1, 0));
  end += <usize>(count & 7) << 2;
  for (; x < end; x += 4) total = fold(name, total, f64x2.splat(<f64>load<f32>(x)));
  return f64x2.extract_lane(total, 0);
}

// @ts-ignore: decorator
@inline
function rows(name: i32, task: Reduction, part: i32, parts: i32): void {
  const blocks = (task.reduced + task.block - 1) / task.block;
  const units = task.outer * blocks;
  for (let unit = firstRow(units, part, parts), end = firstRow(units, part + 1, parts); unit < end; unit++) {
    const row = unit / blocks, from = (unit - row * blocks) * task.block;
    const x = task.x + (<usize>row * task.reduced + from << 2);
    store<f64>(task.totals + (<usize>unit << 3), totalOf(name, x, min<i32>(task.block, task.reduced - from)));
  }
}

/** Four rows at a time into the totals of `count` columns: these are read and written a quarter as often. */
// @ts-ignore: decorator
@inline
function columnsOf(name: i32, x: usize, rows: i32, stride: usize, totals: usize, count: i32): void {
  for (let at = totals, end = totals + (<usize>count << 3); at < end; at += 8) store<f64>(at, startOf(name));
  const whole = <usize>(count & ~3) << 2, bytes = <usize>count << 2;
  for (; rows > 0; rows -= 4, x += stride << 2) {
    // What is beyond the last row is the last row again, and does not count.
    const second = rows > 1, third = rows > 2, fourth = rows > 3;
    const x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
    let to = totals;
    let at: usize = 0;
    if (fourth) {
      for (; at < whole; at += 16, to += 32) {
        const p = v128.load(x + at), q = v128.load(x1 + at), r = v128.load(x2 + at), s = v128.load(x3 + at);
        if (chooses(name)) {
          const all = choose(name, choose(name, p, q), choose(name, r, s));
          v128.store(to, fold(name, v128.load(to), f64x2.promote_low_f32x4(all)));
          v128.store(to, fold(name, v128.load(to, 16), high(all)), 16);
          continue;
        }
        let low = fold(name, v128.load(to), f64x2.promote_low_f32x4(p)), up = fold(name, v128.load(to, 16), high(p));
        low = fold(name, low, f64x2.promote_low_f32x4(q));
        up = fold(name, up, high(q));
        low = fold(name, low, f64x2.promote_low_f32x4(r));
        up = fold(name, up, high(r));
        v128.store(to, fold(name, low, f64x2.promote_low_f32x4(s)));
        v128.store(to, fold(name, up, high(s)), 16);
      }
    }
    for (; at < bytes; at += 4, to += 8) {
      let total = fold(name, v128.load64_zero(to), f64x2.splat(<f64>load<f32>(x + at)));
      if (second) total = fold(name, total, f64x2.splat(<f64>load<f32>(x1 + at)));
      if (third) total = fold(name, total, f64x2.splat(<f64>load<f32>(x2 + at)));
      if (fourth) total = fold(name, total, f64x2.splat(<f64>load<f32>(x3 + at)));
      v128.store64_lane(to, total, 0);
    }
  }
}

/** Columns that belong together: a cache line of them. */
const GROUP: i32 = 16;

// @ts-ignore: decorator
@inline
function columns(name: i32, task: Reduction, part: i32, parts: i32): void {
  const C = task.columns, groups = (C + GROUP - 1) / GROUP;
  const stride = <usize>C << 2;
  let unit = firstRow(task.outer * groups, part, parts);
  const end = firstRow(task.outer * groups, part + 1, parts);
  while (unit < end) {
    const outer = unit / groups, group = unit - outer * groups;
    const last = min<i32>(groups, group + end - unit);
    const from = group * GROUP, count = min<i32>(C, last * GROUP) - from;
    const x = task.x + (<usize>outer * task.reduced * C + from << 2);
    columnsOf(name, x, task.reduced, stride, task.totals + (<usize>outer * C + from << 3), count);
    unit += last - group;
  }
}

// @ts-ignore: decorator
@inline
function run(name: i32, task: Reduction, part: i32, parts: i32): void {
  if (task.columns == 1) rows(name, task, part, parts);
  else columns(name, task, part, parts);
}

export function reduce(job: usize, part: i32, parts: i32): void {
  const task = changetype<Reduction>(job);
  if (task.name == SUM) run(SUM, task, part, parts);
  else if (task.name == SUM_OF_SQUARES) run(SUM_OF_SQUARES, task, part, parts);
  else if (task.name == MIN) run(MIN, task, part, parts);
  else run(MAX, task, part, parts);
}
