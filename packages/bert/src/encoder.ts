import { Module, type LayerNormOptions } from '@strided/nn';
import type { Tensor } from '@strided/tensor';
import type { EncoderConfig } from './config.ts';
import { SinusoidalEmbeddings } from './embeddings.ts';
import { PreNormLayer } from './layer.ts';

export interface EncoderInputs {
  /** Token ids [B, S]. */
  readonly inputIds: Tensor;
  /** Segment ids [B, S]: 0 where there is padding, 1 in the first sentence, 2 in the second. */
  readonly segmentLabels: Tensor;
  readonly outputAttentions?: boolean;
}

export interface EncoderOutput {
  /** [B, S, hidden] */
  readonly lastHiddenState: Tensor;
  /** One [B, heads, S, S] a layer, when asked for. */
  readonly attentions: readonly Tensor[] | null;
}

/** The norm of BERT-pytorch: unbiased standard deviation, and ε outside of the root. */
const norm: LayerNormOptions = { form: 'deviation', epsilon: 1e-6 };

/** Embeddings, then N norm-first layers; no norm after the last. */
export class Encoder extends Module {
  readonly embedding: SinusoidalEmbeddings;
  readonly layers: readonly PreNormLayer[];
  readonly #paddingId: number;

  constructor(config: EncoderConfig) {
    super();
    this.#paddingId = config.paddingId;
    this.embedding = new SinusoidalEmbeddings(config);
    this.layers = Array.from({ length: config.layers }, () => new PreNormLayer(config, norm));
  }

  forward({ inputIds, segmentLabels, outputAttentions = false }: EncoderInputs): EncoderOutput {
    const [batch, length] = inputIds.shape;
    // −1e9 is added where the key is padding, which leaves nothing of its score in float32.
    const mask = inputIds.eq(this.#paddingId).cast('float32').mul(-1e9).reshape([batch, 1, 1, length]);
    let x = this.embedding.forward(inputIds, segmentLabels);
    const attentions: Tensor[] = [];
    for (const layer of this.layers) {
      const { output, weights } = layer.forward(x, mask, outputAttentions);
      x = output;
      if (weights !== null) attentions.push(weights);
    }
    return { lastHiddenState: x, attentions: outputAttentions ? attentions : null };
  }
}
