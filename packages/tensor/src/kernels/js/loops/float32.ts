// Written by scripts/loops.ts, which says why: edit that. These loops meet Float32Arrays only, and write bools to Uint8Arrays.
import type { ActivationName, BinaryName, UnaryName } from '../../contract.ts';
import { exp, gelu, geluSlope, geluTanh, geluTanhSlope, roundHalfEven, sigmoid, siluSlope } from '../math.ts';
import * as shared from './shared.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

export const unary: Record<UnaryName, UnaryLoop> = {
  ...shared.unary,
  neg: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = -v; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = -v; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  abs: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.abs(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.abs(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  sign: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.sign(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.sign(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  square: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v * v; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v * v; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  sqrt: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.sqrt(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.sqrt(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  rsqrt: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = 1 / Math.sqrt(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = 1 / Math.sqrt(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  reciprocal: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = 1 / v; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = 1 / v; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  exp: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = exp(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = exp(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  sin: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.sin(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.sin(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  cos: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.cos(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.cos(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  sigmoid: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = sigmoid(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = sigmoid(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  relu: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v <= 0 ? 0 : v; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v <= 0 ? 0 : v; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  gelu: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = gelu(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = gelu(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  geluTanh: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = geluTanh(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = geluTanh(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  silu: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v * sigmoid(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v * sigmoid(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  floor: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.floor(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.floor(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  trunc: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.trunc(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.trunc(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  ceil: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = Math.ceil(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.ceil(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  round: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = roundHalfEven(v); } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = roundHalfEven(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  isNaN: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v !== v ? 1 : 0; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v !== v ? 1 : 0; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  isInf: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v === Infinity || v === -Infinity ? 1 : 0; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v === Infinity || v === -Infinity ? 1 : 0; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  isFinite: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v - v === 0 ? 1 : 0; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v - v === 0 ? 1 : 0; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
  logicalNot: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v === 0 ? 1 : 0; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v === 0 ? 1 : 0; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
};

export const binary: Record<BinaryName, BinaryLoop> = {
  ...shared.binary,
  add: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v + w; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v + w; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  sub: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v - w; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v - w; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  mul: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v * w; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v * w; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  div: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v / w; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v / w; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  minimum: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = Math.min(v, w); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = Math.min(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  maximum: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = Math.max(v, w); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = Math.max(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  eq: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v === w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v === w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  ne: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v !== w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v !== w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  lt: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v < w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v < w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  le: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v <= w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v <= w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  gt: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v > w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v > w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  ge: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v >= w ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v >= w ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  logicalAnd: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v !== 0 && w !== 0 ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v !== 0 && w !== 0 ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  logicalOr: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = v !== 0 || w !== 0 ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = v !== 0 || w !== 0 ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  logicalXor: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = (v !== 0) !== (w !== 0) ? 1 : 0; } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = (v !== 0) !== (w !== 0) ? 1 : 0; ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
};

export const activation: Record<ActivationName, BinaryLoop> = {
  gelu: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = w * geluSlope(v); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = w * geluSlope(v); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  geluTanh: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = w * geluTanhSlope(v); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = w * geluTanhSlope(v); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  silu: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = w * siluSlope(v); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = w * siluSlope(v); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  tanh: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = w * (1 - v * v); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = w * (1 - v * v); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
  sigmoid: {
    dense(y, a, b) { for (let j = 0; j < y.length; j++) { const v = a[j]; const w = b[j]; y[j] = w * v * (1 - v); } },
    plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) {
      n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = w * v * (1 - v); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
    },
  },
};

export const moves: { readonly copy: UnaryLoop } = {
  copy: {
    dense(y, x) { for (let j = 0; j < y.length; j++) { const v = x[j]; y[j] = v; } },
    plane(m, n, x, ix, mx, sx, y, iy, my, sy) {
      n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
      for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = v; ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
    },
  },
};
