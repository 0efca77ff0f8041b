import { madd } from '../simd';

/**
 * What the processor can do at most: 12 independent chains of multiply-adds on operands from memory. For benchmarks,
 * in no published module.
 */

/** `steps` times 12 × 4 multiply-adds. */
export function narrow(p: usize, steps: i32): void {
  const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32);
  let s0 = a, s1 = b, s2 = c, s3 = a, s4 = b, s5 = c, s6 = a, s7 = b, s8 = c, s9 = a, s10 = b, s11 = c;
  for (let i = 0; i < steps; i++) {
    s0 = madd(a, b, s0); s1 = madd(a, c, s1); s2 = madd(b, c, s2); s3 = madd(a, a, s3); s4 = madd(b, b, s4); s5 = madd(c, c, s5);
    s6 = madd(a, b, s6); s7 = madd(a, c, s7); s8 = madd(b, c, s8); s9 = madd(a, a, s9); s10 = madd(b, b, s10); s11 = madd(c, c, s11);
  }
  v128.store(p, s0, 64); v128.store(p, s1, 96); v128.store(p, s2, 128); v128.store(p, s3, 160); v128.store(p, s4, 192); v128.store(p, s5, 224);
  v128.store(p, s6, 256); v128.store(p, s7, 288); v128.store(p, s8, 320); v128.store(p, s9, 352); v128.store(p, s10, 384); v128.store(p, s11, 416);
}

/** `steps` times 12 × 8 multiply-adds, in pairs that V8 packs into 256 bits. */
export function wide(p: usize, steps: i32): void {
  const a = v128.load(p), A = v128.load(p, 16), b = v128.load(p, 32), B = v128.load(p, 48);
  let s0 = a, S0 = A, s1 = b, S1 = B, s2 = a, S2 = A, s3 = b, S3 = B, s4 = a, S4 = A, s5 = b, S5 = B;
  let s6 = a, S6 = A, s7 = b, S7 = B, s8 = a, S8 = A, s9 = b, S9 = B, s10 = a, S10 = A, s11 = b, S11 = B;
  for (let i = 0; i < steps; i++) {
    s0 = madd(a, b, s0); S0 = madd(A, B, S0); s1 = madd(a, a, s1); S1 = madd(A, A, S1); s2 = madd(b, b, s2); S2 = madd(B, B, S2);
    s3 = madd(a, b, s3); S3 = madd(A, B, S3); s4 = madd(a, a, s4); S4 = madd(A, A, S4); s5 = madd(b, b, s5); S5 = madd(B, B, S5);
    s6 = madd(a, b, s6); S6 = madd(A, B, S6); s7 = madd(a, a, s7); S7 = madd(A, A, S7); s8 = madd(b, b, s8); S8 = madd(B, B, S8);
    s9 = madd(a, b, s9); S9 = madd(A, B, S9); s10 = madd(a, a, s10); S10 = madd(A, A, S10); s11 = madd(b, b, s11); S11 = madd(B, B, S11);
  }
  v128.store(p, s0, 64); v128.store(p, S0, 80); v128.store(p, s1, 96); v128.store(p, S1, 112); v128.store(p, s2, 128); v128.store(p, S2, 144);
  v128.store(p, s3, 160); v128.store(p, S3, 176); v128.store(p, s4, 192); v128.store(p, S4, 208); v128.store(p, s5, 224); v128.store(p, S5, 240);
  v128.store(p, s6, 256); v128.store(p, S6, 272); v128.store(p, s7, 288); v128.store(p, S7, 304); v128.store(p, s8, 320); v128.store(p, S8, 336);
  v128.store(p, s9, 352); v128.store(p, S9, 368); v128.store(p, s10, 384); v128.store(p, S10, 400); v128.store(p, s11, 416); v128.store(p, S11, 432);
}
