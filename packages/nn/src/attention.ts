import { ArgumentError, dropout, matmul, scaledDotProductAttention, ShapeError, where, type Tensor } from '@strided/tensor';
import { offsetCausalMask, withPadding } from './attentionMask.ts';
import { constant, fans, uniform, xavierUniform } from './init.ts';
import type { KeyValueCache } from './keyValueCache.ts';
import { Linear, type AfterLinear } from './linear.ts';
import { Module } from './module.ts';
import type { RotaryPositions } from './rotaryPositions.ts';

export interface MultiHeadAttentionOptions {
  /** The probability with which an attention weight is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Whether the four linear layers have biases. Default true. */
  readonly bias?: boolean;
  /**
   * Heads of keys and values, each of which serves a group of query heads (Ainslie et al., arXiv 2305.13245; 1: Shazeer,
   * arXiv 1911.02150). Default: as many as query heads.
   */
  readonly keyValueHeads?: number;
  /** The width of what keys are computed from. Default: that of the queries. */
  readonly keyWidth?: number;
  /** The width of what values are computed from. Default: `keyWidth`. */
  readonly valueWidth?: number;
  /** Turns queries and keys by their positions. */
  readonly rotary?: RotaryPositions;
  /**
   * How the layers start. 'xavier' (default) is PyTorch's nn.MultiheadAttention: the three projections Xavier uniform as
   * one matrix (each on its own where keys or values have a width of their own), all biases 0. 'linear': each as a
   * Linear, as in BERT-pytorch.
   */
  readonly start?: 'xavier' | 'linear';
}

export interface AttentionInputs {
  /** What keys and values are computed from [..., S, keyWidth]; default the query (self-attention). */
  readonly key?: Tensor;
  /** Default the key. */
  readonly value?: Tensor;
  /** bool (true: may be attended) or a number added to the scores; broadcast to [..., heads, L, S]. */
  readonly mask?: Tensor;
  /** bool [..., S], true where the key is padding and must not be attended. With a cache: of all keys, the earlier ones too. */
  readonly keyPaddingMask?: Tensor;
  /** Position i attends to none after it. */
  readonly causal?: boolean;
  /** Return the attention weights too, which takes memory for all of them at once. */
  readonly needWeights?: boolean;
  /** Keys and values of earlier calls: self-attention adds its own to them, cross-attention computes them only once. */
  readonly cache?: KeyValueCache;
  /** What the output layer does to its sums in the same pass: dropout, and the sum with a residual. Default nothing. */
  readonly after?: AfterLinear;
}

export interface AttentionResult {
  /** [..., L, width] */
  readonly output: Tensor;
  /** [..., heads, L, S] after softmax, before dropout; null unless asked for. */
  readonly weights: Tensor | null;
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", arXiv 1706.03762):
 * softmax(QKᵀ/√headSize)·V in each head, then a linear layer over the heads side by side. A query that may attend to
 * nothing gives the output's bias.
 *
 * @throws ArgumentError when the width is not a multiple of the heads, or those not of `keyValueHeads`.
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
  readonly keyValueHeads: number;
  readonly dropout: number;
  readonly #rotary: RotaryPositions | null;

  constructor(width: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    const { dropout: p = 0, bias = true, keyValueHeads = heads, keyWidth = width, valueWidth = keyWidth, rotary, start = 'xavier' } = options;
    if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
      throw new ArgumentError(`MultiHeadAttention: the width ${width} must be a multiple of the number of heads, ${heads}; choose heads that divide it`);
    }
    if (!Number.isInteger(keyValueHeads) || keyValueHeads < 1 || heads % keyValueHeads !== 0) {
      throw new ArgumentError(`MultiHeadAttention: the ${heads} heads must be a multiple of keyValueHeads, ${keyValueHeads}; choose a number that divides them`);
    }
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`MultiHeadAttention: the dropout must be from 0 to 1, not ${p}`);
    const headSize = width / heads;
    if (rotary !== undefined && rotary.headSize !== headSize) throw new ArgumentError(`MultiHeadAttention: the rotary positions are for heads of ${rotary.headSize}, but ${width} by ${heads} heads gives ${headSize}`);
    this.heads = heads;
    this.keyValueHeads = keyValueHeads;
    this.dropout = p;
    this.#rotary = rotary ?? null;
    this.query = new Linear(width, width, { bias });
    this.key = new Linear(keyWidth, keyValueHeads * headSize, { bias });
    this.value = new Linear(valueWidth, keyValueHeads * headSize, { bias });
    this.output = new Linear(width, width, { bias });
    if (start === 'xavier') this.#startXavier(keyWidth === width && valueWidth === width);
  }

  #startXavier(joint: boolean): void {
    const projections = [this.query, this.key, this.value];
    const [fanIn, fanOut] = [fans(this.query.weight).fanIn, projections.reduce((sum, { weight }) => sum + fans(weight).fanOut, 0)];
    const bound = Math.sqrt(6 / (fanIn + fanOut));
    for (const { weight } of projections) {
      if (joint) uniform(weight, -bound, bound);
      else xavierUniform(weight);
    }
    for (const { bias } of [...projections, this.output]) if (bias !== null) constant(bias, 0);
  }

  /** query [..., L, width] → output [..., L, width]. */
  forward(query: Tensor, inputs: AttentionInputs = {}): AttentionResult {
    const { cache, causal = false, needWeights = false, after = {} } = inputs;
    const isSelf = inputs.key === undefined;
    const past = isSelf ? (cache?.length ?? 0) : 0;
    const { q, k, v } = this.#projected(query, inputs, past);
    // The fused form counts queries and keys from 0; after a cache the first query is not the first position.
    const shifted = causal && past > 0;
    const seen = shifted ? offsetCausalMask(q.shape[q.rank - 2], past) : null;
    const mask = withPadding(seen === null ? inputs.mask : joined(seen, inputs.mask), inputs.keyPaddingMask, k.shape[k.rank - 2]);
    const p = this.training ? this.dropout : 0;
    const grouped = this.keyValueHeads !== this.heads;
    if (!needWeights) {
      const mixed = scaledDotProductAttention(q, k, v, { mask: mask ?? null, causal: causal && !shifted, dropout: p, groupedHeads: grouped });
      return { output: this.output.forward(merge(mixed), after), weights: null };
    }
    const repeated = (x: Tensor): Tensor => (grouped ? x.repeatInterleave(this.heads / this.keyValueHeads, -3) : x);
    const weights = attentionWeights(q, repeated(k), mask, causal && !shifted);
    return { output: this.output.forward(merge(matmul(dropout(weights, { p }), repeated(v))), after), weights };
  }

  /** Queries [..., heads, L, headSize], keys and values [..., keyValueHeads, S, headSize]. */
  #projected(query: Tensor, { key = query, value = key, cache }: AttentionInputs, past: number): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } {
    const computed = key !== query && cache !== undefined && cache.keys !== null && cache.values !== null ? { k: cache.keys, v: cache.values } : null;
    const [own, ...others] = key === query && value === query ? Linear.forwardAll([this.query, this.key, this.value], query)
      : computed !== null ? [this.query.forward(query)] : [this.query.forward(query), this.key.forward(key), this.value.forward(value)];
    const q = this.#turn(this.#split(own, this.heads), past);
    if (computed !== null) return { q, ...computed };
    const [keys, values] = others.map((x) => this.#split(x, this.keyValueHeads));
    const turned = this.#turn(keys, past);
    if (cache === undefined) return { q, k: turned, v: values };
    const all = cache.append(turned, values, { recorded: q.requiresGrad || turned.requiresGrad || values.requiresGrad });
    return { q, k: all.keys, v: all.values };
  }

  #turn(x: Tensor, start: number): Tensor {
    return this.#rotary === null ? x : this.#rotary.forward(x, start);
  }

  /** [..., S, heads·headSize] → [..., heads, S, headSize] */
  #split(x: Tensor, heads: number): Tensor {
    if (x.rank < 2) throw new ShapeError(`MultiHeadAttention: inputs must be [..., length, width], not [${x.shape.join(', ')}]`);
    return x.reshape([...x.shape.slice(0, -1), heads, x.shape[x.rank - 1] / heads]).transpose(-3, -2);
  }

  override describe(): string {
    const heads = this.keyValueHeads === this.heads ? `${this.heads}` : `${this.heads} by ${this.keyValueHeads}`;
    return `${this.query.weight.shape[0]}, heads ${heads}${this.dropout > 0 ? `, dropout ${this.dropout}` : ''}`;
  }
}

/** [..., heads, L, size] → [..., L, heads·size] */
function merge(x: Tensor): Tensor {
  const [heads, length, size] = x.shape.slice(-3);
  return x.transpose(-3, -2).reshape([...x.shape.slice(0, -3), length, heads * size]);
}

/** What both masks allow. */
function joined(seen: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return seen;
  return mask.dtype === 'bool' ? seen.logicalAnd(mask) : where(seen, mask, -Infinity);
}

/** softmax(QKᵀ/√size + mask) of q [..., heads, L, size] and k [..., heads, S, size]. */
function attentionWeights(q: Tensor, k: Tensor, mask: Tensor | undefined, causal: boolean): Tensor {
  let scores: Tensor = matmul(q, k.transpose()).div(Math.sqrt(q.shape[q.rank - 1]));
  if (mask?.dtype === 'bool') scores = where(mask, scores, -Infinity);
  else if (mask !== undefined) scores = scores.add(mask);
  if (causal) scores = where(offsetCausalMask(scores.shape[scores.rank - 2], 0, scores.shape[scores.rank - 1]), scores, -Infinity);
  // A row that may attend to nothing gives nothing, as the fused form does, and no NaN on the way back.
  const dead = scores.detach().eq(-Infinity).all(-1, { keepDims: true });
  return where(dead, 0, where(dead, 0, scores).softmax());
}
