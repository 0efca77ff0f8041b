import { embedding, IndexError, noGrad, zeros, type Tensor } from '@strided/tensor';
import { normal } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/**
 * Rows of a table: ids of any shape → [...ids, width]. Starts standard normal, as in PyTorch; the row
 * `paddingIndex` (a negative one counts from the end) starts at 0 and has no gradient.
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIndex: number | undefined;

  constructor(rows: number, width: number, { paddingIndex }: { readonly paddingIndex?: number } = {}) {
    super();
    if (paddingIndex !== undefined && !(Number.isInteger(paddingIndex) && paddingIndex >= -rows && paddingIndex < rows)) {
      throw new IndexError(`Embedding: paddingIndex ${paddingIndex} must be one of the ${rows} rows: a whole number from ${-rows} to ${rows - 1}`);
    }
    this.weight = normal(new Parameter(zeros([rows, width])));
    this.paddingIndex = paddingIndex;
    this.clearPadding();
  }

  /** Sets the padding row to 0 again, after the table was filled anew. */
  clearPadding(): void {
    const { paddingIndex } = this;
    if (paddingIndex !== undefined) noGrad(() => this.weight.select(0, paddingIndex).fill(0));
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids, this.paddingIndex === undefined ? {} : { paddingIndex: this.paddingIndex });
  }

  override describe(): string {
    return `${this.weight.shape.join(' × ')}${this.paddingIndex === undefined ? '' : `, padding ${this.paddingIndex}`}`;
  }
}
