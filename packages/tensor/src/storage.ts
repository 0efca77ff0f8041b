import { arrayOn, bytesPerElement, newArray, type DType, type TypedArray, type TypedArrayOf } from './dtype.ts';
import { ArgumentError, ScopeError } from './errors.ts';
import { contiguous, sizeOf, type Layout, type Shape } from './layout.ts';

/** The kernels' memory. */
export interface KernelMemory {
  /** All of it, when no thread computes in it any more. */
  readonly buffer: ArrayBufferLike;
}

/** A place in it. */
export interface Place {
  readonly memory: KernelMemory;
  /** Where the first value lies, in bytes. */
  readonly address: number;
}

/** Another form of a storage's values, from which they can be made again. */
export interface Folded {
  /** Writes all values, whatever the target holds. */
  read(target: TypedArray): void;
  /** Writes rows of `width` values, one after the other from target[at]; false, and nothing is done, where it has no rows of that width. */
  readRows(width: number, rows: Iterable<number>, target: TypedArray, at: number): boolean;
}

/** What a scope is to the storages that are made in it. */
export interface Region {
  /** Whether it is over: what was not moved out is gone. */
  readonly ended: boolean;
  /** Room for `bytes` bytes that the region takes back at its end, or null: then the values get an array of their own. */
  room(bytes: number): Place | null;
  /** Takes back the room of `bytes` bytes at `place` early. */
  recycle(place: Place, bytes: number): void;
}

/** What a storage belongs to whose room was taken back early. */
const nowhere: Region = { ended: true, room: () => null, recycle: () => {} };

/** While set, every storage that gets room of the region is noted. */
let watched: Storage[] | null = null;

/** Runs `fn`, and gives the storages that got room in it; those of an inner `watch` belong to that one alone. */
export function watch<T>(fn: () => T): { readonly result: T; readonly made: readonly Storage[] } {
  const before = watched;
  const made: Storage[] = [];
  watched = made;
  try {
    return { result: fn(), made };
  } finally {
    watched = before;
  }
}

// Before the class, whose objects read it.
let region: Region | null = null;

/** The region that new storages belong to; null outside of all scopes. */
export function currentRegion(): Region | null {
  return region;
}

/** Makes `next` the region of new storages. */
export function enterRegion(next: Region | null): void {
  region = next;
}

/**
 * Who owns the bytes. A storage is a run of values of one dtype that any number of views share. It is ordinary (a typed
 * array on a garbage-collected ArrayBuffer), or it lies in the kernels' memory: for as long as a region lasts, or for
 * as long as somebody holds it.
 */
export class Storage<D extends DType = DType> {
  readonly dtype: D;
  /** How many values it holds. */
  readonly length: number;
  /** Counts writes after creation, so that backward notices that a value it saved has changed. */
  version = 0;
  /** The op that wrote last, for the message. */
  lastWriter = '';
  /** Rises with every storage made: backward knows by it which buffers are its own. */
  readonly serial: number;
  /** What takes the values back at its end; null for what lasts. */
  region: Region | null;
  /** What must stay alive for as long as this storage does: the owner of its place. */
  owner: object | null = null;
  /** Whether somebody outside knows its array: then it stays there. */
  pinned = false;
  /** The array of its own, or the last look at its place. */
  #data: TypedArrayOf<D> | null;
  #place: Place | null = null;
  /** Where the values are while nobody has asked for them. */
  #folded: Folded | null = null;

  /** On an array, or with `length` values: those are 0, and take no memory, until somebody asks for them. */
  constructor(dtype: D, data: TypedArrayOf<D>);
  constructor(dtype: D, data: null, length: number);
  constructor(dtype: D, data: TypedArrayOf<D> | null, length = data?.length ?? 0) {
    this.dtype = dtype;
    this.length = length;
    this.#data = data;
    this.region = region;
    this.serial = ++serial;
  }

  /** The values. Never keep it across a call that may move storage or grow memory: ask anew. */
  get data(): TypedArrayOf<D> {
    if (this.region?.ended) throw scopeError('read');
    const place = this.#place;
    let data = this.#data;
    if (data === null || (place !== null && data.buffer !== place.memory.buffer)) {
      if (place === null) return this.#unfolded();
      data = arrayOn(this.dtype, place.memory.buffer, place.address, this.length);
      this.#data = data;
    }
    return data;
  }

  /** Where it lies in the kernels' memory; null where it has an array of its own. */
  get place(): Place | null {
    if (this.region?.ended) throw scopeError('read');
    return this.#place;
  }

  get byteLength(): number {
    return this.length * bytesPerElement(this.dtype);
  }

  /** Whether its region took it back. */
  get isGone(): boolean {
    return this.region?.ended === true;
  }

  /** From now on the values are those at `place`. */
  settle(place: Place, owner: object | null): void {
    this.#hold(null, place, null);
    this.owner = owner;
  }

  /** From now on the values are those that `folded` has. */
  fold(folded: Folded): void {
    this.#hold(null, null, folded);
  }

  /** From now on the values are those of `data`, which nobody else knows. */
  adopt(data: TypedArrayOf<D>): void {
    this.#hold(data, null, null);
  }

  /** Every change of where the values are. */
  #hold(data: TypedArrayOf<D> | null, place: Place | null, folded: Folded | null): void {
    this.#data = data;
    this.#place = place;
    this.#folded = folded;
    this.owner = null;
  }

  /** Whether its values are elsewhere until somebody asks for them. */
  get isFolded(): boolean {
    return this.#folded !== null;
  }

  /** Makes the values again, if they were let go. */
  unfold(): void {
    if (this.#folded !== null) this.#unfolded();
  }

  /** Writes the values to `target`, and makes no array for them that was not there. */
  copyTo(target: TypedArrayOf<D>): void {
    if (this.#data !== null || this.#place !== null) target.set(this.data);
    else if (this.#folded !== null) this.#folded.read(target);
    else target.fill(0);
  }

  /** Writes rows of `width` values to target[at] and on without making all values again; false where they are not folded, or not in such rows. */
  copyFoldedRows(width: number, rows: Iterable<number>, target: TypedArrayOf<D>, at: number): boolean {
    if (this.region?.ended) throw scopeError('read');
    return this.#folded?.readRows(width, rows, target, at) ?? false;
  }

  #unfolded(): TypedArrayOf<D> {
    const data = newValues([this.length], this.length, this.dtype);
    this.#folded?.read(data);
    this.#hold(data, null, null);
    return data;
  }

  /** Gives it an array of its own with the same values. */
  moveOut(): void {
    if (this.#place === null) return;
    const data = newArray(this.dtype, this.length);
    data.set(this.data);
    this.adopt(data);
  }

  /** Takes the array of another storage for its own values, if nobody else can know it; that storage is gone then. */
  takeOver(other: Storage<D>): boolean {
    const data = other.#data;
    const alone = data !== null && data.byteLength === data.buffer.byteLength;
    if (other === this || !alone || other.pinned || other.#place !== null || this.pinned || this.owner !== null || this.region !== other.region) return false;
    this.adopt(data);
    other.region = nowhere;
    return true;
  }

  /** Takes the room back before its region ends: nobody uses the values again, and who does is refused. */
  recycle(): void {
    if (this.#place === null || this.owner !== null || this.region === null || this.region.ended) return;
    this.region.recycle(this.#place, this.byteLength);
    this.region = nowhere;
  }

  /** Notes a write by `op`. */
  touch(op: string): void {
    this.version++;
    this.lastWriter = op;
  }
}

let serial = 0;

/** The serial number of the newest storage. */
export function newestSerial(): number {
  return serial;
}

/** For `op`, which was given a tensor whose scope is over. */
export function scopeError(op: string): ScopeError {
  return new ScopeError(`${op}: a tensor was made in a scope that has ended, and its memory is used for others by now; return it from the scope, or keep(t) it inside`);
}

/** Refuses views whose scope is over. */
export function checkPresent(op: string, views: readonly View[]): void {
  for (const { storage } of views) if (storage.isGone) throw scopeError(op);
}

/** Whether two storages have bytes in common: typed arrays from outside may overlap. */
export function sharesMemory(one: Storage, other: Storage): boolean {
  if (one === other) return true;
  if (one.place !== null || other.place !== null) return false;
  const [a, b] = [one.data, other.data];
  return a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}

/** A strided look at a storage: what kernels read and write. Every Tensor is one. */
export interface View<D extends DType = DType> {
  readonly storage: Storage<D>;
  readonly layout: Layout;
}

/** A dense view of new zeros. */
export function allocate<D extends DType>(shape: Shape, dtype: D): View<D> {
  const view = allocateUnset(shape, dtype);
  if (view.storage.place !== null) view.storage.data.fill(0);
  return view;
}

/** A dense view of values that are all about to be written: in a scope's memory they are what was there before. */
export function allocateUnset<D extends DType>(shape: Shape, dtype: D): View<D> {
  const size = sizeOf(shape);
  const place = region?.room(size * bytesPerElement(dtype)) ?? null;
  if (place === null) return allocateApart(shape, dtype);
  const storage = new Storage(dtype, null, size);
  storage.settle(place, null);
  watched?.push(storage);
  return { storage, layout: contiguous(shape) };
}

/** A dense view of new zeros with an array of its own, whatever scope is open: for what a kernel keeps while it runs. */
export function allocateApart<D extends DType>(shape: Shape, dtype: D): View<D> {
  return { storage: new Storage(dtype, newValues(shape, sizeOf(shape), dtype)), layout: contiguous(shape) };
}

/** A dense view of zeros that take no memory before somebody asks for them or gives them values. */
export function allocateLater<D extends DType>(shape: Shape, dtype: D): View<D> {
  if (region !== null) return allocate(shape, dtype);
  return { storage: new Storage(dtype, null, sizeOf(shape)), layout: contiguous(shape) };
}

function newValues<D extends DType>(shape: Shape, size: number, dtype: D): TypedArrayOf<D> {
  try {
    return newArray(dtype, size);
  } catch {
    throw new ArgumentError(
      `allocate: ${size * bytesPerElement(dtype)} bytes for a ${dtype} tensor of shape [${shape.join(', ')}] are more than this host gives one array; use smaller tensors`,
    );
  }
}
