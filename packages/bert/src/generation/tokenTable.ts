import { fromTypedArray, type Tensor } from '@strided/tensor';

/** A number for each row and position of texts that grow together: room for `width` positions, filled up to `length`. */
export class TokenTable {
  readonly rows: number;
  readonly width: number;
  length: number;
  readonly #data: Int32Array;

  /** Begins with `start` [rows, length], each row `copies` times. */
  constructor(start: Tensor, copies: number, width: number) {
    const [rows, length] = start.shape;
    const values = start.toTypedArray();
    this.rows = rows * copies;
    this.width = width;
    this.length = length;
    this.#data = new Int32Array(this.rows * width);
    for (let row = 0; row < this.rows; row++) this.#data.set(values.subarray(Math.floor(row / copies) * length, (Math.floor(row / copies) + 1) * length), row * width);
  }

  at(row: number, position: number): number {
    return this.#data[row * this.width + position];
  }

  /** A row from `start` on; not to be changed. */
  row(row: number, start = 0): Int32Array {
    return this.#data.subarray(row * this.width + start, row * this.width + this.length);
  }

  push(column: (row: number) => number): void {
    for (let row = 0; row < this.rows; row++) this.#data[row * this.width + this.length] = column(row);
    this.length++;
  }

  /** int32 [rows, length − start] */
  from(start: number): Tensor<'int32'> {
    const length = this.length - start;
    const part = new Int32Array(this.rows * length);
    for (let row = 0; row < this.rows; row++) part.set(this.row(row, start), row * length);
    return fromTypedArray(part, [this.rows, length]);
  }
}
