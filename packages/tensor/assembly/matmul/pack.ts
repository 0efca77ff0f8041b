/**
 * Writes a panel of `width` lanes: target[k·width + l] = source[l·laneStride + k·kStride] for l < lanes, and 0 for the
 * lanes beyond. Strides count bytes and may be zero or negative; lanes are rows of A or columns of B.
 */
export function packPanel(source: usize, laneStride: isize, kStride: isize, lanes: i32, K: i32, target: usize, width: i32): void {
  const step = <usize>width << 2;
  let lane = 0;
  if (laneStride == 4) {
    for (; lane + 8 <= lanes; lane += 8) copyEight(source + (lane << 2), kStride, K, target + (lane << 2), step);
    for (; lane + 4 <= lanes; lane += 4) copyLanes(source + (lane << 2), kStride, K, target + (lane << 2), step);
  } else if (kStride == 4) {
    for (; lane + 4 <= lanes; lane += 4) transposeLanes(source + lane * laneStride, laneStride, K, target + (lane << 2), step);
  }
  for (; lane < lanes; lane++) {
    let from = source + lane * laneStride;
    let to = target + (lane << 2);
    for (let k = 0; k < K; k++, from += kStride, to += step) store<f32>(to, load<f32>(from));
  }
  for (; lane < width; lane++) {
    let to = target + (lane << 2);
    for (let k = 0; k < K; k++, to += step) store<f32>(to, 0);
  }
}

/** Eight lanes that lie side by side. */
function copyEight(from: usize, kStride: isize, K: i32, to: usize, step: usize): void {
  for (let k = 0; k < K; k++, from += kStride, to += step) {
    const low = v128.load(from), high = v128.load(from, 16);
    v128.store(to, low);
    v128.store(to, high, 16);
  }
}

/** Four lanes that lie side by side. */
function copyLanes(from: usize, kStride: isize, K: i32, to: usize, step: usize): void {
  for (let k = 0; k < K; k++, from += kStride, to += step) v128.store(to, v128.load(from));
}

/** Four lanes, each dense along k: squares of 4×4 values are turned in registers. */
function transposeLanes(r0: usize, laneStride: isize, K: i32, to: usize, step: usize): void {
  let r1 = r0 + laneStride, r2 = r1 + laneStride, r3 = r2 + laneStride;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const x0 = v128.load(r0), x1 = v128.load(r1), x2 = v128.load(r2), x3 = v128.load(r3);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)); to += step;
    v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)); to += step;
    v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)); to += step;
    v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)); to += step;
    r0 += 16; r1 += 16; r2 += 16; r3 += 16;
  }
  for (; k < K; k++) {
    store<f32>(to, load<f32>(r0)); store<f32>(to, load<f32>(r1), 4); store<f32>(to, load<f32>(r2), 8); store<f32>(to, load<f32>(r3), 12);
    to += step; r0 += 4; r1 += 4; r2 += 4; r3 += 4;
  }
}
