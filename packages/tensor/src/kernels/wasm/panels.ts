import type { TypedArray } from '../../dtype.ts';
import { isContiguous } from '../../layout.ts';
import type { Folded, Storage, View } from '../../storage.ts';
import { canLend, lend, tryReserve, weightOf, type Holder } from './loans.ts';
import { packedWeightBytes, packWeight } from './matmul.ts';
import { place } from './operands.ts';
import type { Runtime } from './runtime.ts';

/**
 * Weights of linear layers in the form in which products read them: panels of columns, made once for all products. The
 * panels follow every change of the weight, and the weight itself can be made from them again.
 *
 * N, K   outputs and inputs of a weight [N, K]
 * panel  `width` rows of the weight, value k of row l at k·width + l; beyond the last row zeros
 */
class Panels implements Holder, Folded {
  readonly storage: Storage;
  readonly runtime: Runtime;
  readonly N: number;
  readonly K: number;
  readonly address: number;
  /** Of the weight that they were made from. */
  version: number;
  readonly weight: ArrayBuffer;

  constructor(storage: Storage, runtime: Runtime, N: number, K: number, address: number, bytes: number) {
    this.storage = storage;
    this.runtime = runtime;
    this.N = N;
    this.K = K;
    this.address = address;
    this.version = storage.version;
    this.weight = weightOf(bytes);
  }

  /** Writes the weight's values, row by row. */
  read(target: TypedArray): void {
    const { runtime: { heap, exports }, N, K, address } = this;
    const width = exports.packedBytes(1, 1) / 4;
    const source = heap.f32;
    for (let n = 0; n < N; n++) {
      let from = address / 4 + Math.floor(n / width) * width * K + (n % width);
      for (let to = n * K; to < (n + 1) * K; to++, from += width) target[to] = source[from];
    }
  }

  giveBack(): void {
    this.storage.unfold();
    if (known.get(this.storage) === this) known.delete(this.storage);
  }
}

const known = new WeakMap<Storage, Panels>();

/** Whether a view is a weight [N, K] that has a storage of its own. */
function isWhole({ storage, layout }: View): boolean {
  return storage.dtype === 'float32' && layout.shape.length === 2 && storage.length > 0 && layout.offset === 0 && isContiguous(layout) && storage.length === layout.shape[0] * layout.shape[1];
}

/**
 * Keeps a weight as panels, and as nothing else until somebody asks for its values. False where it cannot be: no room,
 * or memory that is shared with others.
 */
export function fold(runtime: Runtime, weight: View): boolean {
  const { storage } = weight;
  if (!canLend || storage.pinned || !isWhole(weight)) return false;
  const panels = current(runtime, weight) ?? make(runtime, weight);
  if (panels === null) return false;
  storage.fold(panels);
  return true;
}

/** A weight's panels, or null where there is no room. */
function make(runtime: Runtime, weight: View): Panels | null {
  const [N, K] = weight.layout.shape;
  const block = tryReserve(runtime.heap, packedWeightBytes(runtime, N, K));
  if (block === null) return null;
  const panels = new Panels(weight.storage, runtime, N, K, block.address, block.bytes);
  pack(panels, weight);
  known.set(weight.storage, panels);
  lend(runtime.heap, [block], panels);
  return panels;
}

function pack({ runtime, N, K, address }: Panels, weight: View): void {
  const { heap } = runtime;
  heap.scratch(() => packWeight(runtime, place(heap, weight), N, K, address));
}

function current({ level, heap }: Runtime, { storage }: View): Panels | null {
  const panels = known.get(storage);
  return panels !== undefined && panels.runtime.level === level && panels.runtime.heap === heap ? panels : null;
}

/** A weight's panels made anew for another level, whose tiles are of another width. */
function moved(runtime: Runtime, weight: View): Panels | null {
  const { storage } = weight;
  const { isFolded } = storage;
  const panels = make(runtime, weight);
  if (panels !== null && isFolded) storage.fold(panels);
  return panels;
}

/** Where a weight's panels lie, made anew if it or the level has changed; 0 where it has none. */
export function panelsOf(runtime: Runtime, weight: View): number {
  const { storage, layout: { shape: [N, K] } } = weight;
  const old = known.get(storage);
  // Another view can be whole as well: the transpose of a single row, a reshape.
  if (old === undefined || !isWhole(weight) || old.N !== N || old.K !== K) return 0;
  const panels = current(runtime, weight) ?? moved(runtime, weight);
  if (panels === null) return 0;
  if (panels.version !== storage.version) {
    pack(panels, weight);
    panels.version = storage.version;
  }
  return panels.address;
}

/** Lets a weight's panels go: it is about to change at every step. */
export function forget(storage: Storage): void {
  storage.unfold();
  known.delete(storage);
}

