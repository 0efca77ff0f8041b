import { KeyValueCache, Module } from '@strided/nn';
import { ArgumentError, type Tensor } from '@strided/tensor';

/** What one layer of a decoder remembers. */
export class LayerCache extends Module {
  /** Of the tokens so far. */
  readonly self: KeyValueCache;
  /** Of the encoder's states, computed once. */
  readonly cross: KeyValueCache;

  constructor(maxLength: number) {
    super();
    this.self = new KeyValueCache({ maxLength });
    this.cross = new KeyValueCache();
  }
}

/**
 * What a decoder remembers of the tokens so far, so that each further one costs the pass of one token: the
 * `pastKeyValues` of its outputs. Passing it on adds to it, as in transformers.
 *
 * @example
 * let { logits, pastKeyValues } = decoder.forward({ inputIds: text });
 * ({ logits, pastKeyValues } = decoder.forward({ inputIds: next, pastKeyValues })); // next [B, 1]
 */
export class DecoderCache extends Module {
  /** One for each layer that runs. */
  readonly layers: readonly LayerCache[];
  /** How many tokens it can hold: the positions of the model. */
  readonly maxLength: number;
  /** For each row and position, how many ids up to there were no padding: RoBERTa's positions go on from the last. */
  readonly #counts: number[][] = [];

  constructor(layers: number, maxLength: number) {
    super();
    this.maxLength = maxLength;
    this.layers = Array.from({ length: layers }, () => new LayerCache(maxLength));
  }

  /** How many tokens of each row it holds. */
  get length(): number {
    return this.layers[0].self.length;
  }

  /** How many rows it holds; null while it is empty. */
  get batch(): number | null {
    return this.layers[0].self.keyRoom?.shape[0] ?? null;
  }

  /** How many of the encoder's states it holds. */
  get crossLength(): number {
    return this.layers[0].cross.length;
  }

  /** Forgets all tokens but the first `length`. */
  crop(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.length) throw new ArgumentError(`DecoderCache.crop: the length must be a whole number from 0 to ${this.length}, not ${length}`);
    this.restore(length, this.crossLength);
  }

  /** As it was when it held this many tokens and states of the encoder. */
  restore(length: number, crossLength: number): void {
    for (const { self, cross } of this.layers) {
      self.crop(Math.min(length, self.length));
      cross.crop(Math.min(crossLength, cross.length));
    }
    for (const counts of this.#counts) counts.length = Math.min(counts.length, length);
  }

  /** Keeps the rows `rows` [n], in that order; a row can come more than once. */
  reorder(rows: Tensor): void {
    for (const { self, cross } of this.layers) {
      self.reorder(rows);
      cross.reorder(rows);
    }
    const counts = Array.from(rows.toTypedArray(), (row) => [...(this.#counts[row] ?? [])]);
    this.#counts.splice(0, this.#counts.length, ...(this.#counts.length === 0 ? [] : counts));
  }

  /** How many ids of each row were no padding. */
  counts(batch: number): readonly number[] {
    return Array.from({ length: batch }, (_, row) => this.#counts[row]?.at(-1) ?? 0);
  }

  /** Notes the running counts of the tokens that are added now, [batch, length]. */
  addCounts(counts: readonly (readonly number[])[]): void {
    counts.forEach((own, row) => (this.#counts[row] ??= []).push(...own));
  }

  override describe(): string {
    return `${this.length} tokens of ${this.maxLength}`;
  }
}
