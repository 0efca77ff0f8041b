import { Linear, Module, type AfterLinear, type KeyValueCache } from '@strided/nn';
import { concat, dropout, matmul, scaledDotProductAttention, type Tensor } from '@strided/tensor';
import type { EncoderConfig } from '../config.ts';
import { Dense } from '../layers.ts';
import type { RelativeContext } from './disentangled.ts';
import { drowned, everything, type Visibility } from './masks.ts';
import type { Packing } from './packing.ts';
import type { Rotation } from './rotary.ts';
import type { Segment, Segments } from './segments.ts';

/** What all layers of one pass share. */
export interface AttentionContext {
  readonly visibility: Visibility;
  readonly rotation: Rotation | null;
  readonly relative: RelativeContext | null;
  /** The sentences that stand one behind the other in one row, where padding is left out: each sees itself alone. */
  readonly segments?: Segments | null;
  /** What follows the output: dropout, then the sum with what is given. */
  readonly after?: AfterLinear;
  /** Return attention weights too, which takes memory for all of them at once. */
  readonly needWeights: boolean;
}

/** What a decoder's layers look at besides their own tokens. */
export interface CrossContext {
  /** [B, T, hidden], or as `packing` has them; null where a cache has what attention makes of them. */
  readonly states: Tensor | null;
  readonly visibility: Visibility;
  /** Where the states are of real tokens alone. */
  readonly packing: Packing | null;
}

export interface AttentionResult {
  /** [B, L, hidden] */
  readonly output: Tensor;
  /** [B, heads, L, S], when asked for. */
  readonly weights: Tensor | null;
}

/** Attention of any mathematics: [B, L, hidden] → [B, L, hidden]. A cache adds this call's keys and values to those of earlier ones. */
export interface Attention extends Module {
  forward(x: Tensor, context: AttentionContext, cache?: KeyValueCache | null): AttentionResult;
}

/** [B, S, heads·size] → [B, heads, S, size] */
export function splitHeads(x: Tensor, size: number): Tensor {
  const [batch, length, width] = x.shape;
  return x.reshape([batch, length, width / size, size]).transpose(1, 2);
}

/** [B, heads, S, size] → [B, S, heads·size] */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, length, size] = x.shape;
  return x.transpose(1, 2).reshape([batch, length, heads * size]);
}

export interface MixOptions extends Visibility {
  /** Sentences one behind the other: see `scaledDotProductAttention`. */
  readonly segments?: ArrayLike<number> | null;
  readonly causal?: boolean;
  readonly scale: number;
  readonly dropout: number;
  readonly needWeights: boolean;
}

/**
 * softmax(q·kᵀ·scale + mask)·v. One fused op unless the weights are asked for; those are, as in transformers, what the
 * values are mixed by: after dropout.
 */
export function mix(q: Tensor, k: Tensor, v: Tensor, options: MixOptions): { readonly mixed: Tensor; readonly weights: Tensor | null } {
  const { mask, blind, segments = null, causal = false, scale, dropout: p, needWeights } = options;
  const groups = q.shape[1] / k.shape[1];
  if (!needWeights) {
    const [queries, keys] = blind === null ? [q, k] : drownedScores(q, k, blind);
    return { mixed: scaledDotProductAttention(queries, keys, v, { mask, segments, causal, scale, dropout: p, groupedHeads: groups > 1 }), weights: null };
  }
  const [keys, values] = groups > 1 ? [k.repeatInterleave(groups, 1), v.repeatInterleave(groups, 1)] : [k, v];
  const scores = drowned(matmul(q, keys.transpose()).mul(scale), blind);
  const weights = dropout((mask === null ? scores : scores.add(mask)).softmax(), { p });
  return { mixed: matmul(weights, values), weights };
}

/** What `attend` makes of each sentence's own queries, keys and values [1, heads, T, size], side by side again. */
export function bySegments(q: Tensor, k: Tensor, v: Tensor, segments: readonly Segment[], attend: (q: Tensor, k: Tensor, v: Tensor, segment: Segment) => Tensor): Tensor {
  const parts = segments.map((segment) => {
    const [own, keys, values] = [q, k, v].map((x) => x.narrow(2, segment.start, segment.length));
    return attend(own, keys, values, segment);
  });
  return parts.length === 1 ? parts[0] : concat(parts, 2);
}

/** Queries and keys whose products are `drowned`: q·k − q·k, of which one is a constant, needs no scores at hand. */
function drownedScores(q: Tensor, k: Tensor, blind: Tensor): [Tensor, Tensor] {
  if (!q.requiresGrad && !k.requiresGrad) return [q.mul(blind.neg().add(1)), k];
  return [concat([q, q.detach().mul(blind).neg()], -1), concat([k, k.detach()], -1)];
}

/**
 * softmax(QKᵀ/√size + mask)·V in each head, then a linear layer over the heads side by side (Vaswani et al., arXiv
 * 1706.03762); queries and keys turned by their positions where the family does so.
 */
export class DotAttention extends Module implements Attention {
  readonly query: Dense | null;
  readonly key: Dense | null;
  readonly value: Dense | null;
  /** Query, key and value as one matrix. */
  readonly fused: Dense | null;
  readonly output: Dense;
  readonly headSize: number;
  readonly widths: readonly [number, number, number];
  readonly dropout: number;

  constructor({ hiddenSize, heads, keyValueHeads, headSize, dropout: { attention: p } }: EncoderConfig, { bias, fused }: { readonly bias: boolean; readonly fused: boolean }) {
    super();
    this.headSize = headSize;
    this.dropout = p;
    this.widths = [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize];
    const [q, k, v] = this.widths;
    this.query = fused ? null : new Dense(hiddenSize, q, { bias });
    this.key = fused ? null : new Dense(hiddenSize, k, { bias });
    this.value = fused ? null : new Dense(hiddenSize, v, { bias });
    this.fused = fused ? new Dense(hiddenSize, q + k + v, { bias }) : null;
    this.output = new Dense(q, hiddenSize, { bias });
  }

  forward(x: Tensor, context: AttentionContext, cache: KeyValueCache | null = null): AttentionResult {
    const { rotation, segments = null } = context;
    const [q, k, v] = this.#project(x).map((each) => splitHeads(each, this.headSize));
    const turn = rotation === null ? (each: Tensor) => each : (each: Tensor) => rotation.rotate(each);
    const own = { q: turn(q), keys: turn(k), values: rotation?.values === true ? turn(v) : v };
    if (cache !== null && segments !== null) {
      // Sentences see themselves alone, but the cache has the places of a padded batch.
      cached(cache, { q: own.q, keys: placed(own.keys, segments.packing), values: placed(own.values, segments.packing) });
      return this.#mixed(own.q, own.keys, own.values, context);
    }
    const { keys, values } = cache === null ? own : cached(cache, own);
    return this.#mixed(own.q, keys, values, context);
  }

  /** Attention to an encoder's states, whose keys and values are computed once where there is a cache. */
  forwardCross(x: Tensor, context: AttentionContext, cross: CrossContext, cache: KeyValueCache | null): AttentionResult {
    const { query, key, value, headSize } = this;
    if (query === null || key === null || value === null) throw new TypeError('cross-attention has matrices of its own for keys and values');
    const q = splitHeads(query.forward(x), headSize);
    if (cache !== null && cache.keys !== null && cache.values !== null) return this.#crossed(q, cache.keys, cache.values, context, cross);
    const { states, packing } = cross;
    if (states === null) throw new TypeError('cross-attention needs states or a cache of them');
    const own = { q, keys: splitHeads(key.forward(states), headSize), values: splitHeads(value.forward(states), headSize) };
    if (cache !== null && packing !== null) cached(cache, { q, keys: placed(own.keys, packing), values: placed(own.values, packing) });
    const { keys, values } = cache === null || packing !== null ? own : cached(cache, own);
    return this.#crossed(q, keys, values, context, cross);
  }

  /** Queries that stand one sentence behind the other see each the states of their own text. */
  #crossed(q: Tensor, k: Tensor, v: Tensor, context: AttentionContext, { visibility, packing }: CrossContext): AttentionResult {
    const { segments = null, after = {} } = context;
    if (segments === null) return this.#mixed(q, k, v, { ...context, visibility });
    const { starts, batch } = segments.packing;
    const options = this.#options(context);
    const parts: Tensor[] = [];
    for (let sentence = 0; sentence < batch; sentence++) {
      const queries = starts[sentence + 1] - starts[sentence];
      if (queries === 0) continue;
      const its = (x: Tensor): Tensor => (packing === null ? x.narrow(0, sentence, 1) : x.narrow(2, packing.starts[sentence], packing.starts[sentence + 1] - packing.starts[sentence]));
      const [mask, blind] = [visibility.mask, visibility.blind].map((table) => table?.narrow(0, sentence, 1) ?? null);
      parts.push(mix(q.narrow(2, starts[sentence], queries), its(k), its(v), { mask, blind, ...options }).mixed);
    }
    return { output: this.output.forward(mergeHeads(concat(parts, 2)), after), weights: null };
  }

  #options({ needWeights }: AttentionContext): Pick<MixOptions, 'scale' | 'dropout' | 'needWeights'> {
    return { scale: 1 / Math.sqrt(this.headSize), dropout: this.training ? this.dropout : 0, needWeights };
  }

  #mixed(q: Tensor, k: Tensor, v: Tensor, context: AttentionContext): AttentionResult {
    const { visibility, segments = null, after = {} } = context;
    const options = this.#options(context);
    const { mixed, weights } = segments === null ? mix(q, k, v, { ...visibility, ...options })
      : segments.each === null ? mix(q, k, v, { ...everything, segments: segments.starts, causal: segments.causal, ...options })
        : { mixed: bySegments(q, k, v, segments.each, (own, keys, values, { mask }) => mix(own, keys, values, { mask, blind: null, ...options }).mixed), weights: null };
    return { output: this.output.forward(mergeHeads(mixed), after), weights };
  }

  #project(x: Tensor): Tensor[] {
    const { query, key, value, fused } = this;
    if (query !== null && key !== null && value !== null) return Linear.forwardAll([query, key, value], x);
    return (fused as Dense).forward(x).split(this.widths, -1);
  }
}

/** [1, heads, T, size] → [B, heads, S, size], 0 at padding. */
function placed(x: Tensor, packing: Packing): Tensor {
  return packing.spread(x.transpose(1, 2)).transpose(1, 2);
}

/** All keys and values, with these at the end. Backward needs them as they are now if it goes through queries too. */
function cached(cache: KeyValueCache, { q, keys, values }: { readonly q: Tensor; readonly keys: Tensor; readonly values: Tensor }): { readonly keys: Tensor; readonly values: Tensor } {
  return cache.append(keys, values, { recorded: q.requiresGrad || keys.requiresGrad || values.requiresGrad });
}
