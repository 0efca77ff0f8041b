import { arrayOn, bytesPerElement, newArray, type DType, type TypedArray } from './dtype.ts';
import { isContiguous, sizeOf } from './layout.ts';
import { tryReserve } from './kernels/wasm/loans.ts';
import { panelsFor, type Panels } from './kernels/wasm/panels.ts';
import type { Block } from './kernels/wasm/regions.ts';
import type { Runtime } from './kernels/wasm/runtime.ts';
import type { Holding } from './persist.ts';
import type { Storage, View } from './storage.ts';

/** New values of a storage on their way in: written piece by piece where they are to stay, and taken all at once. */
export interface Incoming {
  /** Pieces begin at multiples of so many values. */
  readonly unit: number;
  /** Where `count` values from `from` on may be written at any time until they are taken; null: hand them to `write`. */
  room(from: number, count: number): TypedArray | null;
  /** Copies values in; `address`: where they lie in the kernels' memory, or 0. */
  write(from: number, values: TypedArray, address: number): void;
  /** From now on they are the storage's values; copied, where its array was shared with the outside meanwhile. */
  take(op: string): void;
  /** Gives back what they were written to: they are not to be taken. */
  drop(): void;
}

/** A weight's rows, packed for products as they come: as nothing else are they kept. */
class IncomingPanels implements Incoming {
  readonly unit: number;
  readonly #panels: Panels;

  constructor(panels: Panels) {
    this.#panels = panels;
    this.unit = panels.width * panels.K;
  }

  room(): null {
    return null;
  }

  write(from: number, values: TypedArray, address: number): void {
    const { K, runtime: { heap } } = this.#panels;
    const pack = (at: number): void => this.#panels.pack({ address: at, strides: [K * 4, 4] }, from / K, values.length / K);
    if (address !== 0) pack(address);
    else {
      heap.scratch(() => {
        const at = heap.allocate(values.byteLength);
        heap.f32.set(values, at / 4);
        pack(at);
      });
    }
  }

  take(op: string): void {
    const { storage } = this.#panels;
    storage.touch(op);
    if (storage.pinned) {
      this.#panels.read(storage.data);
      this.drop();
      return;
    }
    this.#panels.serve();
    storage.fold(this.#panels);
  }

  drop(): void {
    this.#panels.release();
  }
}

/** Values in a block of the kernels' memory. */
class IncomingBlock implements Incoming {
  readonly unit = 1;
  readonly #storage: Storage;
  readonly #runtime: Runtime;
  readonly #block: Block;
  readonly #holding: Holding;

  constructor(storage: Storage, runtime: Runtime, block: Block, holding: Holding) {
    this.#storage = storage;
    this.#runtime = runtime;
    this.#block = block;
    this.#holding = holding;
  }

  #values(from: number, count: number): TypedArray {
    const { dtype } = this.#storage;
    return arrayOn(dtype, this.#runtime.heap.buffer, this.#block.address + from * bytesPerElement(dtype), count);
  }

  /** Memory that is not shared is detached when it grows, and may move then. */
  room(from: number, count: number): TypedArray | null {
    return this.#runtime.heap.buffer instanceof ArrayBuffer ? null : this.#values(from, count);
  }

  write(from: number, values: TypedArray): void {
    this.#values(from, values.length).set(values);
  }

  take(op: string): void {
    this.#storage.touch(op);
    if (this.#storage.pinned) {
      this.#storage.data.set(this.#values(0, this.#storage.length));
      this.drop();
      return;
    }
    this.#holding.take(this.#storage, this.#block);
  }

  drop(): void {
    this.#runtime.heap.free(this.#block);
  }
}

/** Values in an array. `take` says what becomes of it. */
class IncomingArray implements Incoming {
  readonly unit = 1;
  readonly #values: TypedArray;
  readonly take: (op: string) => void;

  constructor(values: TypedArray, take: (op: string) => void) {
    this.#values = values;
    this.take = take;
  }

  room(from: number, count: number): TypedArray {
    return this.#values.subarray(from, from + count);
  }

  write(from: number, values: TypedArray): void {
    this.#values.set(values, from);
  }

  drop(): void {}
}

/** Whether a view shows all of its storage's values in their order. */
function isWhole({ storage, layout }: View): boolean {
  return layout.offset === 0 && isContiguous(layout) && storage.length === sizeOf(layout.shape);
}

export interface IncomingOptions {
  /** Where they may last; null: in arrays of their own. */
  readonly runtime: Runtime | null;
  readonly holding: Holding | null;
  /** Whether they are wanted packed for products. */
  readonly packed: boolean;
  /** Copies values into the view, where its memory must stay: it is part of something larger, shared with the outside, or of another dtype. */
  readonly copy: (values: TypedArray) => void;
}

/** Values of `dtype` on their way into a view. The view's own memory stays as it is until they are taken. */
export function incomingOf(view: View, dtype: DType, { runtime, holding, packed, copy }: IncomingOptions): Incoming {
  const { storage } = view;
  if (!isWhole(view) || storage.pinned || storage.region !== null || storage.dtype !== dtype) {
    const values = newArray(dtype, sizeOf(view.layout.shape));
    return new IncomingArray(values, () => copy(values));
  }
  if (runtime !== null && holding !== null && storage.length > 0) {
    const panels = packed ? panelsFor(runtime, view) : null;
    if (panels !== null) return new IncomingPanels(panels);
    const block = tryReserve(runtime.heap, storage.byteLength);
    if (block !== null) return new IncomingBlock(storage, runtime, block, holding);
  }
  const values = newArray(dtype, storage.length);
  return new IncomingArray(values, (op) => {
    storage.touch(op);
    if (storage.pinned) storage.data.set(values);
    else storage.adopt(values);
  });
}
