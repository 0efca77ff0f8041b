import type { TypedArray } from '../../../dtype.ts';
import { isContiguous, sizeOf, type Layout } from '../../../layout.ts';
import type { View } from '../../../storage.ts';
import { forEachTile, nest } from '../iterate.ts';
import type { BinaryLoop, UnaryLoop } from './types.ts';

/** Rows from this length on are dense typed arrays of their own, which cost 0.1 µs to make, to the loop. */
const denseLength = 192;

/** The loops count places in 32 bits. */
const maxPlaces = 2 ** 31 - 1;

/** Whether the loops can walk a view. */
export function withinReach({ storage: { data } }: View): boolean {
  return data.length <= maxPlaces;
}

/** 1 for values that lie densely in row-major order, 0 for one value repeated, -1 for anything else. */
function stepOf(layout: Layout): number {
  if (isContiguous(layout)) return 1;
  for (let i = 0; i < layout.strides.length; i++) if (layout.strides[i] !== 0) return -1;
  return 0;
}

/** A value that is repeated along rows is written out this often: its place stays in the first-level cache. */
const repeatLength = 4096;
const repeats = { float32: new Float32Array(repeatLength), float64: new Float64Array(repeatLength) };

/** `length` times the value at a place; integers, which only accumulate, are float64 here. */
function repeat(data: TypedArray, at: number, length: number): TypedArray {
  const values = data instanceof Float32Array ? repeats.float32 : repeats.float64;
  return values.fill(data[at], 0, length);
}

/** `count` values from a place on; a repeated one stands at any place, and the loop ends with its output. */
function row(data: TypedArray, step: number, at: number, count: number): TypedArray {
  return step === 0 ? data : data.subarray(at, at + count);
}

/** out = f(x). */
export function runUnary({ dense, plane }: UnaryLoop, x: View, out: View): void {
  const [source, target] = [x.storage.data, out.storage.data];
  const { shape, offset } = out.layout;
  const size = sizeOf(shape);
  // Most tensors are small and dense: a nest would cost more than their values.
  if (size < denseLength && stepOf(out.layout) === 1 && stepOf(x.layout) >= 0) {
    plane(1, size, source, x.layout.offset, 0, stepOf(x.layout), target, offset, 0, 1);
    return;
  }
  const planes = nest(shape, [out.layout, x.layout]);
  if (planes === null) return;
  forEachTile(planes, (m, n, [my, mx], [sy, sx], [iy, ix]) => {
    if (sy !== 1 || sx !== 1 || n < denseLength) {
      plane(m, n, source, ix, mx, sx, target, iy, my, sy);
      return;
    }
    for (let i = 0; i < m; i++) dense(target.subarray(iy + i * my, iy + i * my + n), source.subarray(ix + i * mx, ix + i * mx + n));
  });
}

/** out = f(a, b). */
export function runBinary({ dense, plane }: BinaryLoop, a: View, b: View, out: View): void {
  const [x, y, target] = [a.storage.data, b.storage.data, out.storage.data];
  const { shape, offset } = out.layout;
  const size = sizeOf(shape);
  if (size < denseLength && stepOf(out.layout) === 1 && stepOf(a.layout) >= 0 && stepOf(b.layout) >= 0) {
    plane(1, size, x, a.layout.offset, 0, stepOf(a.layout), y, b.layout.offset, 0, stepOf(b.layout), target, offset, 0, 1);
    return;
  }
  const planes = nest(shape, [out.layout, a.layout, b.layout]);
  if (planes === null) return;
  forEachTile(planes, (m, n, [mo, ma, mb], [so, sa, sb], [io, ia, ib]) => {
    const inRows = so === 1 && ((sa === 1 && sb === 1) || (sa === 1 && sb === 0) || (sa === 0 && sb === 1));
    if (!inRows || n < denseLength) {
      plane(m, n, x, ia, ma, sa, y, ib, mb, sb, target, io, mo, so);
      return;
    }
    const length = sa === sb ? n : Math.min(n, repeatLength);
    for (let i = 0; i < m; i++) {
      const [left, right] = [sa === 0 ? repeat(x, ia + i * ma, length) : x, sb === 0 ? repeat(y, ib + i * mb, length) : y];
      for (let done = 0; done < n; done += length) {
        const count = Math.min(length, n - done);
        const at = io + i * mo + done;
        dense(target.subarray(at, at + count), row(left, sa, ia + i * ma + done, count), row(right, sb, ib + i * mb + done, count));
      }
    }
  });
}
