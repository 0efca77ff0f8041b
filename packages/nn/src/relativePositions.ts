import { ArgumentError, fromTypedArray, type Tensor } from '@strided/tensor';
import { Embedding } from './embedding.ts';
import { Module } from './module.ts';

export interface RelativeBucketOptions {
  /** How many buckets distances fall into. Default 32. */
  readonly buckets?: number;
  /** From this distance on all fall into the last. Default 128. */
  readonly maxDistance?: number;
  /** Whether keys after the query have buckets of their own (an encoder); else they share the first (a decoder). Default true. */
  readonly bidirectional?: boolean;
}

/**
 * The bucket of a key's position minus its query's (Raffel et al., T5, arXiv 1910.10683; MPNet): half of the buckets
 * hold one small distance each, the other half logarithmically wider ranges. The logarithm is computed in float32 as in
 * the original, whose rounding decides at the edges.
 */
export function relativeBucket(distance: number, { buckets = 32, maxDistance = 128, bidirectional = true }: RelativeBucketOptions = {}): number {
  const count = bidirectional ? Math.floor(buckets / 2) : buckets;
  const first = bidirectional && distance > 0 ? count : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(count / 2);
  if (far < exact) return first + far;
  const share = Math.fround(Math.fround(Math.log(Math.fround(far / exact))) / Math.fround(Math.log(maxDistance / exact)));
  return first + Math.min(count - 1, exact + Math.trunc(Math.fround(share * (count - exact))));
}

/**
 * A trained number for each head and bucket of distance, to be added to the scores of attention: its `mask`. Starts
 * standard normal, as PyTorch's Embedding.
 *
 * @example
 * const bias = new RelativePositionBias(4);
 * attention.forward(x, { mask: bias.forward(10) }); // [4, 10, 10]
 */
export class RelativePositionBias extends Module {
  readonly embedding: Embedding;
  readonly options: RelativeBucketOptions;

  constructor(heads: number, options: RelativeBucketOptions = {}) {
    super();
    const { buckets = 32, maxDistance = 128, bidirectional = true } = options;
    const least = bidirectional ? 4 : 2;
    if (!Number.isInteger(buckets) || buckets < least || buckets % least !== 0) throw new ArgumentError(`RelativePositionBias: the buckets must be a multiple of ${least}, not ${buckets}`);
    if (!(maxDistance > buckets / least)) throw new ArgumentError(`RelativePositionBias: maxDistance must be above ${buckets / least}, the distances with a bucket of their own, not ${maxDistance}`);
    this.options = options;
    this.embedding = new Embedding(buckets, heads);
  }

  /** [heads, queries, keys]; the first query stands at position `start` (after a cache, its length). */
  forward(queries: number, keys = queries, start = 0): Tensor {
    const ids = Int32Array.from({ length: queries * keys }, (_, i) => relativeBucket((i % keys) - (start + Math.floor(i / keys)), this.options));
    return this.embedding.forward(fromTypedArray(ids, [queries, keys])).permute([2, 0, 1]);
  }
}
