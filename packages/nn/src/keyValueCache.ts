import { concat, type Tensor } from '@strided/tensor';

/**
 * Keys and values that an attention layer has computed, so that text is generated a token at a time without computing
 * earlier positions again. One for each attention layer and each run of text.
 *
 * @example
 * const cache = new KeyValueCache();
 * for (const token of tokens) attention.forward(token, { cache, causal: true }); // [B, 1, width] each
 */
export class KeyValueCache {
  /** [..., heads, S, headSize], null at first. */
  keys: Tensor | null = null;
  values: Tensor | null = null;

  /** How many positions it holds. */
  get length(): number {
    return this.keys === null ? 0 : this.keys.shape[this.keys.rank - 2];
  }

  /** Adds positions at the end and gives all. */
  append(keys: Tensor, values: Tensor): { readonly keys: Tensor; readonly values: Tensor } {
    const all = {
      keys: this.keys === null ? keys : concat([this.keys, keys], -2),
      values: this.values === null ? values : concat([this.values, values], -2),
    };
    this.keys = all.keys;
    this.values = all.values;
    return all;
  }

  /** Keeps the rows `rows` [n] of the first axis, in that order, as beam search does. */
  reorder(rows: Tensor): void {
    this.keys = this.keys?.indexSelect(0, rows) ?? null;
    this.values = this.values?.indexSelect(0, rows) ?? null;
  }

  /** Forgets everything. */
  clear(): void {
    this.keys = null;
    this.values = null;
  }
}
