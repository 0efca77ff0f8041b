import { TILE_ROWS } from './tile';

/** Steps of k that are copied together where lanes lie side by side: as many lines as a processor waits for at once. */
const STEPS: i32 = 16;

/**
 * Writes `lanes` lanes, rows of A or columns of B, in panels of `width` that lie `panelBytes` apart: the value k of lane l
 * of a panel goes to k·width + l. Strides count bytes and may be zero or negative. Places beyond the last lane are 0.
 */
export function packPanels(source: usize, laneStride: isize, kStride: isize, lanes: i32, K: i32, target: usize, width: i32, panelBytes: usize): void {
  const whole = lanes / width * width;
  if (laneStride == 4) {
    // A cache line that reaches into several panels is read once, however far apart lines lie.
    for (let k = 0; k < K; k += STEPS) {
      const steps = min<i32>(STEPS, K - k);
      let from = source + k * kStride, to = target + ((k * width) << 2);
      for (let lane = 0; lane < whole; lane += width, from += width << 2, to += panelBytes) copyLanes(from, kStride, steps, to, width);
    }
    target += whole / width * panelBytes;
  } else {
    for (let lane = 0; lane < whole; lane += width, target += panelBytes) packPanel(source + lane * laneStride, laneStride, kStride, width, K, target, width);
  }
  if (whole < lanes) packPanel(source + whole * laneStride, laneStride, kStride, lanes - whole, K, target, width);
}

/** One panel: target[k·width + l] = source[l·laneStride + k·kStride] for l < lanes, and 0 for the lanes beyond. */
export function packPanel(source: usize, laneStride: isize, kStride: isize, lanes: i32, K: i32, target: usize, width: i32): void {
  const step = <usize>width << 2;
  let lane = 0;
  if (lanes < width) memory.fill(target, 0, K * step);
  if (kStride == 4) {
    if (lanes == TILE_ROWS && width == TILE_ROWS) {
      transposeTall(source, laneStride, K, target);
      return;
    }
    for (; lane + 4 <= lanes; lane += 4) transposeLanes(source + lane * laneStride, laneStride, K, target + (lane << 2), step);
  } else if (laneStride == 4) {
    if (lanes == width) {
      copyLanes(source, kStride, K, target, width);
      return;
    }
    for (; lane + 4 <= lanes; lane += 4) copyFour(source + (lane << 2), kStride, K, target + (lane << 2), step);
  }
  for (; lane < lanes; lane++) {
    let from = source + lane * laneStride;
    let to = target + (lane << 2);
    for (let k = 0; k < K; k++, from += kStride, to += step) store<f32>(to, load<f32>(from));
  }
}

function copyFour(from: usize, kStride: isize, K: i32, to: usize, step: usize): void {
  for (; K > 0; K--, from += kStride, to += step) v128.store(to, v128.load(from));
}

/** A panel of lanes that lie side by side. */
// @ts-ignore: decorator
@inline
function copyLanes(from: usize, kStride: isize, K: i32, to: usize, width: i32): void {
  const step = <usize>width << 2;
  if (width == 16) {
    for (; K > 0; K--, from += kStride, to += 64) {
      const x0 = v128.load(from), x1 = v128.load(from, 16), x2 = v128.load(from, 32), x3 = v128.load(from, 48);
      v128.store(to, x0);
      v128.store(to, x1, 16);
      v128.store(to, x2, 32);
      v128.store(to, x3, 48);
    }
  } else if (width == 8) {
    for (; K > 0; K--, from += kStride, to += 32) {
      const low = v128.load(from), high = v128.load(from, 16);
      v128.store(to, low);
      v128.store(to, high, 16);
    }
  } else {
    // Four to six: the last four overlap the first.
    const last = step - 16;
    for (; K > 0; K--, from += kStride, to += step) {
      const low = v128.load(from), high = v128.load(from + last);
      v128.store(to, low);
      v128.store(to + last, high);
    }
  }
}

/** A square of 4×4 values turned: its columns go to `to` and on in steps. Returns where the next would go. */
// @ts-ignore: decorator
@inline
function storeTurned(x0: v128, x1: v128, x2: v128, x3: v128, to: usize, step: usize): usize {
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)); to += step;
  v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)); to += step;
  v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)); to += step;
  v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)); to += step;
  return to;
}

/** Four lanes, each dense along k: squares of 4×4 values are turned in registers. */
function transposeLanes(r0: usize, laneStride: isize, K: i32, to: usize, step: usize): void {
  let r1 = r0 + laneStride, r2 = r1 + laneStride, r3 = r2 + laneStride;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const x0 = v128.load(r0), x1 = v128.load(r1), x2 = v128.load(r2), x3 = v128.load(r3);
    to = storeTurned(x0, x1, x2, x3, to, step);
    r0 += 16; r1 += 16; r2 += 16; r3 += 16;
  }
  for (; k < K; k++) {
    store<f32>(to, load<f32>(r0)); store<f32>(to, load<f32>(r1), 4); store<f32>(to, load<f32>(r2), 8); store<f32>(to, load<f32>(r3), 12);
    to += step; r0 += 4; r1 += 4; r2 += 4; r3 += 4;
  }
}

/** The rows of a tall tile, each dense along k: in one pass, in which all of their lines are on the way together. */
function transposeTall(r0: usize, laneStride: isize, K: i32, to: usize): void {
  const step: usize = TILE_ROWS * 4;
  let r1 = r0 + laneStride, r2 = r1 + laneStride, r3 = r2 + laneStride, r4 = r3 + laneStride, r5 = TILE_ROWS == 6 ? r4 + laneStride : r4;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const x0 = v128.load(r0), x1 = v128.load(r1), x2 = v128.load(r2), x3 = v128.load(r3), x4 = v128.load(r4);
    storeTurned(x0, x1, x2, x3, to, step);
    if (TILE_ROWS == 6) {
      const x5 = v128.load(r5);
      const low45 = v128.shuffle<f32>(x4, x5, 0, 4, 1, 5), high45 = v128.shuffle<f32>(x4, x5, 2, 6, 3, 7);
      v128.store64_lane(to, low45, 0, 16);
      v128.store64_lane(to, low45, 1, 16 + step);
      v128.store64_lane(to, high45, 0, 16 + 2 * step);
      v128.store64_lane(to, high45, 1, 16 + 3 * step);
      r5 += 16;
    } else {
      v128.store32_lane(to, x4, 0, 16);
      v128.store32_lane(to, x4, 1, 16 + step);
      v128.store32_lane(to, x4, 2, 16 + 2 * step);
      v128.store32_lane(to, x4, 3, 16 + 3 * step);
    }
    r0 += 16; r1 += 16; r2 += 16; r3 += 16; r4 += 16; to += 4 * step;
  }
  for (; k < K; k++) {
    store<f32>(to, load<f32>(r0)); store<f32>(to, load<f32>(r1), 4); store<f32>(to, load<f32>(r2), 8); store<f32>(to, load<f32>(r3), 12); store<f32>(to, load<f32>(r4), 16);
    if (TILE_ROWS == 6) { store<f32>(to, load<f32>(r5), 20); r5 += 4; }
    to += step; r0 += 4; r1 += 4; r2 += 4; r3 += 4; r4 += 4;
  }
}
