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

/** Where a storage lies in this heap; null where its values must be copied in. */
function addressIn(heap: Heap, storage: Storage): number | null {
  const at = storage.place;
  return at !== null && at.memory === heap ? at.address : null;
}

/** Whether a view's values lie in this heap already. */
export function isPlaced(heap: Heap, { storage }: View): boolean {
  return addressIn(heap, storage) !== null;
}

/** The address of a dense view that lies in this heap; null where its values must be copied. */
function denseAddress(heap: Heap, { storage, layout }: View): number | null {
  const start = addressIn(heap, storage);
  return start !== null && isContiguous(layout) ? start + layout.offset * bytesPerElement(storage.dtype) : null;
}

/**
 * Where a view's values lie. What is not in the heap is copied in: where a view shows most of the memory that it spans, all of that is copied at once and the
 * strides stay: kernels read any. Otherwise its values are gathered, those that are shown more than once only once.
 */
export function place(heap: Heap, { storage, layout }: View): Placed {
  const bytes = bytesPerElement(storage.dtype);
  const start = addressIn(heap, storage);
  if (start !== null) return { address: start + layout.offset * bytes, strides: scaled(layout.strides, bytes) };
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

/** Where a view's values lie densely in row-major order; they are copied where they do not already. */
export function placeDense(heap: Heap, view: View): number {
  const known = denseAddress(heap, view);
  if (known !== null) return known;
  const { storage, layout } = view;
  const bytes = bytesPerElement(storage.dtype);
  const size = sizeOf(layout.shape);
  const address = heap.allocate(size * bytes);
  if (isContiguous(layout)) heap.values(storage.dtype).set(storage.data.subarray(layout.offset, layout.offset + size), address / bytes);
  else copy({ storage, layout }, inHeap(heap, storage, denseAt(layout, address / bytes)));
  return address;
}

/** Where a kernel writes the values of `out`, densely in row-major order; `fetch` brings them home. */
export function placeResult(heap: Heap, out: View): number {
  return denseAddress(heap, out) ?? heap.allocate(sizeOf(out.layout.shape) * bytesPerElement(out.storage.dtype));
}

/** Where rows [R, C] lie in this heap, and how many bytes one begins after the other; null where they do not, or not value beside value. */
export function rowsInHeap(heap: Heap, { storage, layout: { strides, offset } }: View): { readonly address: number; readonly bytes: number } | null {
  const start = addressIn(heap, storage);
  const bytes = bytesPerElement(storage.dtype);
  return start !== null && strides[1] === 1 ? { address: start + offset * bytes, bytes: strides[0] * bytes } : null;
}

/** Copies a dense result at `address`, which `placeResult` gave, out into its view, where it is not there already. */
export function fetch(heap: Heap, address: number, out: View): void {
  if (denseAddress(heap, out) === address) return;
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
