import { contiguousStrides, extent, isContiguous, sizeOf, type Layout } from '../../layout.ts';
import { Storage, type View } from '../../storage.ts';
import { copy } from '../js/convert.ts';
import type { Heap } from './heap.ts';

/** A float32 operand in the heap: where its first value lies, and its strides, in bytes. */
export interface Placed {
  readonly address: number;
  readonly strides: readonly number[];
}

const scaled = (strides: readonly number[]): number[] => strides.map((stride) => stride * 4);

/**
 * Copies a view's values in. Where it shows most of the memory that it spans, all of that is copied at once and the
 * strides stay: kernels read any. Otherwise its values are gathered, those that are shown more than once only once.
 */
export function place(heap: Heap, { storage, layout }: View): Placed {
  const span = extent(layout);
  if (span === null) return { address: heap.allocate(0), strides: scaled(layout.strides) };
  const length = span.last - span.first + 1;
  const distinct = layout.shape.map((size, axis) => (layout.strides[axis] === 0 ? 1 : size));
  const size = sizeOf(distinct);
  if (length <= 2 * size) {
    const address = heap.allocate(length * 4);
    heap.f32.set((storage.data as Float32Array).subarray(span.first, span.last + 1), address / 4);
    return { address: address + (layout.offset - span.first) * 4, strides: scaled(layout.strides) };
  }
  const address = heap.allocate(size * 4);
  const dense = contiguousStrides(distinct);
  copy({ storage, layout: { ...layout, shape: distinct } }, inHeap(heap, { shape: distinct, strides: dense, offset: address / 4 }));
  return { address, strides: scaled(dense.map((stride, axis) => (distinct[axis] === layout.shape[axis] ? stride : 0))) };
}

/** Copies a view's values in, densely in row-major order, and gives their address. */
export function placeDense(heap: Heap, { storage, layout }: View): number {
  const size = sizeOf(layout.shape);
  const address = heap.allocate(size * 4);
  if (isContiguous(layout)) heap.f32.set((storage.data as Float32Array).subarray(layout.offset, layout.offset + size), address / 4);
  else copy({ storage, layout }, inHeap(heap, { shape: layout.shape, strides: contiguousStrides(layout.shape), offset: address / 4 }));
  return address;
}

/** Copies a dense result at `address` out into a view. */
export function fetch(heap: Heap, address: number, out: View): void {
  const { shape, offset } = out.layout;
  const size = sizeOf(shape);
  if (isContiguous(out.layout)) (out.storage.data as Float32Array).set(heap.f32.subarray(address / 4, address / 4 + size), offset);
  else copy(inHeap(heap, { shape, strides: contiguousStrides(shape), offset: address / 4 }), out);
}

function inHeap(heap: Heap, layout: Layout): View {
  return { storage: new Storage('float32', heap.f32), layout };
}
