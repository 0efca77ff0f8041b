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

/** Storages that were given a place together. It lives for as long as one of them does. */
class Holding implements Holder {
  readonly storages: Storage[] = [];
  readonly blocks: Block[] = [];
  weight: ArrayBuffer | null = null;

  giveBack(): void {
    for (const storage of this.storages) if (storage.owner === this) storage.moveOut();
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
  const runtime = canLend ? (bytes < startsFrom ? startedRuntime() : currentRuntime(packed ? (bytes / 4) * promised : 0)) : null;
  const folded = new Set<Storage>();
  if (packed && runtime !== null) for (const tensor of all) if (fold(runtime, tensor)) folded.add(tensor.storage);
  settleAll(runtime, [...new Set(all.map(({ storage }) => storage))].filter((storage) => !folded.has(storage)));
  for (const { storage } of all) storage.region = null;
}

function settleAll(runtime: Runtime | null, storages: readonly Storage[]): void {
  const holding = new Holding();
  for (const storage of storages) {
    forget(storage);
    const wanted = runtime !== null && !storage.pinned && storage.owner === null && storage.length > 0;
    const block = wanted ? tryReserve(runtime.heap, storage.byteLength) : null;
    if (block === null || runtime === null) {
      if (storage.region !== null) storage.moveOut();
      continue;
    }
    const { heap } = runtime;
    heap.values('uint8').set(bytesOf(storage), block.address);
    storage.settle({ memory: heap.memory, address: block.address }, holding);
    holding.blocks.push(block);
    holding.storages.push(storage);
  }
  if (runtime === null || holding.blocks.length === 0) return;
  holding.weight = weightOf(holding.blocks.reduce((sum, { bytes }) => sum + bytes, 0));
  lend(runtime.heap, holding.blocks, holding);
}

function bytesOf({ data }: Storage): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
