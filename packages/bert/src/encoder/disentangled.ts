import { Dropout, Module } from '@strided/nn';
import { fromTypedArray, matmul, type Tensor } from '@strided/tensor';
import { spanOf, type DisentangledSpec, type EncoderConfig } from '../config.ts';
import { Dense } from '../layers.ts';
import { bySegments, mergeHeads, mix, splitHeads, type Attention, type AttentionContext, type AttentionResult } from './attention.ts';
import { everything, type Visibility } from './masks.ts';
import { logBucket } from './positions.ts';

/** What DeBERTa's layers know of distances. */
export interface RelativeContext {
  /** Embeddings of the buckets of distance [2·span, hidden]. */
  readonly embeddings: Tensor;
  /** int32 [S, S]: which of them stands for the distance from query i to key j … */
  readonly toKey: Tensor;
  /** … and for the one from key i back to query j. */
  readonly toQuery: Tensor;
}

/** Embeddings of distances as a layer sees them, by head: [1, heads, size, 2·span]; null for a term that the family leaves out. */
interface Projected {
  readonly keys: Tensor | null;
  readonly queries: Tensor | null;
}

/** Which embedding stands for which distance, of `length` tokens. */
export function distanceTables(length: number, spec: DisentangledSpec): Omit<RelativeContext, 'embeddings'> {
  const span = spanOf(spec);
  const rows = (sign: 1 | -1): Tensor => {
    const table = new Int32Array(length * length);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < length; j++) {
        const distance = spec.buckets > 0 ? logBucket(i - j, spec.buckets, spec.maxDistance) : i - j;
        // Where the buckets reach no further than the exact ones the logarithm divides by 0; PyTorch makes that row 0.
        table[i * length + j] = Number.isFinite(distance) ? Math.min(2 * span - 1, Math.max(0, sign * distance + span)) : 0;
      }
    }
    return fromTypedArray(table, [length, length]);
  };
  return { toKey: rows(1), toQuery: rows(-1) };
}

/**
 * DeBERTa's attention (He et al., arXiv 2006.03654): to the score of content for content come those of the query's
 * content for the key's distance and of the key's content for the query's distance, all divided by √(size·terms).
 */
export class DisentangledAttention extends Module implements Attention {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  /** Of positions; null where content's matrices serve. */
  readonly positionKey: Dense | null;
  readonly positionQuery: Dense | null;
  readonly output: Dense;
  readonly positionDropout: Dropout;
  readonly headSize: number;
  readonly dropout: number;
  readonly spec: DisentangledSpec;

  constructor({ hiddenSize, heads, headSize, dropout }: EncoderConfig, spec: DisentangledSpec) {
    super();
    const width = heads * headSize;
    const own = spec.relative && !spec.sharedKeys;
    this.headSize = headSize;
    this.spec = spec;
    this.dropout = dropout.attention;
    this.query = new Dense(hiddenSize, width);
    this.key = new Dense(hiddenSize, width);
    this.value = new Dense(hiddenSize, width);
    this.positionKey = own && spec.contentToPosition ? new Dense(hiddenSize, width) : null;
    this.positionQuery = own && spec.positionToContent ? new Dense(hiddenSize, width) : null;
    this.output = new Dense(width, hiddenSize);
    this.positionDropout = new Dropout(dropout.attentionOutput);
  }

  forward(x: Tensor, { visibility, relative, needWeights, segments = null, after = {} }: AttentionContext): AttentionResult {
    const { headSize } = this;
    const [q, k, v] = [this.query, this.key, this.value].map((each) => splitHeads(each.forward(x), headSize));
    const projected = relative === null ? null : this.#projected(relative.embeddings);
    const each = segments?.each ?? null;
    const { mixed, weights } = each === null ? this.#mixed(q, k, v, segments === null ? visibility : everything, relative, projected, needWeights, segments?.starts ?? null)
      : { mixed: bySegments(q, k, v, each, (own, keys, values, segment) => this.#mixed(own, keys, values, everything, segment.relative, projected, false).mixed), weights: null };
    return { output: this.output.forward(mergeHeads(mixed), after), weights };
  }

  #mixed(queries: Tensor, k: Tensor, v: Tensor, { mask, blind }: Visibility, relative: RelativeContext | null, projected: Projected | null, needWeights: boolean, segments: ArrayLike<number> | null = null) {
    const { headSize, spec } = this;
    // DeBERTa replaces the scores of a query that sees nothing: unlike elsewhere no gradient flows through them.
    const q = blind === null ? queries : queries.mul(blind.neg().add(1));
    const terms = 1 + Number(spec.contentToPosition) + Number(spec.positionToContent);
    const scale = 1 / Math.sqrt(headSize * terms);
    const positions = relative === null || projected === null ? null : this.#positionScores(q, k, relative, projected, scale);
    const bias = positions === null || blind === null ? positions : positions.mul(blind.neg().add(1));
    return mix(q, k, v, {
      mask: bias === null || mask === null ? bias ?? mask : bias.add(mask), blind: null, segments, scale, dropout: this.training ? this.dropout : 0, needWeights,
    });
  }

  /** The embeddings of distances as keys and queries. */
  #projected(embeddings: Tensor): Projected {
    const { contentToPosition, positionToContent } = this.spec;
    const positions = this.positionDropout.forward(embeddings).unsqueeze(0);
    const project = (dense: Dense): Tensor => splitHeads(dense.forward(positions), this.headSize).transpose();
    return {
      keys: contentToPosition ? project(this.positionKey ?? this.key) : null,
      queries: positionToContent ? project(this.positionQuery ?? this.query) : null,
    };
  }

  /** [B, heads, S, S]; null where the family's file asks for neither term. */
  #positionScores(q: Tensor, k: Tensor, { toKey, toQuery }: RelativeContext, { keys, queries }: Projected, scale: number): Tensor | null {
    const [batch, heads, length] = q.shape;
    const pick = (scores: Tensor, index: Tensor): Tensor => scores.gather(-1, index.expand([batch, heads, length, length]));
    const forKeys = keys === null ? null : pick(matmul(q, keys), toKey);
    const forQueries = queries === null ? null : pick(matmul(k, queries), toQuery).transpose();
    if (forKeys === null || forQueries === null) return (forKeys ?? forQueries)?.mul(scale) ?? null;
    return forKeys.add(forQueries).mul(scale);
  }
}
