import { Tensor } from '@strided/tensor';
import type { DType } from '@strided/tensor';
import type { Heap } from '../../packages/tensor/src/kernels/wasm/heap.ts';
import { Storage, type View } from '../../packages/tensor/src/storage.ts';

/** The same view on a copy of its storage that lies in the heap, until the scratch memory at hand is taken back. */
export function placedIn<D extends DType>(heap: Heap, { storage, layout }: View<D>): Tensor<D> {
  const copy = new Storage(storage.dtype, null, storage.length);
  copy.settle({ memory: heap, address: heap.allocate(storage.byteLength) }, null);
  copy.data.set(storage.data as never);
  return new Tensor<D>({ storage: copy, layout });
}
