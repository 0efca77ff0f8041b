import { bytesPerElement } from '../../dtype.ts';
import { contiguousStrides, extent, isContiguous, sizeOf, type Layout } from '../../layout.ts';
import { Storage, type View } from '../../storage.ts';
import { copy } from '../js/convert.ts';
import type { Heap } from './heap.ts';

/** An operand in the heap: where its first value lies, and its strides, in bytes. */
export interface Placed {
  readonly address: number;
  readonly strides: readonly number[];
}

const scaled = (strides: readonly number[], bytes: number): number[] => strides.map((stride) => stride * bytes);

/**
 * Copies a view's values in. Where it shows most of the memory that it spans, all of that is copied at once and the
 * strides stay: kernels read any. Otherwise its values are gathered, those that are shown more than once only once.
 */
export function place(heap: Heap, { storage, layout }: View): Placed {
  const bytes = bytesPerElement(storage.dtype);
  const span = extent(layout);
  if (span === null) return { address: heap.allocate(0), strides: scaled(layout.strides, bytes) };
  const length = span.last - span.first + 1;
  const distinct = layout.shape.map((size, axis) => (layout.strides[axis] === 0 ? 1 : size));
  const size = sizeOf(distinct);
  if (length <= 2 * size) {
    const address = heap.allocate(length * bytes);
    heap.values(storage.dtype).set(storage.data.subarray(span.first, span.last + 1), address / bytes);
    return { address: address + (layout.offset - span.first) * bytes, strides: scaled(layout.strides, bytes) };
  }
  const address = heap.allocate(size * bytes);
  const dense = contiguousStrides(distinct);
  copy({ storage, layout: { ...layout, shape: distinct } }, inHeap(heap, storage, { shape: distinct, strides: dense, offset: address / bytes }));
  return { address, strides: scaled(dense.map((stride, axis) => (distinct[axis] === layout.shape[axis] ? stride : 0)), bytes) };
}

/** Copies a view's values in, densely in row-major order, and gives their address. */
export function placeDense(heap: Heap, { storage, layout }: View): number {
  const bytes = bytesPerElement(storage.dtype);
  const size = sizeOf(layout.shape);
  const address = heap.allocate(size * bytes);
  if (isContiguous(layout)) heap.values(storage.dtype).set(storage.data.subarray(layout.offset, layout.offset + size), address / bytes);
  else copy({ storage, layout }, inHeap(heap, storage, denseAt(layout, address / bytes)));
  return address;
}

/** Where a kernel writes the values of `out`, densely in row-major order; `fetch` brings them home. */
export function placeResult(heap: Heap, { storage, layout }: View): number {
  return heap.allocate(sizeOf(layout.shape) * bytesPerElement(storage.dtype));
}

/** Copies a dense result at `address`, which `placeResult` gave, out into its view. */
export function fetch(heap: Heap, address: number, out: View): void {
  const { storage, layout } = out;
  const bytes = bytesPerElement(storage.dtype);
  const size = sizeOf(layout.shape);
  if (isContiguous(layout)) storage.data.set(heap.values(storage.dtype).subarray(address / bytes, address / bytes + size), layout.offset);
  else copy(inHeap(heap, storage, denseAt(layout, address / bytes)), out);
}

const denseAt = ({ shape }: Layout, offset: number): Layout => ({ shape, strides: contiguousStrides(shape), offset });

function inHeap(heap: Heap, { dtype }: Storage, layout: Layout): View {
  return { storage: new Storage(dtype, heap.values(dtype)), layout };
}
