import type { TypedArray } from '../../dtype.ts';
import { contiguous, isContiguous } from '../../layout.ts';
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
  let panels = current(runtime, weight);
  if (panels === null) {
    const [N, K] = weight.layout.shape;
    const block = tryReserve(runtime.heap, packedWeightBytes(runtime, N, K));
    if (block === null) return false;
    panels = new Panels(storage, runtime, N, K, block.address, block.bytes);
    pack(panels, weight);
    known.set(storage, panels);
    lend(runtime.heap, [block], panels);
  } else {
    follow(panels, weight);
  }
  storage.fold(panels);
  return true;
}

function pack({ runtime, N, K, address }: Panels, weight: View): void {
  const { heap } = runtime;
  heap.scratch(() => packWeight(runtime, place(heap, weight), N, K, address));
}

/** Makes panels anew where the weight has changed since. */
function follow(panels: Panels, { storage }: View): void {
  if (panels.version === storage.version) return;
  // As the panels were cut: the view at hand may have another shape.
  pack(panels, { storage, layout: contiguous([panels.N, panels.K]) });
  panels.version = storage.version;
}

function current({ exports, heap }: Runtime, { storage }: View): Panels | null {
  const panels = known.get(storage);
  return panels !== undefined && panels.runtime.exports === exports && panels.runtime.heap === heap ? panels : null;
}

/** Where a weight's panels lie, made anew if it has changed; 0 where it has none. */
export function panelsOf(runtime: Runtime, weight: View): number {
  const panels = current(runtime, weight);
  if (panels === null || !isWhole(weight)) return 0;
  const [N, K] = weight.layout.shape;
  // Another view can be whole as well: the transpose of a single row, a reshape.
  if (panels.N !== N || panels.K !== K) return 0;
  follow(panels, weight);
  return panels.address;
}

/** Lets a weight's panels go: it is about to change at every step. */
export function forget(storage: Storage): void {
  storage.unfold();
  known.delete(storage);
}

