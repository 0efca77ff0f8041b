import { ArgumentError } from './errors.ts';
import type { Heap } from './kernels/wasm/heap.ts';
import { aligned } from './kernels/wasm/regions.ts';
import { currentRuntime, startedRuntime } from './kernels/wasm/settings.ts';
import type { Mark } from './kernels/wasm/stack.ts';
import { currentRegion, enterRegion, scopeError, type Place, type Region, type Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';
import { abandonsPromise } from './thenable.ts';

export interface ScopeOptions {
  /** Objects, such as models, whose tensors stay: every tensor in an attribute of theirs, or of what their attributes hold. */
  readonly roots?: readonly object[];
}

/** Storages smaller than this have arrays of their own: the way into the heap would cost more than it saves. */
const placedFrom = 256;
/** What is at least this large starts the engine, if nothing has yet. */
const startsFrom = 1 << 13;

/** A scope that is open, or was. */
class Scope implements Region {
  ended = false;
  readonly outer: Scope | null;
  /** Tensors that stay whatever the callback returns. */
  readonly kept = new Set<Tensor>();
  /** Leaves whose gradient was written. */
  readonly leaves = new Set<Tensor>();
  /** Room that was taken back early, by size. */
  readonly #free = new Map<number, number[]>();
  /** The heap that it uses and how high its stack stood before; null before the first use. */
  #base: { readonly heap: Heap; readonly mark: Mark } | null = null;

  constructor(outer: Scope | null) {
    this.outer = outer;
  }

  room(bytes: number): Place | null {
    if (bytes < placedFrom) return null;
    const heap = this.#base?.heap ?? (bytes < startsFrom ? startedRuntime() : currentRuntime(0))?.heap;
    if (heap === undefined) return null;
    this.#open(heap);
    const again = this.#free.get(aligned(bytes))?.pop();
    if (again !== undefined) return { memory: heap, address: again };
    try {
      return { memory: heap, address: heap.allocate(bytes) };
    } catch {
      // What does not fit is kept outside, and computes a little slower.
      return null;
    }
  }

  recycle({ address }: Place, bytes: number): void {
    const size = aligned(bytes);
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [address]);
    else list.push(address);
    this.#base?.heap.spoil(address, bytes);
  }

  /** Outer scopes first: what moves out of this one goes on top of what they hold. */
  #open(heap: Heap): void {
    if (this.#base !== null) return;
    if (this.outer !== null) this.outer.#open(heap);
    this.#base = { heap, mark: heap.mark };
  }

  /** Moves out the storages that stay, takes the rest back. */
  end(staying: ReadonlySet<Storage>): void {
    const own = [...staying].filter(({ region }) => region === this);
    let moved = false;
    try {
      if (this.outer === null) for (const storage of own) storage.moveOut();
      else this.#moveDown(own);
      for (const storage of own) storage.region = this.outer;
      moved = true;
    } finally {
      // What could not be moved is lost with the rest: for want of memory, or because a thread failed.
      if (!moved || this.outer === null) this.#base?.heap.release(this.#base.mark);
      this.ended = true;
    }
  }

  /** Takes the memory back and lets what stays slide down onto what the outer scope holds. */
  #moveDown(own: readonly Storage[]): void {
    if (this.#base === null) return;
    const { heap, mark } = this.#base;
    const placed = own.filter((storage) => storage.place !== null);
    const blocks = placed.map((storage) => ({ address: (storage.place as Place).address, bytes: storage.byteLength }));
    heap.slide(mark, blocks).forEach((address, i) => placed[i].settle({ memory: heap, address }, null));
  }
}

/** The innermost scope that is open: regions are nothing else. */
const current = (): Scope | null => currentRegion() as Scope | null;

/**
 * Runs `fn`; the memory of the tensors made in it is taken back at once when it ends. What stays: what `fn` returns
 * (tensors in it are found through arrays, plain objects, maps and sets), `.grad` of tensors that are older than the scope,
 * all tensors of `roots`, those handed to a gradient hook, and those named to `keep`. In an outer scope they belong to
 * that one afterwards. They keep their values, not their history: backward belongs inside.
 *
 * Nobody needs it: tensors are garbage-collected. It saves the copying of operands into the kernels' memory and the
 * collector's work, which is why a model's forward without recording and a trainer's step open one themselves.
 *
 * @throws ArgumentError for an asynchronous callback: it would go on after the memory is gone. What else uses a tensor
 * that is gone throws ScopeError.
 * @example
 * const probabilities = scope(() => softmax(linear(x, weight)));
 */
export function scope<T>(fn: () => T, { roots = [] }: ScopeOptions = {}): T {
  const own = new Scope(current());
  enterRegion(own);
  let result: T | undefined;
  try {
    result = fn();
    if (abandonsPromise(result)) throw new ArgumentError('scope: the callback must be synchronous: its memory is taken back when it returns; await before or after it, not inside');
    return result;
  } finally {
    enterRegion(own.outer);
    own.end(stayingIn(own, result, roots));
  }
}

/**
 * Lets a tensor stay when the scope that it was made in ends, whatever the scope returns. Outside of scopes it does nothing.
 *
 * @returns The tensor.
 * @throws ScopeError when its scope has ended already.
 */
export function keep<T extends Tensor>(tensor: T): T {
  const { region } = tensor.storage;
  if (region?.ended) throw scopeError('keep');
  if (region instanceof Scope) region.kept.add(tensor);
  return tensor;
}

/** Notes that a leaf's gradient was written: it stays for as long as the leaf does. */
export function keepGradient(leaf: Tensor): void {
  current()?.leaves.add(leaf);
}

function stayingIn(own: Scope, result: unknown, roots: readonly object[]): Set<Storage> {
  const found = new Set<Storage>();
  const seen = new Set<object>();
  for (const tensor of own.kept) {
    add(tensor, found);
    // What was kept for good stays through the outer scopes as well.
    if (own.outer !== null) own.outer.kept.add(tensor);
  }
  for (const leaf of own.leaves) {
    if (leaf.storage.region === own && !own.kept.has(leaf)) continue;
    if (leaf.grad !== null) add(leaf.grad, found);
    if (own.outer !== null) own.outer.leaves.add(leaf);
  }
  collect(result, false, found, seen);
  for (const root of roots) collect(root, true, found, seen);
  return found;
}

function add(tensor: Tensor, found: Set<Storage>): void {
  found.add(tensor.storage);
  if (tensor.grad !== null) found.add(tensor.grad.storage);
}

function isTensor(value: object): value is Tensor {
  return 'storage' in value && 'layout' in value;
}

/** Finds the tensors in a value; `deep`: through objects of classes too. */
function collect(value: unknown, deep: boolean, found: Set<Storage>, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isTensor(value)) {
    add(value, found);
  } else if (value instanceof Map) {
    for (const [key, each] of value) {
      collect(key, deep, found, seen);
      collect(each, deep, found, seen);
    }
  } else if (Array.isArray(value) || value instanceof Set) {
    for (const each of value) collect(each, deep, found, seen);
  } else if (!ArrayBuffer.isView(value) && (deep || isPlain(value))) {
    for (const each of Object.values(value)) collect(each, deep, found, seen);
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
