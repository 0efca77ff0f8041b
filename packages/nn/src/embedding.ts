import { embedding, noGrad, zeros, type Tensor } from '@strided/tensor';
import { normal } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/**
 * Rows of a table: ids of any shape → [...ids, width]. Starts standard normal, as in PyTorch; the row
 * `paddingIndex` starts at 0 and has no gradient.
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIndex: number | undefined;

  constructor(rows: number, width: number, { paddingIndex }: { readonly paddingIndex?: number } = {}) {
    super();
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
}
