import { ArgumentError, concat, DTypeError, keep, noGrad, ShapeError, zeros, type Tensor } from '@strided/tensor';
import { TransientBuffer } from './buffer.ts';
import { Module } from './module.ts';

export interface KeyValueCacheOptions {
  /** How many positions it may hold. Default: as many as come. */
  readonly maxLength?: number;
}

/** Positions that room is made for at least. */
const block = 32;

/**
 * Keys and values that an attention layer has computed, so that text is generated a token at a time without computing
 * earlier positions again. One for each attention layer and each run of text.
 *
 * Room is made in blocks ahead of need, twice as much each time up to `maxLength`, and new positions are written into it
 * in place. Only while gradients are recorded each step joins the old and the new, because backward needs them as they were.
 *
 * Its tensors outlive the scopes that they are made in. It is a module, so that walks over buffers find them; state dicts
 * leave them out.
 *
 * @example
 * const cache = new KeyValueCache({ maxLength: 512 });
 * for (const token of tokens) attention.forward(token, { cache, causal: true }); // [B, 1, width] each
 */
export class KeyValueCache extends Module {
  readonly maxLength: number;
  /** Room for keys [..., heads, capacity, headSize], filled up to `length`. */
  keyRoom: Tensor | null = null;
  valueRoom: Tensor | null = null;
  /** Whether the room is the cache's own, to be written into; else it shows what the layer computed. */
  #owned = false;
  #length = 0;

  constructor({ maxLength = Infinity }: KeyValueCacheOptions = {}) {
    super();
    if (!(maxLength > 0)) throw new ArgumentError(`KeyValueCache: maxLength must be above 0, not ${maxLength}`);
    this.maxLength = maxLength;
  }

  /** How many positions it holds. */
  get length(): number {
    return this.#length;
  }

  /** The keys of all positions [..., heads, S, headSize], null at first. */
  get keys(): Tensor | null {
    return this.keyRoom?.narrow(-2, 0, this.#length) ?? null;
  }

  get values(): Tensor | null {
    return this.valueRoom?.narrow(-2, 0, this.#length) ?? null;
  }

  /**
   * Adds positions at the end and gives all. `recorded` says that backward will go through what is done with them; default:
   * whether it will go through keys or values.
   * @throws ArgumentError for more than `maxLength` positions, ShapeError or DTypeError for keys that do not go with those that are there.
   */
  append(keys: Tensor, values: Tensor, { recorded = keys.requiresGrad || values.requiresGrad }: { readonly recorded?: boolean } = {}): { readonly keys: Tensor; readonly values: Tensor } {
    const total = this.#length + keys.shape[keys.rank - 2];
    if (total > this.maxLength) {
      throw new ArgumentError(`KeyValueCache: holds ${this.#length} positions, and ${total - this.#length} more are above its maxLength, ${this.maxLength}; generate less, or start with a shorter text`);
    }
    const [keyRoom, valueRoom] = [this.#extended(this.keyRoom, keys, total, recorded), this.#extended(this.valueRoom, values, total, recorded)];
    this.#owned = !recorded && this.#length > 0;
    this.keyRoom = keyRoom;
    this.valueRoom = valueRoom;
    this.#length = total;
    return { keys: keyRoom.narrow(-2, 0, total), values: valueRoom.narrow(-2, 0, total) };
  }

  /** Room with `added` written behind what is there. */
  #extended(room: Tensor | null, added: Tensor, total: number, recorded: boolean): Tensor {
    if (room === null || this.#length === 0) return kept(added);
    checkShapes(room, added);
    const held = room.narrow(-2, 0, this.#length);
    if (recorded) return kept(concat([held, added], -2));
    return noGrad(() => {
      const roomy = this.#owned && room.shape[room.rank - 2] >= total ? room : this.#larger(held, total);
      roomy.narrow(-2, this.#length, total - this.#length).copyFrom(added);
      return roomy;
    });
  }

  #larger(held: Tensor, total: number): Tensor {
    const capacity = Math.min(this.maxLength, Math.ceil(Math.max(total, 2 * this.#length) / block) * block);
    const room = kept(zeros([...held.shape.slice(0, -2), capacity, held.shape[held.rank - 1]], { dtype: held.dtype }));
    room.narrow(-2, 0, this.#length).copyFrom(held);
    return room;
  }

  /** Keeps the first `length` positions. */
  crop(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) throw new ArgumentError(`KeyValueCache.crop: the length must be a whole number from 0 to ${this.#length}, not ${length}`);
    this.#length = length;
    if (length === 0) this.clear();
  }

  /** Keeps the rows `rows` [n] of the first axis, in that order, as beam search does. */
  reorder(rows: Tensor): void {
    const [keys, values] = [this.keys, this.values];
    this.keyRoom = keys === null ? null : kept(keys.indexSelect(0, rows));
    this.valueRoom = values === null ? null : kept(values.indexSelect(0, rows));
    this.#owned = false;
  }

  /** Forgets everything. */
  clear(): void {
    this.keyRoom = null;
    this.valueRoom = null;
    this.#length = 0;
    this.#owned = false;
  }

  override describe(): string {
    return `${this.#length} positions${this.maxLength === Infinity ? '' : ` of ${this.maxLength}`}`;
  }
}

/** As a buffer that state dicts leave out; with its history, where it has one. It stays when a scope ends. */
const kept = (x: Tensor): Tensor => keep(x.requiresGrad ? x : new TransientBuffer(x));

function checkShapes({ shape: held, dtype }: Tensor, added: Tensor): void {
  const fits = held.length === added.rank && held.every((size, axis) => axis === held.length - 2 || size === added.shape[axis]);
  if (!fits) throw new ShapeError(`KeyValueCache: keys and values [${added.shape.join(', ')}] must go with those of earlier positions, [${[...held.slice(0, -2), '…', held[held.length - 1]].join(', ')}]; give each run of text its own cache`);
  if (dtype !== added.dtype) throw new DTypeError(`KeyValueCache: ${added.dtype} keys do not go with the ${dtype} ones of earlier positions; give each run of text its own cache`);
}
