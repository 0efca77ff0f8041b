import { ArgumentError, DTypeError, dropout, matmul, scaledDotProductAttention, where, zeros, type Tensor } from '@strided/tensor';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

export interface MultiHeadAttentionOptions {
  /** The probability with which an attention weight is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly bias?: boolean;
}

export interface AttentionInputs {
  /** What keys and values are computed from [B, S, width]; default the query (self-attention). */
  readonly key?: Tensor;
  /** Default the key. */
  readonly value?: Tensor;
  /** bool (true: may be attended) or a number added to the scores; broadcast to [B, heads, L, S]. */
  readonly mask?: Tensor;
  /** bool [B, S], true where the key is padding and must not be attended. */
  readonly keyPaddingMask?: Tensor;
  /** Position i attends to none after it. */
  readonly causal?: boolean;
  /** Return the attention weights too, which takes memory for all of them at once. */
  readonly needWeights?: boolean;
}

export interface AttentionResult {
  /** [B, L, width] */
  readonly output: Tensor;
  /** [B, heads, L, S] after softmax, before dropout; null unless asked for. */
  readonly weights: Tensor | null;
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", arXiv 1706.03762):
 * softmax(QKᵀ/√headSize)·V in each head, then a linear layer over the heads side by side.
 *
 * @throws ArgumentError when the width is not a multiple of the heads.
 * @example
 * const attention = new MultiHeadAttention(64, 4);
 * const { output } = attention.forward(randn([2, 10, 64])); // [2, 10, 64]
 */
export class MultiHeadAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly heads: number;
  readonly dropout: number;

  constructor(width: number, heads: number, { dropout: p = 0, bias = true }: MultiHeadAttentionOptions = {}) {
    super();
    if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
      throw new ArgumentError(`MultiHeadAttention: the width ${width} must be a multiple of the number of heads, ${heads}; choose heads that divide it`);
    }
    this.heads = heads;
    this.dropout = p;
    this.query = new Linear(width, width, { bias });
    this.key = new Linear(width, width, { bias });
    this.value = new Linear(width, width, { bias });
    this.output = new Linear(width, width, { bias });
  }

  /** query [B, L, width] → output [B, L, width]. */
  forward(query: Tensor, inputs: AttentionInputs = {}): AttentionResult {
    const key = inputs.key ?? query;
    const value = inputs.value ?? key;
    const q = this.#split(this.query.forward(query));
    const k = this.#split(this.key.forward(key));
    const v = this.#split(this.value.forward(value));
    const mask = withPadding(inputs.mask, inputs.keyPaddingMask);
    const causal = inputs.causal ?? false;
    const p = this.training ? this.dropout : 0;
    if (!inputs.needWeights) {
      const mixed = scaledDotProductAttention(q, k, v, { mask: mask ?? null, causal, dropout: p });
      return { output: this.output.forward(merge(mixed)), weights: null };
    }
    const weights = attentionWeights(q, k, mask, causal);
    return { output: this.output.forward(merge(matmul(dropout(weights, { p }), v))), weights };
  }

  /** [B, S, width] → [B, heads, S, width / heads] */
  #split(x: Tensor): Tensor {
    const [batch, length, width] = x.shape;
    return x.reshape([batch, length, this.heads, width / this.heads]).transpose(1, 2);
  }
}

/** [B, heads, L, size] → [B, L, heads·size] */
function merge(x: Tensor): Tensor {
  const [batch, heads, length, size] = x.shape;
  return x.transpose(1, 2).reshape([batch, length, heads * size]);
}

/** softmax(QKᵀ/√size + mask) of q [B, heads, L, size] and k [B, heads, S, size]. */
function attentionWeights(q: Tensor, k: Tensor, mask: Tensor | undefined, causal: boolean): Tensor {
  let scores: Tensor = matmul(q, k.transpose()).div(Math.sqrt(q.shape[q.rank - 1]));
  if (mask?.dtype === 'bool') scores = where(mask, scores, -Infinity);
  else if (mask !== undefined) scores = scores.add(mask);
  if (causal) {
    const [L, S] = scores.shape.slice(-2);
    scores = where(causalMask(L, S), scores, -Infinity);
  }
  const weights = scores.softmax();
  // A row that may attend to nothing gives nothing, as the fused form does.
  return where(weights.isNaN().logicalAnd(scores.eq(-Infinity)), 0, weights);
}

/** bool [L, S], true where key j is not after query i. */
function causalMask(L: number, S: number): Tensor<'bool'> {
  const mask = zeros([L, S], { dtype: 'bool' });
  for (let i = 0; i < L; i++) mask.select(0, i).slice(0, 0, i + 1).fill(true);
  return mask;
}

function withPadding(mask: Tensor | undefined, padding: Tensor | undefined): Tensor | undefined {
  if (padding === undefined) return mask;
  if (padding.dtype !== 'bool') throw new DTypeError(`MultiHeadAttention: keyPaddingMask must be bool, not ${padding.dtype}; compare first, for example ids.eq(0)`);
  const [batch, length] = padding.shape;
  const visible = padding.logicalNot().reshape([batch, 1, 1, length]);
  if (mask === undefined) return visible;
  return mask.dtype === 'bool' ? visible.logicalAnd(mask) : where(visible, mask, -Infinity);
}
