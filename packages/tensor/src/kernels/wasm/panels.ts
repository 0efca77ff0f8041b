import type { TypedArray } from '../../dtype.ts';
import { contiguous, isContiguous } from '../../layout.ts';
import type { Folded, Storage, View } from '../../storage.ts';
import type { LinearEpilogue } from '../contract.ts';
import { canLend, lend, tryReserve, weightOf, type Holder } from './loans.ts';
import * as products from './matmul.ts';
import { place, type Placed } from './operands.ts';
import type { Block } from './regions.ts';
import type { Runtime } from './runtime.ts';

/**
 * Weights of linear layers in the form in which products read them: panels of columns, made once for all products. The
 * panels follow every change of the weight, and the weight itself can be made from them again.
 *
 * N, K   outputs and inputs of a weight [N, K]
 * panel  `width` rows of the weight, value k of row l at k·width + l; beyond the last row zeros
 */
export class Panels implements Holder, Folded {
  readonly storage: Storage;
  readonly runtime: Runtime;
  readonly N: number;
  readonly K: number;
  /** Rows of a panel. */
  readonly width: number;
  /** Of the weight that they were made from. */
  version: number;
  readonly #block: Block;
  #end: (() => void) | null = null;
  readonly weight: ArrayBuffer;

  constructor(storage: Storage, runtime: Runtime, N: number, K: number, block: Block) {
    this.storage = storage;
    this.runtime = runtime;
    this.N = N;
    this.K = K;
    this.width = widthOf(runtime);
    this.version = storage.version;
    this.#block = block;
    this.weight = weightOf(block.bytes);
  }

  get address(): number {
    return this.#block.address;
  }

  /** Packs `rows` rows that lie in the heap; `from`, the first of them, begins a panel. */
  pack(source: Placed, from: number, rows: number): void {
    products.packWeight(this.runtime, source, rows, this.K, this.address + from * this.K * 4);
  }

  /** Serves the storage's products from now on. */
  serve(): void {
    this.version = this.storage.version;
    known.get(this.storage)?.release();
    known.set(this.storage, this);
    this.#end = lend(this.runtime.heap, [this.#block], this);
  }

  /** Gives the memory back at once: nobody needs the values any more. */
  release(): void {
    if (known.get(this.storage) === this) known.delete(this.storage);
    if (this.#end === null) this.runtime.heap.free(this.#block);
    else this.#end();
    this.#end = () => {};
  }

  /** Writes the weight's values, row by row. */
  read(target: TypedArray): void {
    this.readRows(this.K, Array(this.N).keys(), target, 0);
  }

  readRows(columns: number, rows: Iterable<number>, target: TypedArray, at: number): boolean {
    const { runtime: { heap }, K, address, width } = this;
    if (columns !== K) return false;
    const source = heap.f32;
    let to = at;
    for (const n of rows) {
      let from = address / 4 + Math.floor(n / width) * width * K + (n % width);
      for (const end = to + K; to < end; to++, from += width) target[to] = source[from];
    }
    return true;
  }

  giveBack(): void {
    this.storage.unfold();
    if (known.get(this.storage) === this) known.delete(this.storage);
  }
}

/** Rows of a panel. */
const widthOf = ({ exports }: Runtime): number => exports.packedBytes(1, 1) / 4;

const known = new WeakMap<Storage, Panels>();

/** Whether a view is a weight [N, K] that has a storage of its own. */
function isWhole({ storage, layout }: View): boolean {
  return storage.dtype === 'float32' && layout.shape.length === 2 && storage.length > 0 && layout.offset === 0 && isContiguous(layout) && storage.length === layout.shape[0] * layout.shape[1];
}

/** Room for the panels of a weight; null where it cannot have any: no room, or memory that is shared with others. */
export function panelsFor(runtime: Runtime, weight: View): Panels | null {
  const { storage, layout: { shape: [N, K] } } = weight;
  if (!canLend || storage.pinned || !isWhole(weight)) return null;
  const block = tryReserve(runtime.heap, products.packedWeightBytes(runtime, N, K));
  return block === null ? null : new Panels(storage, runtime, N, K, block);
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
    panels = make(runtime, weight);
    if (panels === null) return false;
  } else {
    follow(panels, storage);
  }
  storage.fold(panels);
  return true;
}

/** A weight's panels, or null where there is no room. */
function make(runtime: Runtime, weight: View): Panels | null {
  const panels = panelsFor(runtime, weight);
  if (panels === null) return null;
  pack(panels, weight.storage);
  panels.serve();
  return panels;
}

/** As the panels were cut: a view at hand may have another shape. */
function pack(panels: Panels, storage: Storage): void {
  const { N, K, runtime: { heap } } = panels;
  heap.scratch(() => panels.pack(place(heap, { storage, layout: contiguous([N, K]) }), 0, N));
}

/** Makes panels anew where the weight has changed since. */
function follow(panels: Panels, storage: Storage): void {
  if (panels.version === storage.version) return;
  pack(panels, storage);
  panels.version = storage.version;
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

/** As `linear` of matmul.ts, with the weight's panels where it has any: the same bits. */
export function linear(runtime: Runtime, x: View, weight: View, epilogue: LinearEpilogue, out: View): void {
  // Asked for in the scratch that begins anew when memory was short: what was given back then may have been these panels.
  runtime.heap.scratch(() => {
    const packed = panelsOf(runtime, weight);
    if (packed === 0) products.linear(runtime, x, weight, epilogue, out);
    else products.linearPacked(runtime, x, packed, epilogue, out);
  });
}

/** The products of x with several weights side by side, as one; false, and nothing done, where they have no panels that fit together. */
export function linears(runtime: Runtime, x: View, weights: readonly View[], biases: readonly (View | null)[], out: View): boolean {
  const N = weights[0].layout.shape[0];
  return runtime.heap.scratch(() => {
    const packed = weights.map((weight) => (weight.layout.shape[0] === N ? panelsOf(runtime, weight) : 0));
    if (packed.includes(0) || N % widthOf(runtime) !== 0) return false;
    products.linearsPacked(runtime, x, packed, biases, out);
    return true;
  });
}

/** Where a weight's panels lie, made anew if it or the level has changed; 0 where it has none. */
function panelsOf(runtime: Runtime, weight: View): number {
  const { storage, layout: { shape: [N, K] } } = weight;
  const old = known.get(storage);
  // Another view can be whole as well: the transpose of a single row, a reshape.
  if (old === undefined || !isWhole(weight) || old.N !== N || old.K !== K) return 0;
  const panels = current(runtime, weight) ?? moved(runtime, weight);
  if (panels === null) return 0;
  follow(panels, storage);
  return panels.address;
}

/** Lets a weight's panels go: it is about to change at every step. */
export function forget(storage: Storage): void {
  storage.unfold();
  known.get(storage)?.release();
}
