import { begin, lengthOf, next, operation, start, stride } from './nest';

/** How a plane of out and x lies: dense rows of both; x dense along the other axis; anything. */
const ROWS: i32 = 0, TURNED: i32 = 1;

/** From this length on the host's own copy is faster than a loop, in bytes. */
const LONG: usize = 2048;

export function copyRow(out: usize, x: usize, bytes: usize): void {
  if (bytes >= LONG) {
    memory.copy(out, x, bytes);
    return;
  }
  let end = out + (bytes & ~31);
  for (; out < end; out += 32, x += 32) {
    const low = v128.load(x), high = v128.load(x, 16);
    v128.store(out, low);
    v128.store(out, high, 16);
  }
  end += bytes & 31;
  for (; out < end; out += 4, x += 4) store<i32>(out, load<i32>(x));
}

/** m rows of n values, whatever their strides. */
function copyEach(out: usize, x: usize, m: i32, n: i32, mo: i32, so: i32, mx: i32, sx: i32): void {
  for (; m > 0; m--, out += mo, x += mx) {
    for (let j = n, o = out, i = x; j > 0; j--, o += so, i += sx) store<i32>(o, load<i32>(i));
  }
}

/** out[i, j] = x[j, i] for four rows and columns: rows of x lie sx bytes apart, those of out mo. */
// @ts-ignore: decorator
@inline
function turn(out: usize, x: usize, mo: i32, sx: i32): void {
  const a = v128.load(x), b = v128.load(x + sx), c = v128.load(x + 2 * sx), d = v128.load(x + 3 * sx);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(out + mo, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(out + 2 * mo, v128.shuffle<i64>(AB, CD, 0, 2));
  v128.store(out + 3 * mo, v128.shuffle<i64>(AB, CD, 1, 3));
}

/** Tiles whose cache lines, read and written, stay in the cache together. */
const TILE: i32 = 16;

/** Rows of out are dense, and x is along the other axis. */
function copyTurned(out: usize, x: usize, m: i32, n: i32, mo: i32, sx: i32): void {
  const wholeM = m & ~3, wholeN = n & ~3;
  for (let i0 = 0; i0 < wholeM; i0 += TILE) {
    const iEnd = min<i32>(i0 + TILE, wholeM);
    for (let j = 0; j < wholeN; j += 4) {
      let o = out + i0 * mo + (j << 2), from = x + (i0 << 2) + j * sx;
      for (let i = i0; i < iEnd; i += 4, o += 4 * mo, from += 16) turn(o, from, mo, sx);
    }
  }
  if (wholeN < n) copyEach(out + (wholeN << 2), x + wholeN * sx, wholeM, n - wholeN, mo, 4, 4, sx);
  if (wholeM < m) copyEach(out + wholeM * mo, x + (wholeM << 2), m - wholeM, n, mo, 4, 4, sx);
}

/** out = x over a nest of out and x, values of four bytes. */
export function move(job: usize, part: i32, parts: i32): void {
  const own = begin(job, part, parts);
  if (own == 0) return;
  const kind = operation(own), m = lengthOf(own, 4), n = lengthOf(own, 5);
  const mo = stride(own, 0, 4), so = stride(own, 0, 5), mx = stride(own, 1, 4), sx = stride(own, 1, 5);
  do {
    let out = start(own, 0), x = start(own, 1);
    if (kind == ROWS) for (let i = 0; i < m; i++, out += mo, x += mx) copyRow(out, x, <usize>n << 2);
    else if (kind == TURNED) copyTurned(out, x, m, n, mo, sx);
    else copyEach(out, x, m, n, mo, so, mx, sx);
  } while (next(own));
}
