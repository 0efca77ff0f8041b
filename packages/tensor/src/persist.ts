import { arrayOn } from './dtype.ts';
import { canLend, lend, tryReserve, weightOf, type Holder } from './kernels/wasm/loans.ts';
import { fold, forget } from './kernels/wasm/panels.ts';
import type { Block } from './kernels/wasm/regions.ts';
import type { Runtime } from './kernels/wasm/runtime.ts';
import { currentRuntime, startedRuntime } from './kernels/wasm/settings.ts';
import { scopeError, type Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

export interface PersistOptions {
  /**
   * Keep matrices [out, in] in the form in which `linear` reads its weight, and as nothing else until their values are
   * asked for: for weights that do not change. They may change all the same; the form then follows. Default false.
   */
  readonly packed?: boolean;
}

/** Storages that are given a place together. It lives for as long as one of them does. */
export class Holding implements Holder {
  readonly #runtime: Runtime;
  readonly #storages: Storage[] = [];
  readonly #blocks: Block[] = [];
  weight: ArrayBuffer | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** From now on the storage's values are those in `block`. */
  take(storage: Storage, block: Block): void {
    storage.settle({ memory: this.#runtime.heap, address: block.address }, this);
    this.#storages.push(storage);
    this.#blocks.push(block);
  }

  /** To be called when it has all that it will ever have. */
  close(): void {
    if (this.#blocks.length === 0) return;
    this.weight = weightOf(this.#blocks.reduce((sum, { bytes }) => sum + bytes, 0));
    lend(this.#runtime.heap, this.#blocks, this);
  }

  giveBack(): void {
    for (const storage of this.#storages) if (storage.owner === this) storage.moveOut();
  }
}

/** Less than this does not start the engine. */
const startsFrom = 1 << 16;
/** How many multiply-adds a value of a packed weight announces: it was not packed for a product of one or two rows. */
const promised = 32;

/**
 * Gives tensors that live long and are computed with often, such as parameters and an optimiser's state, a place in the
 * kernels' memory, so that nothing is copied when they are used. An optimiser does it with its parameters, a model with its
 * weights. Values, views and history stay as they are; the place is free again when the tensors were collected. Tensors
 * that share their memory with the outside stay where they are, and so does what no longer fits: 4 GiB at most. A tensor
 * that was made in a scope no longer belongs to it.
 *
 * @throws ScopeError for a tensor whose scope has ended.
 * @example
 * persist(model.parameters());
 */
export function persist(tensors: Iterable<Tensor>, { packed = false }: PersistOptions = {}): void {
  const all = [...tensors];
  for (const { storage } of all) if (storage.isGone) throw scopeError('persist');
  const bytes = all.reduce((sum, { storage }) => sum + storage.byteLength, 0);
  // Panels are the level's own, so what is about to be packed counts as work: they would be made twice.
  const runtime = lastingRuntime(bytes, packed);
  const folded = new Set<Storage>();
  if (packed && runtime !== null) for (const tensor of all) if (fold(runtime, tensor)) folded.add(tensor.storage);
  settleAll(runtime, [...new Set(all.map(({ storage }) => storage))].filter((storage) => !folded.has(storage)));
  for (const { storage } of all) storage.region = null;
}

/** The runtime in whose memory so many bytes may last, if there is one; packed weights announce work. */
export function lastingRuntime(bytes: number, packed: boolean): Runtime | null {
  if (!canLend) return null;
  return bytes < startsFrom ? startedRuntime() : currentRuntime(packed ? (bytes / 4) * promised : 0);
}

function settleAll(runtime: Runtime | null, storages: readonly Storage[]): void {
  const holding = runtime === null ? null : new Holding(runtime);
  for (const storage of storages) {
    const wanted = runtime !== null && !storage.pinned && storage.owner === null && storage.length > 0;
    const block = wanted ? blockFor(runtime, storage) : null;
    if (block !== null && runtime !== null && holding !== null) {
      storage.copyTo(arrayOn(storage.dtype, runtime.heap.buffer, block.address, storage.length));
      holding.take(storage, block);
    } else if (storage.region !== null) {
      storage.moveOut();
    }
    forget(storage);
  }
  holding?.close();
}

/** What a storage is to move to, its panels aside for want of room if need be. */
function blockFor({ heap }: Runtime, storage: Storage): Block | null {
  const block = tryReserve(heap, storage.byteLength);
  if (block !== null) return block;
  forget(storage);
  return tryReserve(heap, storage.byteLength);
}
