import { madd } from '../simd';

/**
 * Micro-kernels: the product of one packed panel of A (K × TILE_ROWS values, k by k) and one of B (K × TILE_COLUMNS),
 * kept in registers until it is stored. Each value of C is one chain of multiply-adds over k from 0, whatever the
 * tile's shape, so `relaxed` and `simd256` round alike. If `from` is not 0 the chain's sum is added to what lies there, in
 * rows `fromRow` apart: a bias, or what C holds.
 *
 * 6×8 fills the sixteen 128-bit registers (12 sums, 2 of B, 1 of A). 5×16 is for 256-bit ones, ten sums: V8 makes one
 * of two neighbouring v128 where it meets their stores as a pair, both after all loads.
 */

/** WIDE is a constant of the build (--use): 1 in the module that V8 compiles to 256-bit registers. */
export const TILE_ROWS: i32 = WIDE ? 5 : 6;
export const TILE_COLUMNS: i32 = WIDE ? 16 : 8;

// @ts-ignore: decorator
@inline
export function tile(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize): void {
  if (WIDE) tile5x16(a, b, c, rowBytes, K, from, fromRow);
  else tile6x8(a, b, c, rowBytes, K, from, fromRow);
}

/**
 * Four rows, for those that no taller tile fits: eight sums still keep both multipliers busy. Every `every` steps of k
 * it fetches lines, as `fetch` does: at `ahead` first, then `onward` from there, and so on.
 */
// @ts-ignore: decorator
@inline
export function tileOfFour(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize, ahead: usize, apart: usize, across: usize, onward: usize, every: i32): i32 {
  return WIDE ? tile4x16(a, b, c, rowBytes, K, from, fromRow, ahead, apart, across, onward, every) : tile4x8(a, b, c, rowBytes, K, from, fromRow, ahead, apart, across, onward, every);
}

/** Reads from four lines: at `ahead`, `apart` from it, and both again `across` from there. */
// @ts-ignore: decorator
@inline
export function fetch(ahead: usize, apart: usize, across: usize): i32 {
  return load<i32>(ahead) ^ load<i32>(ahead + apart) ^ load<i32>(ahead + across) ^ load<i32>(ahead + across + apart);
}

function tile6x8(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize): void {
  const zero = f32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero;
  let c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  for (const end = a + <usize>K * 24; a < end; a += 24, b += 32) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40); c41 = madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50); c51 = madd(x, b1, c51);
  }
  const r1 = c + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes, r4 = r3 + rowBytes, r5 = r4 + rowBytes;
  if (from != 0) {
    const f1 = from + fromRow, f2 = f1 + fromRow, f3 = f2 + fromRow, f4 = f3 + fromRow, f5 = f4 + fromRow;
    c00 = f32x4.add(v128.load(from), c00); c01 = f32x4.add(v128.load(from, 16), c01);
    c10 = f32x4.add(v128.load(f1), c10); c11 = f32x4.add(v128.load(f1, 16), c11);
    c20 = f32x4.add(v128.load(f2), c20); c21 = f32x4.add(v128.load(f2, 16), c21);
    c30 = f32x4.add(v128.load(f3), c30); c31 = f32x4.add(v128.load(f3, 16), c31);
    c40 = f32x4.add(v128.load(f4), c40); c41 = f32x4.add(v128.load(f4, 16), c41);
    c50 = f32x4.add(v128.load(f5), c50); c51 = f32x4.add(v128.load(f5, 16), c51);
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  v128.store(r1, c10); v128.store(r1, c11, 16);
  v128.store(r2, c20); v128.store(r2, c21, 16);
  v128.store(r3, c30); v128.store(r3, c31, 16);
  v128.store(r4, c40); v128.store(r4, c41, 16);
  v128.store(r5, c50); v128.store(r5, c51, 16);
}

function tile5x16(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize): void {
  const zero = f32x4.splat(0);
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero, c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let c40 = zero, c41 = zero, c42 = zero, c43 = zero;
  for (const end = a + <usize>K * 20; a < end; a += 20, b += 64) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); c42 = madd(x, b2, c42); c43 = madd(x, b3, c43);
  }
  const r1 = c + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes, r4 = r3 + rowBytes;
  if (from != 0) {
    const f1 = from + fromRow, f2 = f1 + fromRow, f3 = f2 + fromRow, f4 = f3 + fromRow;
    c00 = f32x4.add(v128.load(from), c00); c01 = f32x4.add(v128.load(from, 16), c01);
    c02 = f32x4.add(v128.load(from, 32), c02); c03 = f32x4.add(v128.load(from, 48), c03);
    c10 = f32x4.add(v128.load(f1), c10); c11 = f32x4.add(v128.load(f1, 16), c11);
    c12 = f32x4.add(v128.load(f1, 32), c12); c13 = f32x4.add(v128.load(f1, 48), c13);
    c20 = f32x4.add(v128.load(f2), c20); c21 = f32x4.add(v128.load(f2, 16), c21);
    c22 = f32x4.add(v128.load(f2, 32), c22); c23 = f32x4.add(v128.load(f2, 48), c23);
    c30 = f32x4.add(v128.load(f3), c30); c31 = f32x4.add(v128.load(f3, 16), c31);
    c32 = f32x4.add(v128.load(f3, 32), c32); c33 = f32x4.add(v128.load(f3, 48), c33);
    c40 = f32x4.add(v128.load(f4), c40); c41 = f32x4.add(v128.load(f4, 16), c41);
    c42 = f32x4.add(v128.load(f4, 32), c42); c43 = f32x4.add(v128.load(f4, 48), c43);
  }
  v128.store(c, c00); v128.store(c, c01, 16); v128.store(c, c02, 32); v128.store(c, c03, 48);
  v128.store(r1, c10); v128.store(r1, c11, 16); v128.store(r1, c12, 32); v128.store(r1, c13, 48);
  v128.store(r2, c20); v128.store(r2, c21, 16); v128.store(r2, c22, 32); v128.store(r2, c23, 48);
  v128.store(r3, c30); v128.store(r3, c31, 16); v128.store(r3, c32, 32); v128.store(r3, c33, 48);
  v128.store(r4, c40); v128.store(r4, c41, 16); v128.store(r4, c42, 32); v128.store(r4, c43, 48);
}

function tile4x8(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize, ahead: usize, apart: usize, across: usize, onward: usize, every: i32): i32 {
  const zero = f32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  let seen = 0;
  for (const last = a + <usize>K * 16; a < last; ahead += onward) {
    seen ^= fetch(ahead, apart, across);
    for (const end = min<usize>(a + <usize>every * 16, last); a < end; a += 16, b += 32) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      x = v128.load32_splat(a, 4);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11);
      x = v128.load32_splat(a, 8);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21);
      x = v128.load32_splat(a, 12);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31);
    }
  }
  const r1 = c + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes;
  if (from != 0) {
    const f1 = from + fromRow, f2 = f1 + fromRow, f3 = f2 + fromRow;
    c00 = f32x4.add(v128.load(from), c00); c01 = f32x4.add(v128.load(from, 16), c01);
    c10 = f32x4.add(v128.load(f1), c10); c11 = f32x4.add(v128.load(f1, 16), c11);
    c20 = f32x4.add(v128.load(f2), c20); c21 = f32x4.add(v128.load(f2, 16), c21);
    c30 = f32x4.add(v128.load(f3), c30); c31 = f32x4.add(v128.load(f3, 16), c31);
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  v128.store(r1, c10); v128.store(r1, c11, 16);
  v128.store(r2, c20); v128.store(r2, c21, 16);
  v128.store(r3, c30); v128.store(r3, c31, 16);
  return seen;
}

function tile4x16(a: usize, b: usize, c: usize, rowBytes: usize, K: i32, from: usize, fromRow: usize, ahead: usize, apart: usize, across: usize, onward: usize, every: i32): i32 {
  const zero = f32x4.splat(0);
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero, c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let seen = 0;
  for (const last = a + <usize>K * 16; a < last; ahead += onward) {
    seen ^= fetch(ahead, apart, across);
    for (const end = min<usize>(a + <usize>every * 16, last); a < end; a += 16, b += 64) {
      const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03);
      x = v128.load32_splat(a, 4);
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13);
      x = v128.load32_splat(a, 8);
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23);
      x = v128.load32_splat(a, 12);
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33);
    }
  }
  const r1 = c + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes;
  if (from != 0) {
    const f1 = from + fromRow, f2 = f1 + fromRow, f3 = f2 + fromRow;
    c00 = f32x4.add(v128.load(from), c00); c01 = f32x4.add(v128.load(from, 16), c01);
    c02 = f32x4.add(v128.load(from, 32), c02); c03 = f32x4.add(v128.load(from, 48), c03);
    c10 = f32x4.add(v128.load(f1), c10); c11 = f32x4.add(v128.load(f1, 16), c11);
    c12 = f32x4.add(v128.load(f1, 32), c12); c13 = f32x4.add(v128.load(f1, 48), c13);
    c20 = f32x4.add(v128.load(f2), c20); c21 = f32x4.add(v128.load(f2, 16), c21);
    c22 = f32x4.add(v128.load(f2, 32), c22); c23 = f32x4.add(v128.load(f2, 48), c23);
    c30 = f32x4.add(v128.load(f3), c30); c31 = f32x4.add(v128.load(f3, 16), c31);
    c32 = f32x4.add(v128.load(f3, 32), c32); c33 = f32x4.add(v128.load(f3, 48), c33);
  }
  v128.store(c, c00); v128.store(c, c01, 16); v128.store(c, c02, 32); v128.store(c, c03, 48);
  v128.store(r1, c10); v128.store(r1, c11, 16); v128.store(r1, c12, 32); v128.store(r1, c13, 48);
  v128.store(r2, c20); v128.store(r2, c21, 16); v128.store(r2, c22, 32); v128.store(r2, c23, 48);
  v128.store(r3, c30); v128.store(r3, c31, 16); v128.store(r3, c32, 32); v128.store(r3, c33, 48);
  return seen;
}
