import { begin, lengthOf, next, RECORD, repeat, REPEATS, start, stride } from './nest';

/** out[j] = c[j] ? a[j] : b[j], dense: bytes in c, values of four bytes elsewhere. */
function chooseRow(out: usize, c: usize, a: usize, b: usize, count: i32): void {
  const none = i16x8.splat(0);
  let end = out + (<usize>(count & ~7) << 2);
  for (; out < end; out += 32, c += 8, a += 32, b += 32) {
    const chosen = i16x8.ne(i16x8.extend_low_i8x16_u(v128.load64_zero(c)), none);
    const low = v128.bitselect(v128.load(a), v128.load(b), i32x4.extend_low_i16x8_s(chosen));
    const high = v128.bitselect(v128.load(a, 16), v128.load(b, 16), i32x4.extend_high_i16x8_s(chosen));
    v128.store(out, low);
    v128.store(out, high, 16);
  }
  end += <usize>(count & 7) << 2;
  for (; out < end; out += 4, c++, a += 4, b += 4) store<i32>(out, load<u8>(c) != 0 ? load<i32>(a) : load<i32>(b));
}

/** out = c ? a : b over a nest of out, c, a, b, whose rows are dense in out and dense or one value elsewhere. */
export function where(job: usize, part: i32, parts: i32): void {
  const own = begin(job, part, parts);
  if (own == 0) return;
  const m = lengthOf(own, 4), n = lengthOf(own, 5);
  const sc = stride(own, 1, 5), sa = stride(own, 2, 5), sb = stride(own, 3, 5);
  const c1 = own + RECORD, a1 = c1 + REPEATS, b1 = a1 + 4 * REPEATS;
  do {
    let out = start(own, 0), c = start(own, 1), a = start(own, 2), b = start(own, 3);
    for (let i = 0; i < m; i++, out += stride(own, 0, 4), c += stride(own, 1, 4), a += stride(own, 2, 4), b += stride(own, 3, 4)) {
      if (sc == 0) memory.fill(c1, load<u8>(c), min<i32>(n, REPEATS));
      if (sa == 0) repeat(a1, a, n);
      if (sb == 0) repeat(b1, b, n);
      for (let done = 0; done < n; done += REPEATS) {
        const at = done << 2;
        chooseRow(out + at, sc == 0 ? c1 : c + done, sa == 0 ? a1 : a + at, sb == 0 ? b1 : b + at, min<i32>(REPEATS, n - done));
      }
    }
  } while (next(own));
}
