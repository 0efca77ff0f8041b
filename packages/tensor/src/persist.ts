import type { Block } from './kernels/wasm/regions.ts';
import type { Heap } from './kernels/wasm/heap.ts';
import { currentRuntime, startedRuntime } from './kernels/wasm/settings.ts';
import { scopeError, type Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** Storages that were given a place together. It lives for as long as one of them does. */
interface Holding {
  readonly storages: readonly Storage[];
  /** As many bytes as lie in the heap, never touched and so never real: by it the collector feels what it cannot see. */
  readonly weight: ArrayBuffer;
}

/** What a heap must free when a holding is gone. */
interface Loan {
  readonly heap: Heap;
  readonly blocks: readonly Block[];
  /** Who has it. Looked at only when memory is short: a look keeps its target alive through the collection at hand. */
  readonly holder: WeakRef<Holding>;
}

/** The loans of each heap, oldest first. */
const loans = new Map<Heap, Set<Loan>>();

const registry = typeof FinalizationRegistry === 'undefined' ? null : new FinalizationRegistry<Loan>(free);

function free(loan: Loan): void {
  loans.get(loan.heap)?.delete(loan);
  for (const block of loan.blocks) loan.heap.free(block);
}

/** Less than this does not start the engine. */
const startsFrom = 1 << 16;

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
  const bytes = storages.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const heap = canLend ? ((bytes < startsFrom ? startedRuntime() : currentRuntime())?.heap ?? null) : null;
  const blocks: Block[] = [];
  const placed: Storage[] = [];
  const holding: Holding = { storages: placed, weight: weightOf(bytes) };
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
  const loan: Loan = { heap, blocks, holder: new WeakRef(holding) };
  registry?.register(holding, loan, loan);
  loansOf(heap).add(loan);
}

function loansOf(heap: Heap): Set<Loan> {
  let all = loans.get(heap);
  if (all === undefined) {
    all = new Set();
    loans.set(heap, all);
    heap.relieve = () => relieve(heap);
  }
  return all;
}

function weightOf(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    return new ArrayBuffer(0);
  }
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
  for (const loan of loansOf(heap)) {
    const holding = loan.holder.deref();
    // Of one that is gone, the finaliser has not run yet: it needs no more than that.
    for (const storage of holding?.storages ?? []) if (storage.owner === holding) storage.moveOut();
    registry?.unregister(loan);
    free(loan);
    return true;
  }
  return false;
}
