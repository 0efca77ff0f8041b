import type { TypedArray } from '../../dtype.ts';
import type { Layout } from '../../layout.ts';
import type { View } from '../../storage.ts';
import { forEachPlane, nest, type Nest } from './iterate.ts';

/**
 * All of these pair each value of a dense operand ("rows") with the value of a table whose place on one axis an index
 * says: table[… index[i…] …] beside rows[i…]. With the table's stride on that axis set to 0 the three walk together in
 * one nest, and the index adds its own step: at = table's offset + id·step.
 */
function pair(table: View, rows: View, axis: number, index: Layout): Nest | null {
  const { shape } = rows.layout;
  const still: Layout = { shape, strides: table.layout.strides.map((stride, i) => (i === axis ? 0 : stride)), offset: table.layout.offset };
  return nest(shape, [rows.layout, still, index]);
}

/** An index of one axis as one of every axis: the same along all others. */
function along(index: View, axis: number, shape: readonly number[]): View {
  const { strides: [step], offset } = index.layout;
  return { storage: index.storage, layout: { shape, strides: shape.map((_, i) => (i === axis ? step : 0)), offset } };
}

/**
 * The same memory as another kind of array: values that are only moved, or added modulo 256, need not be known for what
 * they are, and a loop that has met more than four kinds of typed array runs ten times slower in V8 from then on.
 */
function asBytes(data: TypedArray): TypedArray {
  return data instanceof Int8Array ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data;
}
function asBits(data: TypedArray): TypedArray {
  return data instanceof Float32Array ? new Int32Array(data.buffer, data.byteOffset, data.length) : asBytes(data);
}

export function gather(x: View, axis: number, index: View, out: View): void {
  const loops = pair(x, out, axis, index.layout);
  if (loops === null) return;
  const [source, ids, target] = [asBits(x.storage.data), index.storage.data, asBits(out.storage.data)];
  const step = x.layout.strides[axis];
  forEachPlane(loops, (m, n, [mo, mx, mi], [so, sx, si], [io, ix, ii]) => {
    // Rows that lie densely and share an index are copied whole.
    const whole = si === 0 && so === 1 && sx === 1 && n >= 16;
    for (; m > 0; m--, io += mo, ix += mx, ii += mi) {
      if (whole) {
        const from = ix + ids[ii] * step;
        target.set(source.subarray(from, from + n), io);
      } else for (let j = 0, o = io, from = ix, i = ii; j < n; j++, o += so, from += sx, i += si) target[o] = source[from + ids[i] * step];
    }
  });
}

export function scatter(mode: 'set' | 'add', x: View, axis: number, index: View, out: View): void {
  // Values meet only along the axis, which every nest walks forwards: the last in row-major order wins.
  const loops = pair(out, x, axis, index.layout);
  if (loops === null) return;
  const ids = index.storage.data;
  const step = out.layout.strides[axis];
  if (mode === 'set') {
    const [source, target] = [asBits(x.storage.data), asBits(out.storage.data)];
    forEachPlane(loops, (m, n, [mx, mo, mi], [sx, so, si], [ix, io, ii]) => {
      for (; m > 0; m--, ix += mx, io += mo, ii += mi) {
        for (let j = 0, from = ix, o = io, i = ii; j < n; j++, from += sx, o += so, i += si) target[o + ids[i] * step] = source[from];
      }
    });
    return;
  }
  const [source, target] = [asBytes(x.storage.data), asBytes(out.storage.data)];
  forEachPlane(loops, (m, n, [mx, mo, mi], [sx, so, si], [ix, io, ii]) => {
    for (; m > 0; m--, ix += mx, io += mo, ii += mi) {
      if (si === 0) for (let j = 0, from = ix, o = io + ids[ii] * step; j < n; j++, from += sx, o += so) target[o] += source[from];
      else for (let j = 0, from = ix, o = io, i = ii; j < n; j++, from += sx, o += so, i += si) target[o + ids[i] * step] += source[from];
    }
  });
}

export function indexSelect(x: View, axis: number, index: View, out: View): void {
  gather(x, axis, along(index, axis, out.layout.shape), out);
}

export function indexAdd(x: View, axis: number, index: View, out: View): void {
  scatter('add', x, axis, along(index, axis, x.layout.shape), out);
}
