import { arrayOn, type DType, type TypedArray } from '../../dtype.ts';
import type { Heap } from '../../kernels/wasm/heap.ts';
import { tryReserve } from '../../kernels/wasm/loans.ts';
import type { Block } from '../../kernels/wasm/regions.ts';

/**
 * Room for what is read but not yet at its place, used again for every piece. It lies in the kernels' memory where that is
 * shared; other memory is detached when it grows, also while a file is being read to it.
 */
export class Staging {
  readonly #heap: Heap | null;
  readonly #size: number;
  #block: Block | null = null;
  #buffer: ArrayBuffer | null = null;

  /** Of `size` bytes, which are taken with the first use. */
  constructor(heap: Heap | null, size: number) {
    this.#heap = heap !== null && !(heap.buffer instanceof ArrayBuffer) ? heap : null;
    this.#size = size;
  }

  /** Where it lies in the kernels' memory; 0 where it does not. */
  get address(): number {
    return this.#block?.address ?? 0;
  }

  /** The first `count` values of a dtype. */
  values<D extends DType>(dtype: D, count: number): TypedArray {
    if (this.#block === null && this.#buffer === null) {
      this.#block = this.#heap === null ? null : tryReserve(this.#heap, this.#size);
      if (this.#block === null) this.#buffer = new ArrayBuffer(this.#size);
    }
    return arrayOn(dtype, this.#buffer ?? (this.#heap as Heap).buffer, this.address, count);
  }

  drop(): void {
    if (this.#block !== null) this.#heap?.free(this.#block);
    this.#block = null;
    this.#buffer = null;
  }
}
