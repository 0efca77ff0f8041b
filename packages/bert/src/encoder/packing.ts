import { concat, fromTypedArray, full, type Tensor } from '@strided/tensor';

/**
 * Which tokens of a padded batch are real. They are computed alone, as one row that holds all sentences one behind the
 * other, so that padding costs nothing.
 *
 * B, S   sentences and their padded length
 * T      real tokens of all sentences
 */
export class Packing {
  readonly batch: number;
  readonly length: number;
  /** For each real token its place in the padded batch, row·S + column, rising. */
  readonly places: Int32Array;
  /** Where each sentence begins among the real tokens, and the end of the last: B + 1 numbers. */
  readonly starts: Int32Array;
  readonly #index: Tensor;
  /** For each place of the padded batch which real token is there; T: none. */
  readonly #back: Tensor;

  private constructor(seen: Uint8Array, batch: number, length: number) {
    this.batch = batch;
    this.length = length;
    this.starts = new Int32Array(batch + 1);
    let count = 0;
    for (let row = 0; row < batch; row++) {
      for (let column = 0; column < length; column++) count += seen[row * length + column];
      this.starts[row + 1] = count;
    }
    this.places = new Int32Array(count);
    let at = 0;
    seen.forEach((one, place) => {
      if (one === 1) this.places[at++] = place;
    });
    const back = new Int32Array(batch * length).fill(count);
    this.places.forEach((place, i) => (back[place] = i));
    this.#index = fromTypedArray(this.places);
    this.#back = fromTypedArray(back);
  }

  /** null where all tokens are real, or none is: there is nothing to leave out, or nothing left. */
  static of(mask: Tensor): Packing | null {
    const seen = Uint8Array.from(mask.toTypedArray(), (value) => Number(value !== 0));
    if (!seen.includes(0) || !seen.includes(1)) return null;
    return new Packing(seen, mask.shape[0], mask.shape[1]);
  }

  /** The columns of a sentence's tokens. */
  columns(sentence: number): Int32Array {
    return this.places.slice(this.starts[sentence], this.starts[sentence + 1]).map((place) => place - sentence * this.length);
  }

  /** Whether the first or last column holds a real token in every row. */
  hasColumn(which: 'first' | 'last'): boolean {
    const column = which === 'first' ? 0 : this.length - 1;
    return Array.from({ length: this.batch }, (_, row) => row).every((row) => {
      const [start, end] = [this.starts[row], this.starts[row + 1]];
      return end > start && this.places[which === 'first' ? start : end - 1] === row * this.length + column;
    });
  }

  /** Whether every row has a real token. */
  get everyRow(): boolean {
    return this.starts.every((start, row) => row === 0 || start > this.starts[row - 1]);
  }

  /** [B or 1, S, ...] → [1, T, ...] */
  pack(x: Tensor): Tensor {
    const rest = x.shape.slice(2);
    const { batch, length } = this;
    const rows = x.shape[0] === batch ? x : x.expand([batch, length, ...rest]);
    return rows.reshape([batch * length, ...rest]).indexSelect(0, this.#index).unsqueeze(0);
  }

  /** [1, T, ...] → [B, S, ...], with `fill` at padding. */
  spread(x: Tensor, fill = 0): Tensor {
    const { batch, length } = this;
    const rest = x.shape.slice(2);
    const rows = concat([x.squeeze(0), full([1, ...rest], fill, { dtype: x.dtype })], 0);
    return rows.indexSelect(0, this.#back).reshape([batch, length, ...rest]);
  }

  /** The real tokens of the last `count` columns, by their numbers among all, and the packing of those columns. */
  lastColumns(count: number): { readonly tokens: Tensor; readonly packing: Packing } {
    const first = this.length - count;
    const seen = new Uint8Array(this.batch * count);
    const tokens = Int32Array.from(this.places.keys()).filter((token) => this.places[token] % this.length >= first);
    for (const token of tokens) seen[Math.floor(this.places[token] / this.length) * count + (this.places[token] % this.length) - first] = 1;
    return { tokens: fromTypedArray(tokens), packing: new Packing(seen, this.batch, count) };
  }

  /** The first or last real token of each row: [1, T, ...] → [B, ...]. */
  ends(x: Tensor, which: 'first' | 'last'): Tensor {
    const rows = Int32Array.from({ length: this.batch }, (_, row) => (which === 'first' ? this.starts[row] : this.starts[row + 1] - 1));
    return x.squeeze(0).indexSelect(0, fromTypedArray(rows));
  }
}
