import { CheckpointError } from '@strided/tensor';
import type { ActivationName } from './activation.ts';
import type { NormSpec } from './layers.ts';

/** How an encoder knows the order of its tokens, besides what attention adds. */
export type Positions =
  /**
   * A trained table. With `fromPadding` positions count the ids that are no padding, from the padding id + 1 (RoBERTa);
   * with `sines` it starts as sines and cosines (DistilBERT).
   */
  | { readonly kind: 'learned'; readonly length: number; readonly fromPadding: boolean; readonly sines?: boolean }
  /** Sines and cosines that are not trained, with the float32 angles of BERT-pytorch. */
  | { readonly kind: 'sinusoidal'; readonly length: number }
  | { readonly kind: 'none' };

export type AttentionSpec =
  | {
    readonly kind: 'dot';
    readonly bias: boolean;
    /** Query, key and value are one matrix (ModernBERT). */
    readonly fused: boolean;
    readonly rotary: RotarySpec | null;
    /** One trained bias a head and bucket of distance, the same in all layers (MPNet). */
    readonly relativeBias: { readonly buckets: number } | null;
  }
  | ({ readonly kind: 'disentangled' } & DisentangledSpec);

export type RotarySpec =
  /** Angles position·θ^(−2i/size), halves rotated against each other; θ by kind of layer. */
  | { readonly kind: 'halves'; readonly theta: number; readonly localTheta: number }
  /** Pairs of neighbours rotated by a table of sines and cosines that the file holds (RoFormer). */
  | { readonly kind: 'pairs'; readonly values: boolean; readonly length: number };

export interface DisentangledSpec {
  /** Off: ordinary attention with DeBERTa's scaling. */
  readonly relative: boolean;
  /** Content looks at positions, positions look at content. */
  readonly contentToPosition: boolean;
  readonly positionToContent: boolean;
  /** Query and key matrices serve positions too. */
  readonly sharedKeys: boolean;
  /** 0: each distance is its own bucket. */
  readonly buckets: number;
  readonly maxDistance: number;
  readonly normRelative: boolean;
  readonly convolution: { readonly size: number; readonly groups: number; readonly activation: ActivationName } | null;
}

/** The probability of every dropout, by its place. */
export interface Dropouts {
  readonly embedding: number;
  /** Of attention weights. */
  readonly attention: number;
  readonly attentionOutput: number;
  /** Between the two matrices of the feed-forward network. */
  readonly feedForwardInner: number;
  readonly feedForwardOutput: number;
  /** After the whole layer (the seed's model). */
  readonly layer: number;
}

/**
 * What every encoder is built from, whatever family its file came from. A family's parser fills all of it;
 * a value that no encoder here understands is refused there, never ignored.
 */
export interface EncoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Fewer than the heads: each serves a group of them. */
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly intermediateSize: number;
  /** Width of the embeddings; where it differs from the hidden size they are projected. */
  readonly embeddingSize: number;
  /** `always`: also between equal sizes (ALBERT). `beforeNorm`: without bias and before the norm, which has the hidden size (DeBERTa). */
  readonly embeddingProjection: 'ifNeeded' | 'always' | 'beforeNorm';
  readonly embeddingNorm: NormSpec | null;
  /** Embeddings of padding are set to 0 (DeBERTa). */
  readonly zeroPadding: boolean;
  readonly paddingId: number | null;
  readonly positions: Positions;
  /** Rows of the table of token types; 0: there is none. */
  readonly segments: number;
  /** The row of it that stands for padding and is not trained. */
  readonly segmentPadding: number | null;
  /** Rows of the table of task types (ERNIE); 0: there is none. */
  readonly tasks: number;
  readonly normPlace: 'first' | 'last';
  readonly norm: NormSpec;
  /** Whether the first layer normalises before its attention (ModernBERT's does not). */
  readonly firstAttentionNorm: boolean;
  readonly finalNorm: boolean;
  readonly attention: AttentionSpec;
  /** For each layer that runs, whether its tokens see all others or those at most `window` away. */
  readonly layerKinds: readonly ('global' | 'local')[];
  readonly window: number;
  /** `split`: two matrices, one a gate; `fused`: the same as one matrix. */
  readonly feedForward: { readonly kind: 'plain' | 'split' | 'fused'; readonly activation: ActivationName; readonly bias: boolean };
  readonly dropout: Dropouts;
  /** Layers share weights: `groups` sets of `inner` layers, run in turn (ALBERT). null: each has its own. */
  readonly sharing: { readonly groups: number; readonly inner: number } | null;
  /** Tokens see only those before them. */
  readonly causal: boolean;
  readonly crossAttention: boolean;
}

/** What most families share; a family's parser overrides what it has otherwise. */
export const plainEncoder = {
  embeddingProjection: 'ifNeeded',
  zeroPadding: false,
  segmentPadding: null,
  tasks: 0,
  normPlace: 'last',
  firstAttentionNorm: true,
  finalNorm: false,
  window: 0,
  sharing: null,
  causal: false,
  crossAttention: false,
} as const satisfies Partial<EncoderConfig>;

/** How many tokens a text can have, as far as positions limit it. */
export function longestText({ positions, paddingId, attention }: EncoderConfig): number {
  if (positions.kind === 'learned') return positions.length - (positions.fromPadding ? (paddingId ?? 0) + 1 : 0);
  if (positions.kind === 'sinusoidal') return positions.length;
  return attention.kind === 'dot' && attention.rotary?.kind === 'pairs' ? attention.rotary.length : Infinity;
}

/** How many numbers the body of an encoder holds, from below: norms, biases and heads are left out. */
export function leastParameters(config: EncoderConfig): number {
  const { hiddenSize, embeddingSize, headSize, heads, keyValueHeads, intermediateSize, layers, sharing, feedForward, positions } = config;
  const tables = (config.vocabSize + config.segments + config.tasks + (positions.kind === 'learned' ? positions.length : 0)) * embeddingSize;
  const attention = hiddenSize * headSize * (2 * heads + 2 * keyValueHeads);
  const feed = hiddenSize * intermediateSize * (feedForward.kind === 'plain' ? 2 : 3);
  return tables + parametersOfPositions(config) + (sharing === null ? layers : sharing.groups * sharing.inner) * (attention * (config.crossAttention ? 2 : 1) + feed);
}

/** Those of what attention knows of positions, and of DeBERTa's convolution. */
function parametersOfPositions({ attention, hiddenSize, headSize, heads }: EncoderConfig): number {
  if (attention.kind === 'dot') return attention.rotary?.kind === 'pairs' ? attention.rotary.length * headSize : (attention.relativeBias?.buckets ?? 0) * heads;
  const { relative, convolution } = attention;
  const distances = relative ? 2 * spanOf(attention) * hiddenSize : 0;
  return distances + (convolution === null ? 0 : (hiddenSize / convolution.groups) * hiddenSize * convolution.size);
}

/** Buckets of distance on each side of 0. */
export const spanOf = ({ buckets, maxDistance }: DisentangledSpec): number => (buckets > 0 ? buckets : maxDistance);

/** 32 GB of float32; the largest published model of these families, Megatron-BERT, has half of it. */
const mostParameters = 8e9;

/** Refuses sizes that cannot be a model, before anything is allocated. */
export function checkSizes(file: string, config: EncoderConfig): EncoderConfig {
  const { hiddenSize, heads, keyValueHeads, headSize, attention } = config;
  if (heads * headSize !== hiddenSize && hiddenSize % heads !== 0) {
    throw new CheckpointError(`${file}: the hidden size ${hiddenSize} is not a multiple of the ${heads} attention heads; choose heads that divide it`);
  }
  if (heads % keyValueHeads !== 0) {
    throw new CheckpointError(`${file}: the ${heads} attention heads are not a multiple of the ${keyValueHeads} heads of keys and values; choose a number that divides them`);
  }
  if (attention.kind === 'dot' && attention.rotary !== null && headSize % 2 !== 0) {
    throw new CheckpointError(`${file}: rotary positions need an even head size, not ${headSize}; choose another hidden size or number of heads`);
  }
  if (config.paddingId !== null && config.paddingId >= config.vocabSize) {
    throw new CheckpointError(`${file}: the padding id ${config.paddingId} is not one of the ${config.vocabSize} ids of the vocabulary`);
  }
  if (config.crossAttention && !config.causal) {
    throw new CheckpointError(`${file}: add_cross_attention needs is_decoder: only a decoder attends to an encoder`);
  }
  const count = leastParameters(config);
  if (count > mostParameters) {
    throw new CheckpointError(`${file}: describes a model of ${count.toExponential(2)} parameters; models of more than ${mostParameters.toExponential(0)} are refused`);
  }
  return config;
}

/** The tables of sines and the like can be as long as a file says: this is the longest. */
export const longestSequence = 1 << 20;
