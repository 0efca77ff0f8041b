import { madd } from './simd';

/**
 * What 128-bit registers can do at most: 12 independent chains of multiply-adds, operands from memory. The sums are
 * stored 32 bytes apart, so that V8 finds no pairs to pack. `steps` times 12 × 4 multiply-adds over p[0..255].
 */
export function probe(p: usize, steps: i32): void {
  const a = v128.load(p), b = v128.load(p, 32);
  let c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
  for (let i = 0; i < steps; i++) {
    c0 = madd(a, b, c0); c1 = madd(b, a, c1); c2 = madd(a, a, c2); c3 = madd(b, b, c3);
    c4 = madd(a, b, c4); c5 = madd(b, a, c5); c6 = madd(a, a, c6); c7 = madd(b, b, c7);
    c8 = madd(a, b, c8); c9 = madd(b, a, c9); c10 = madd(a, a, c10); c11 = madd(b, b, c11);
  }
  v128.store(p, c0); v128.store(p, c1, 32); v128.store(p, c2, 64); v128.store(p, c3, 96);
  v128.store(p, c4, 128); v128.store(p, c5, 160); v128.store(p, c6, 192); v128.store(p, c7, 224);
  v128.store(p, c8, 256); v128.store(p, c9, 288); v128.store(p, c10, 320); v128.store(p, c11, 352);
}
