/**
 * A text that was changed, and where each of its UTF-16 units came from in the original.
 * `starts` and `ends` are null while the two are the same, unit for unit: the common case costs nothing.
 */
export class AlignedText {
  readonly text: string;
  readonly #starts: Int32Array | null;
  readonly #ends: Int32Array | null;
  readonly #shift: number;

  private constructor(text: string, starts: Int32Array | null, ends: Int32Array | null, shift: number) {
    this.text = text;
    this.#starts = starts;
    this.#ends = ends;
    this.#shift = shift;
  }

  /** A text whose unit i came from unit `shift + i` of the original. */
  static identity(text: string, shift = 0): AlignedText {
    return new AlignedText(text, null, null, shift);
  }

  /** Code points with the half-open range of the original that each stands for. */
  static fromCodePoints(codes: readonly number[], starts: readonly number[], ends: readonly number[], shift = 0): AlignedText {
    let units = 0;
    for (const code of codes) units += code > 0xffff ? 2 : 1;
    const unitStarts = new Int32Array(units);
    const unitEnds = new Int32Array(units);
    const pieces: string[] = [];
    let at = 0;
    for (let i = 0; i < codes.length; i++) {
      pieces.push(String.fromCodePoint(codes[i]));
      for (let width = codes[i] > 0xffff ? 2 : 1; width > 0; width--) {
        unitStarts[at] = starts[i];
        unitEnds[at++] = ends[i];
      }
    }
    return new AlignedText(pieces.join(''), unitStarts, unitEnds, shift);
  }

  /** Units `from … to − 1`, which keep their alignment. */
  slice(from: number, to: number): AlignedText {
    if (from === 0 && to === this.text.length) return this;
    const text = this.text.slice(from, to);
    if (this.#starts === null || this.#ends === null) return new AlignedText(text, null, null, this.#shift + from);
    return new AlignedText(text, this.#starts.subarray(from, to), this.#ends.subarray(from, to), this.#shift);
  }

  /** Where in the original the unit at `index` starts. */
  originalStart(index: number): number {
    return this.#shift + (this.#starts === null ? index : this.#starts[index]);
  }

  /** Where in the original the span that ends before `end` ends. */
  originalEnd(end: number): number {
    return this.#shift + (this.#ends === null ? end : this.#ends[end - 1]);
  }
}
