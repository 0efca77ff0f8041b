import { tile, TILE_ROWS } from '../matmul/tile';
import { STEP } from './workspace';

/** Values that one chain of multiply-adds takes, as in matmul/product.ts. */
const BLOCK_K: i32 = 256;

/** to [rows, TILE_COLUMNS] = the first K columns of left [rows, depth], in panels, · the panel right [K, TILE_COLUMNS]. */
export function multiplyPanel(left: usize, rows: i32, depth: i32, right: usize, K: i32, to: usize): void {
  let k = 0;
  do {
    const step = min<i32>(BLOCK_K, K - k);
    for (let row = 0; row < rows; row += TILE_ROWS) {
      const sums = to + row * STEP;
      tile(left + (<usize>row * depth + k * TILE_ROWS) * 4, right + k * STEP, sums, STEP, step, k == 0 ? 0 : sums, STEP);
    }
    k += BLOCK_K;
  } while (k < K);
}

/** to [lanes, columns], rows `step` apart, = from [columns, TILE_COLUMNS] turned, each lane times its factor. */
export function turn(from: usize, columns: i32, lanes: i32, factors: usize, to: usize, step: isize): void {
  for (let lane = 0; lane < lanes; lane += 4, factors += 16) {
    const factor = v128.load(factors);
    const r0 = to + lane * step, r1 = r0 + step, r2 = r1 + step, r3 = r2 + step;
    const left = lanes - lane;
    let source = from + (lane << 2);
    let offset: usize = 0;
    for (const end = <usize>(columns & ~3) << 2; offset < end; offset += 16, source += 4 * STEP) {
      const x0 = f32x4.mul(v128.load(source), factor), x1 = f32x4.mul(v128.load(source, STEP), factor);
      const x2 = f32x4.mul(v128.load(source, 2 * STEP), factor), x3 = f32x4.mul(v128.load(source, 3 * STEP), factor);
      const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      v128.store(r0 + offset, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      if (left > 1) v128.store(r1 + offset, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
      if (left > 2) v128.store(r2 + offset, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
      if (left > 3) v128.store(r3 + offset, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
    }
    for (const end = <usize>columns << 2; offset < end; offset += 4, source += STEP) {
      let value = source, target = r0 + offset;
      for (let l = 0; l < min<i32>(4, left); l++, value += 4, target += step) store<f32>(target, load<f32>(value) * load<f32>(factors + (l << 2)));
    }
  }
}
