import { Dropout, Module, type AfterLinear } from '@strided/nn';
import type { Tensor } from '@strided/tensor';
import { activated, activation, type ActivationName } from '../activation.ts';
import type { EncoderConfig } from '../config.ts';
import { Dense, normOf, type Norm } from '../layers.ts';
import { DotAttention, type Attention, type AttentionContext, type CrossContext } from './attention.ts';
import { DisentangledAttention } from './disentangled.ts';
import type { LayerCache } from './decoderCache.ts';

/**
 * linear → activation → dropout → linear on the last axis; gated: (activation(gate) · input) instead of the activation
 * alone (Shazeer, arXiv 2002.05202).
 */
export class FeedForward extends Module {
  /** Fused, its first half goes through the activation and its second half is the factor. */
  readonly input: Dense;
  readonly gate: Dense | null;
  readonly dropout: Dropout;
  readonly output: Dense;
  readonly activation: ActivationName;
  readonly kind: EncoderConfig['feedForward']['kind'];

  constructor({ hiddenSize, intermediateSize, dropout, feedForward: { kind, activation: name, bias } }: EncoderConfig) {
    super();
    this.kind = kind;
    this.activation = name;
    this.input = new Dense(hiddenSize, kind === 'fused' ? 2 * intermediateSize : intermediateSize, { bias });
    this.gate = kind === 'split' ? new Dense(hiddenSize, intermediateSize, { bias }) : null;
    this.dropout = new Dropout(dropout.feedForwardInner);
    this.output = new Dense(intermediateSize, hiddenSize, { bias });
  }

  forward(x: Tensor, after: AfterLinear = {}): Tensor {
    return this.output.forward(this.#inner(x), after);
  }

  #inner(x: Tensor): Tensor {
    if (this.kind === 'plain') return activated(this.input, this.activation, x, this.dropout.rate);
    if (this.gate !== null) return this.dropout.forward(activated(this.gate, this.activation, x).mul(this.input.forward(x)));
    const [gate, factor] = this.input.forward(x).chunk(2, -1);
    return this.dropout.forward(activation(this.activation)(gate).mul(factor));
  }
}

export interface LayerResult {
  readonly output: Tensor;
  /** [B, heads, S, S], when asked for. */
  readonly weights: Tensor | null;
  readonly crossWeights: Tensor | null;
}

function attentionOf(config: EncoderConfig): Attention {
  const { attention } = config;
  return attention.kind === 'dot' ? new DotAttention(config, attention) : new DisentangledAttention(config, attention);
}

/**
 * One transformer layer, x [B, S, hidden] → [B, S, hidden]: attention, in decoders cross-attention, feed-forward, each
 * with a residual connection and a norm, first (x + f(norm(x))) or last (norm(x + f(x))).
 */
export class TransformerLayer extends Module {
  /** null where a layer that normalises first is the first of a model that does not normalise there. */
  readonly attentionNorm: Norm | null;
  readonly attention: Attention;
  readonly crossAttentionNorm: Norm | null;
  readonly crossAttention: DotAttention | null;
  readonly attentionDropout: Dropout;
  readonly feedForwardNorm: Norm;
  readonly feedForward: FeedForward;
  readonly feedForwardDropout: Dropout;
  readonly dropout: Dropout;
  readonly normFirst: boolean;

  constructor(config: EncoderConfig, index: number) {
    super();
    const { hiddenSize, norm, dropout } = config;
    this.normFirst = config.normPlace === 'first';
    this.attentionNorm = index === 0 && !config.firstAttentionNorm ? null : normOf(hiddenSize, norm);
    this.attention = attentionOf(config);
    this.crossAttentionNorm = config.crossAttention ? normOf(hiddenSize, norm) : null;
    this.crossAttention = config.crossAttention ? new DotAttention(config, { bias: true, fused: false }) : null;
    this.attentionDropout = new Dropout(dropout.attentionOutput);
    this.feedForwardNorm = normOf(hiddenSize, norm);
    this.feedForward = new FeedForward(config);
    this.feedForwardDropout = new Dropout(dropout.feedForwardOutput);
    this.dropout = new Dropout(dropout.layer);
  }

  forward(x: Tensor, context: AttentionContext, cross: CrossContext | null, cache: LayerCache | null = null): LayerResult {
    let weights: Tensor | null = null;
    let crossWeights: Tensor | null = null;
    let hidden = this.#residual(x, this.attentionNorm, this.attentionDropout, (input, after) => {
      const result = this.attention.forward(input, { ...context, after }, cache?.self);
      weights = result.weights;
      return result.output;
    });
    const { crossAttention } = this;
    if (cross !== null && crossAttention !== null) {
      hidden = this.#residual(hidden, this.crossAttentionNorm, this.attentionDropout, (input, after) => {
        const result = crossAttention.forwardCross(input, { ...context, after }, cross, cache?.cross ?? null);
        crossWeights = result.weights;
        return result.output;
      });
    }
    hidden = this.#residual(hidden, this.feedForwardNorm, this.feedForwardDropout, (input, after) => this.feedForward.forward(input, after));
    return { output: this.dropout.forward(hidden), weights, crossWeights };
  }

  /** The branch ends in a linear layer, which drops and adds in the same pass. */
  #residual(x: Tensor, norm: Norm | null, dropout: Dropout, branch: (input: Tensor, after: AfterLinear) => Tensor): Tensor {
    const input = this.normFirst && norm !== null ? norm.forward(x) : x;
    const sum = branch(input, { dropout: dropout.rate, residual: x });
    return this.normFirst || norm === null ? sum : norm.forward(sum);
  }
}
