import type { Tensor } from '@strided/tensor';
import { activationOf, fusedActivation, type ActivationName } from './activation.ts';
import { MultiHeadAttention, type AttentionInputs, type MultiHeadAttentionOptions } from './attention.ts';
import { Dropout } from './dropout.ts';
import { LayerNorm } from './layerNorm.ts';
import { Linear, type AfterLinear } from './linear.ts';
import { Module } from './module.ts';

export interface TransformerLayerOptions extends Pick<MultiHeadAttentionOptions, 'bias' | 'keyValueHeads' | 'rotary'> {
  /** The inner width of the feed-forward part. Default 2048. */
  readonly feedForwardWidth?: number;
  /** Of attention weights, after each part and inside the feed-forward part. Default 0.1. */
  readonly dropout?: number;
  /** Default relu. */
  readonly activation?: ActivationName | ((x: Tensor) => Tensor);
  /** Whether each part normalises what it is given ('first') or the sum with what it gives ('last', the default, as in BERT). */
  readonly norm?: 'first' | 'last';
  /** Of the norms. Default 1e-5. */
  readonly epsilon?: number;
}

/** What the two layers share: sums with dropout and norm, and the feed-forward part. */
abstract class TransformerLayer extends Module {
  readonly selfAttention: MultiHeadAttention;
  readonly linear1: Linear;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout: Dropout;
  readonly norm: 'first' | 'last';
  readonly #activation: (x: Tensor) => Tensor;
  readonly #fused: ReturnType<typeof fusedActivation>;

  constructor(width: number, heads: number, options: TransformerLayerOptions) {
    super();
    const { feedForwardWidth = 2048, dropout = 0.1, activation = 'relu', norm = 'last', epsilon = 1e-5, bias = true } = options;
    this.norm = norm;
    this.#activation = activationOf(activation);
    this.#fused = fusedActivation(activation);
    this.selfAttention = new MultiHeadAttention(width, heads, attentionOptions(options));
    this.linear1 = new Linear(width, feedForwardWidth, { bias });
    this.linear2 = new Linear(feedForwardWidth, width, { bias });
    this.norm1 = new LayerNorm(width, { epsilon, bias });
    this.norm2 = new LayerNorm(width, { epsilon, bias });
    this.dropout = new Dropout(dropout);
  }

  /** x + part(norm(x)), or norm(x + part(x)); the part ends in a linear layer, which drops and adds in the same pass. */
  protected around(x: Tensor, norm: LayerNorm, part: (x: Tensor, after: AfterLinear) => Tensor): Tensor {
    const after = { dropout: this.dropout.rate, residual: x };
    return this.norm === 'first' ? part(norm.forward(x), after) : norm.forward(part(x, after));
  }

  protected feedForward(x: Tensor, after: AfterLinear): Tensor {
    return this.linear2.forward(this.#inner(x), after);
  }

  #inner(x: Tensor): Tensor {
    if (this.#fused !== null) return this.linear1.forward(x, { activation: this.#fused, dropout: this.dropout.rate });
    return this.dropout.forward(this.#activation(this.linear1.forward(x)));
  }

  override describe(): string {
    return `norm ${this.norm}`;
  }
}

function attentionOptions({ dropout = 0.1, bias, keyValueHeads, rotary }: TransformerLayerOptions): MultiHeadAttentionOptions {
  return { dropout, ...(bias === undefined ? {} : { bias }), ...(keyValueHeads === undefined ? {} : { keyValueHeads }), ...(rotary === undefined ? {} : { rotary }) };
}

/** What self-attention takes: masks, padding, causality and a cache. */
export type SelfAttentionInputs = Omit<AttentionInputs, 'key' | 'value' | 'needWeights' | 'after'>;

/**
 * Self-attention, then a feed-forward part, each with dropout, a sum and a norm (torch.nn.TransformerEncoderLayer, whose
 * defaults and start it has).
 *
 * @example
 * const layer = new TransformerEncoderLayer(64, 4, { feedForwardWidth: 256, activation: 'gelu' });
 * layer.forward(x, { keyPaddingMask: ids.eq(0) }); // [B, L, 64]
 */
export class TransformerEncoderLayer extends TransformerLayer {
  constructor(width: number, heads: number, options: TransformerLayerOptions = {}) {
    super(width, heads, options);
  }

  /** x [..., L, width] → the same shape. */
  forward(x: Tensor, inputs: SelfAttentionInputs = {}): Tensor {
    const attended = this.around(x, this.norm1, (y, after) => this.selfAttention.forward(y, { ...inputs, after }).output);
    return this.around(attended, this.norm2, (y, after) => this.feedForward(y, after));
  }
}

export interface DecoderLayerInputs {
  /** For self-attention. It is causal unless `causal: false` is given. */
  readonly self?: SelfAttentionInputs;
  /** For attention to the memory; its cache computes the memory's keys and values only once. */
  readonly cross?: Omit<SelfAttentionInputs, 'causal'>;
}

/**
 * Causal self-attention, then attention to an encoder's output, then a feed-forward part
 * (torch.nn.TransformerDecoderLayer, whose defaults and start it has; only that it is causal by itself).
 *
 * @example
 * const layer = new TransformerDecoderLayer(64, 4);
 * layer.forward(x, memory, { cross: { keyPaddingMask: sourceIds.eq(0) } }); // [B, L, 64]
 */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly crossAttention: MultiHeadAttention;
  readonly norm3: LayerNorm;

  constructor(width: number, heads: number, options: TransformerLayerOptions = {}) {
    super(width, heads, options);
    const { epsilon = 1e-5, bias = true } = options;
    // Distances between two texts mean nothing, so rotary positions are for self-attention alone.
    const { rotary: _, ...cross } = attentionOptions(options);
    this.crossAttention = new MultiHeadAttention(width, heads, cross);
    this.norm3 = new LayerNorm(width, { epsilon, bias });
  }

  /** x [..., L, width] and the encoder's output [..., S, width] → [..., L, width]. */
  forward(x: Tensor, memory: Tensor, { self = {}, cross = {} }: DecoderLayerInputs = {}): Tensor {
    const attended = this.around(x, this.norm1, (y, after) => this.selfAttention.forward(y, { causal: true, ...self, after }).output);
    const informed = this.around(attended, this.norm2, (y, after) => this.crossAttention.forward(y, { ...cross, key: memory, after }).output);
    return this.around(informed, this.norm3, (y, after) => this.feedForward(y, after));
  }
}
