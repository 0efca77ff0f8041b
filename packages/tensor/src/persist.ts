import type { Block } from './kernels/wasm/regions.ts';
import type { Heap } from './kernels/wasm/heap.ts';
import { currentRuntime } from './kernels/wasm/settings.ts';
import { scopeError, type Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Storages that were given a place together. It lives for as long as one of them does. */
interface Holding {
  readonly storages: readonly Storage[];
}

/** What a heap must free when a holding is gone. */
interface Loan {
  readonly heap: Heap;
  readonly blocks: readonly Block[];
}

/** Of each heap, who may have to give its place back. */
const holdings = new Map<Heap, Set<WeakRef<Holding>>>();

const registry = typeof FinalizationRegistry === 'undefined' ? null : new FinalizationRegistry<Loan>(free);

function free({ heap, blocks }: Loan): void {
  for (const block of blocks) heap.free(block);
}

/** Whether memory lent for as long as something lives would ever come back: some edge hosts have no finalisers. */
const canLend = registry !== null && typeof WeakRef !== 'undefined';

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
export function persist(tensors: Iterable<Tensor>): void {
  const storages = [...new Set(Array.from(tensors, ({ storage }) => storage))];
  for (const storage of storages) if (storage.isGone) throw scopeError('persist');
  const heap = canLend ? (currentRuntime()?.heap ?? null) : null;
  const blocks: Block[] = [];
  const placed: Storage[] = [];
  const holding: Holding = { storages: placed };
  for (const storage of storages) {
    const block = heap === null || storage.pinned || storage.owner !== null || storage.length === 0 ? null : reserve(heap, storage.byteLength);
    if (block === null || heap === null) {
      if (storage.region !== null) storage.moveOut();
    } else {
      heap.values('uint8').set(bytesOf(storage), block.address);
      storage.settle({ memory: heap.memory, address: block.address }, holding);
      blocks.push(block);
      placed.push(storage);
    }
    storage.region = null;
  }
  if (heap === null || placed.length === 0) return;
  registry?.register(holding, { heap, blocks }, holding);
  note(heap, holding, blocks);
}

/** The loans of holdings, so that what is given back early is not freed again. */
const loans = new WeakMap<Holding, Loan>();

function note(heap: Heap, holding: Holding, blocks: readonly Block[]): void {
  loans.set(holding, { heap, blocks });
  let all = holdings.get(heap);
  if (all === undefined) {
    all = new Set();
    holdings.set(heap, all);
    heap.relieve = () => relieve(heap);
  }
  for (const each of all) if (each.deref() === undefined) all.delete(each);
  all.add(new WeakRef(holding));
}

function reserve(heap: Heap, bytes: number): Block | null {
  try {
    return heap.reserve(bytes);
  } catch {
    return null;
  }
}

function bytesOf({ data }: Storage): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Moves the oldest holding out of the heap, whose values then lie in arrays of their own; false when there is none. */
function relieve(heap: Heap): boolean {
  const all = holdings.get(heap) ?? new Set();
  for (const each of all) {
    all.delete(each);
    const holding = each.deref();
    const loan = holding === undefined ? undefined : loans.get(holding);
    if (holding === undefined || loan === undefined) continue;
    registry?.unregister(holding);
    loans.delete(holding);
    for (const storage of holding.storages) if (storage.owner === holding) storage.moveOut();
    free(loan);
    return true;
  }
  return false;
}
