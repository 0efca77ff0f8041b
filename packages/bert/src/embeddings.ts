import { Dropout, Embedding, Module } from '@strided/nn';
import { fromTypedArray, IndexError, type Tensor } from '@strided/tensor';
import type { EncoderConfig } from './config.ts';

/**
 * Fixed positions ("Attention is all you need", section 3.5): [1, length, width] with
 * sin(p·10000^(−2i/width)) in column 2i and the cosine of it in column 2i + 1. The angles are rounded to float32 as in
 * the original, because that is what trained weights have seen: at position 500 it moves a value by up to 1e-5.
 */
export function sinusoidalPositions(length: number, width: number): Tensor<'float32'> {
  const table = new Float32Array(length * width);
  for (let column = 0; column < width; column++) {
    const exponent = Math.fround((column - (column % 2)) * Math.fround(-Math.log(10000) / width));
    const frequency = Math.fround(Math.exp(exponent));
    const wave = column % 2 === 0 ? Math.sin : Math.cos;
    for (let p = 0; p < length; p++) table[p * width + column] = wave(Math.fround(p * frequency));
  }
  return fromTypedArray(table, [1, length, width]);
}

/** Token + fixed position + segment, then dropout: ids and segments [B, S] → [B, S, hidden]. No scaling, no norm. */
export class SinusoidalEmbeddings extends Module {
  readonly token: Embedding;
  /** A buffer: saved, not trained. */
  readonly position: Tensor;
  readonly segment: Embedding;
  readonly dropout: Dropout;

  constructor({ vocabSize, hiddenSize, maxPositions, segments, dropout, paddingId }: EncoderConfig) {
    super();
    this.token = new Embedding(vocabSize, hiddenSize, { paddingIndex: paddingId });
    this.position = sinusoidalPositions(maxPositions, hiddenSize);
    this.segment = new Embedding(segments, hiddenSize, { paddingIndex: 0 });
    this.dropout = new Dropout(dropout);
  }

  forward(ids: Tensor, segments: Tensor): Tensor {
    const length = ids.shape[1];
    if (length > this.position.shape[1]) {
      throw new IndexError(`embeddings: a sequence of ${length} tokens is longer than the ${this.position.shape[1]} positions of the model; truncate it`);
    }
    return this.dropout.forward(this.token.forward(ids).add(this.position.narrow(1, 0, length)).add(this.segment.forward(segments)));
  }
}
