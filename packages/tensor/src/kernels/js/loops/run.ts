import type { TypedArray } from '../../../dtype.ts';
import { forEachTile, type Nest } from '../iterate.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

/** Rows from this length on are dense typed arrays of their own, which cost 0.1 µs to make, to the loop. */
const denseLength = 192;

/** The loops count places in 32 bits. */
const maxPlaces = 2 ** 31 - 1;

/** Whether the loops can walk an array of this length. */
export function withinReach({ length }: TypedArray): boolean {
  return length <= maxPlaces;
}

/** y = f(x), over a nest of y and x. */
export function runUnary({ dense, plane }: UnaryLoop, planes: Nest, x: TypedArray, y: TypedArray): void {
  forEachTile(planes, (m, n, [my, mx], [sy, sx], [iy, ix]) => {
    if (sy !== 1 || sx !== 1 || n < denseLength) {
      plane(m, n, x, ix, mx, sx, y, iy, my, sy);
      return;
    }
    for (let i = 0; i < m; i++) dense(y.subarray(iy + i * my, iy + i * my + n), x.subarray(ix + i * mx, ix + i * mx + n));
  });
}

/** y = f(a, b), over a nest of y, a and b. */
export function runBinary({ dense, plane }: BinaryLoop, planes: Nest, a: TypedArray, b: TypedArray, y: TypedArray): void {
  forEachTile(planes, (m, n, [my, ma, mb], [sy, sa, sb], [iy, ia, ib]) => {
    if (sy !== 1 || sa !== 1 || sb !== 1 || n < denseLength) {
      plane(m, n, a, ia, ma, sa, b, ib, mb, sb, y, iy, my, sy);
      return;
    }
    for (let i = 0; i < m; i++) {
      dense(y.subarray(iy + i * my, iy + i * my + n), a.subarray(ia + i * ma, ia + i * ma + n), b.subarray(ib + i * mb, ib + i * mb + n));
    }
  });
}
