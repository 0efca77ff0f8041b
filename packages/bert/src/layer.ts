import { Dropout, GELU, LayerNorm, Linear, Module, MultiHeadAttention, type LayerNormOptions } from '@strided/nn';
import type { Tensor } from '@strided/tensor';
import type { EncoderConfig } from './config.ts';

/** linear → GELU (tanh form) → dropout → linear, on the last axis. */
export class FeedForward extends Module {
  readonly input: Linear;
  readonly activation: GELU;
  readonly dropout: Dropout;
  readonly output: Linear;

  constructor({ hiddenSize, intermediateSize, dropout }: EncoderConfig) {
    super();
    this.input = new Linear(hiddenSize, intermediateSize);
    this.activation = new GELU({ approximate: 'tanh' });
    this.dropout = new Dropout(dropout);
    this.output = new Linear(intermediateSize, hiddenSize);
  }

  forward(x: Tensor): Tensor {
    return this.output.forward(this.dropout.forward(this.activation.forward(this.input.forward(x))));
  }
}

export interface LayerResult {
  readonly output: Tensor;
  /** [B, heads, S, S], when asked for. */
  readonly weights: Tensor | null;
}

/**
 * The norm-first transformer layer, x [B, S, hidden] → [B, S, hidden]:
 * x + dropout(attention(norm(x))), then x + dropout(feedForward(norm(x))), then dropout.
 */
export class PreNormLayer extends Module {
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly attentionDropout: Dropout;
  readonly feedForwardNorm: LayerNorm;
  readonly feedForward: FeedForward;
  readonly feedForwardDropout: Dropout;
  readonly dropout: Dropout;

  constructor(config: EncoderConfig, norm: LayerNormOptions) {
    super();
    const { hiddenSize, heads, dropout } = config;
    this.attentionNorm = new LayerNorm(hiddenSize, norm);
    this.attention = new MultiHeadAttention(hiddenSize, heads, { dropout, start: 'linear' });
    this.attentionDropout = new Dropout(dropout);
    this.feedForwardNorm = new LayerNorm(hiddenSize, norm);
    this.feedForward = new FeedForward(config);
    this.feedForwardDropout = new Dropout(dropout);
    this.dropout = new Dropout(dropout);
  }

  forward(x: Tensor, mask: Tensor, needWeights: boolean): LayerResult {
    const { output, weights } = this.attention.forward(this.attentionNorm.forward(x), { mask, needWeights });
    const attended = x.add(this.attentionDropout.forward(output));
    const fed = this.feedForward.forward(this.feedForwardNorm.forward(attended));
    return { output: this.dropout.forward(attended.add(this.feedForwardDropout.forward(fed))), weights };
  }
}
