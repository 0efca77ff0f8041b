// Written by scripts/loops.ts, which says why: edit that. These loops meet Float32Arrays and Float64Arrays.
import type { BinaryName, UnaryName } from '../../contract.ts';
import { erf, floorDivide, pow, remainder, softplus } from '../math.ts';
import { binaryByPlanes, unaryByPlanes } from './byPlanes.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

export const unary = {
  expm1: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.expm1(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  log: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.log(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  log2: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.log2(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  log10: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.log10(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  log1p: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.log1p(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  tan: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.tan(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  asin: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.asin(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  acos: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.acos(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  atan: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.atan(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  tanh: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = Math.tanh(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  erf: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = erf(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
  softplus: unaryByPlanes((m, n, x, ix, mx, sx, y, iy, my, sy) => {
    n |= 0; ix |= 0; sx |= 0; iy |= 0; sy |= 0; const dx = (mx - n * sx) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = x[ix]; y[iy] = softplus(v); ix = (ix + sx) | 0; iy = (iy + sy) | 0; } ix = (ix + dx) | 0; iy = (iy + dy) | 0; }
  }),
} satisfies Partial<Record<UnaryName, UnaryLoop>>;

export const binary = {
  pow: binaryByPlanes((m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) => {
    n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = pow(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
  }),
  mod: binaryByPlanes((m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) => {
    n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = remainder(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
  }),
  floorDivide: binaryByPlanes((m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) => {
    n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = floorDivide(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
  }),
  atan2: binaryByPlanes((m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy) => {
    n |= 0; ia |= 0; sa |= 0; ib |= 0; sb |= 0; iy |= 0; sy |= 0; const da = (ma - n * sa) | 0, db = (mb - n * sb) | 0, dy = (my - n * sy) | 0;
    for (let i = m | 0; i > 0; i--) { for (let j = n; j > 0; j--) { const v = a[ia]; const w = b[ib]; y[iy] = Math.atan2(v, w); ia = (ia + sa) | 0; ib = (ib + sb) | 0; iy = (iy + sy) | 0; } ia = (ia + da) | 0; ib = (ib + db) | 0; iy = (iy + dy) | 0; }
  }),
} satisfies Partial<Record<BinaryName, BinaryLoop>>;
