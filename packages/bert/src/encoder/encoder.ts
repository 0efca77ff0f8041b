import { Module } from '@strided/nn';
import { ArgumentError, IndexError, isGradEnabled, scope, ShapeError, type Tensor } from '@strided/tensor';
import { longestText, spanOf, type EncoderConfig } from '../config.ts';
import { normOf, Table, type Norm } from '../layers.ts';
import type { AttentionContext, CrossContext } from './attention.ts';
import { ConvolutionLayer } from './convolution.ts';
import { DecoderCache, type LayerCache } from './decoderCache.ts';
import { distanceTables } from './disentangled.ts';
import { DistanceTables } from './distanceTables.ts';
import { Embeddings, type TokenInputs } from './embeddings.ts';
import { TransformerLayer } from './layer.ts';
import { drowned, everything, together, visibility, visibleKeys, VisiblePairs, type Visibility } from './masks.ts';
import { Packing } from './packing.ts';
import { relativeBuckets, sineTable } from './positions.ts';
import { rotationByTable, Rotations, type Rotation } from './rotary.ts';
import { segmentsOf } from './segments.ts';
import { suffices, TokenStates, type Reading } from './tokenStates.ts';

export interface EncoderInputs extends TokenInputs {
  /**
   * [B, S], 0 (or false) where a token is padding that nothing sees; or [B, S, S], for each query; or, of bools or integers,
   * [B, heads, S, S], where heads and queries may be 1. Default: everything is seen. With `pastKeyValues` it covers the
   * tokens there too, which come first.
   */
  readonly attentionMask?: Tensor | null;
  /** What a decoder with cross-attention attends to [B, T, hidden]. */
  readonly encoderHiddenStates?: Tensor | null;
  /** [B, T], as attentionMask. */
  readonly encoderAttentionMask?: Tensor | null;
  /** What an earlier call of a decoder returned: these tokens come after those, and are added to it. */
  readonly pastKeyValues?: DecoderCache | null;
  /** Decoders: return `pastKeyValues`, for the tokens that come next. */
  readonly useCache?: boolean;
  readonly outputHiddenStates?: boolean;
  readonly outputAttentions?: boolean;
}

export interface EncoderOutput {
  /** [B, S, hidden] */
  readonly lastHiddenState: Tensor;
  /** The embeddings and what each layer made of them, when asked for; the last one is `lastHiddenState`. */
  readonly hiddenStates: readonly Tensor[] | null;
  /** One [B, heads, S, S] a layer, when asked for. */
  readonly attentions: readonly Tensor[] | null;
  /** One [B, heads, S, T] a layer with cross-attention, when asked for. */
  readonly crossAttentions: readonly Tensor[] | null;
  /** Keys and values of all tokens so far, for the next ones; null unless asked for. */
  readonly pastKeyValues: DecoderCache | null;
}

/** An encoder's output whose states may be of the real tokens alone. */
export interface Encoded extends Omit<EncoderOutput, 'lastHiddenState'> {
  readonly states: TokenStates;
}

/** What the layers of each kind look at. */
interface Contexts {
  readonly global: AttentionContext;
  readonly local: AttentionContext;
}

/**
 * Embeddings, then transformer layers: the one encoder (and decoder, with `causal`) of every family, built from what its
 * config says.
 */
export class Encoder extends Module {
  readonly embedding: Embeddings;
  readonly layers: readonly TransformerLayer[];
  readonly norm: Norm | null;
  /** MPNet's bias for each bucket of distance and head. */
  readonly relativeBias: Table | null;
  /** DeBERTa's embeddings of distances. */
  readonly relative: Table | null;
  readonly relativeNorm: Norm | null;
  readonly convolution: ConvolutionLayer | null;
  /** RoFormer's sines and cosines: a buffer [positions, head size]. */
  readonly rotary: Tensor | null;
  /** Which layer runs when: layers that share weights run more than once. */
  readonly order: readonly number[];
  readonly #distances = new DistanceTables<'toKey' | 'toQuery'>();
  readonly #buckets = new DistanceTables<'table'>();
  readonly #pairs = new VisiblePairs();
  readonly #rotations: Rotations;
  readonly #config: EncoderConfig;

  constructor(config: EncoderConfig) {
    super();
    const { hiddenSize, heads, headSize, layers, sharing, attention } = config;
    this.#config = config;
    this.#rotations = new Rotations(headSize);
    this.embedding = new Embeddings(config);
    const distinct = sharing === null ? layers : sharing.groups * sharing.inner;
    this.layers = Array.from({ length: distinct }, (_, i) => new TransformerLayer(config, i));
    this.order = orderOf(config);
    this.norm = config.finalNorm ? normOf(hiddenSize, config.norm) : null;
    const bias = attention.kind === 'dot' ? attention.relativeBias : null;
    this.relativeBias = bias === null ? null : new Table(bias.buckets, heads);
    const distances = attention.kind === 'disentangled' && attention.relative ? attention : null;
    this.relative = distances === null ? null : new Table(2 * spanOf(distances), hiddenSize);
    this.relativeNorm = attention.kind === 'disentangled' && attention.normRelative ? normOf(hiddenSize, config.norm) : null;
    const convolution = attention.kind === 'disentangled' ? attention.convolution : null;
    this.convolution = convolution === null ? null : new ConvolutionLayer(hiddenSize, config.norm, config.dropout.attentionOutput, convolution);
    const rotary = attention.kind === 'dot' ? attention.rotary : null;
    this.rotary = rotary?.kind === 'pairs' ? sineTable(rotary.length, headSize, { halves: true }) : null;
  }

  forward(inputs: EncoderInputs): EncoderOutput {
    const { states, ...rest } = this.encode(inputs, 'all');
    return { lastHiddenState: states.hidden, ...rest };
  }

  /** As forward, for who reads the states so: padding is left out where it is not among what is read. */
  encode(inputs: EncoderInputs, reading: Reading): Encoded {
    const cache = this.#cacheOf(inputs);
    if (cache === null) return this.#run(inputs, null, reading);
    const [past, crossPast] = [cache.length, cache.crossLength];
    try {
      return this.#run({ ...inputs, ...this.embedding.continued(inputs, cache) }, cache, reading);
    } catch (error) {
      // What failed half way must not leave tokens in some layers only.
      cache.restore(past, crossPast);
      throw error;
    }
  }

  #run(given: EncoderInputs, cache: DecoderCache | null, reading: Reading): Encoded {
    this.embedding.check(given);
    const packing = cache === null || cache.length === 0 ? packingOf(given, reading) : null;
    const inputs = packing === null ? given : { ...given, ...this.embedding.packed(given, packing), attentionMask: null };
    const { outputHiddenStates = false, outputAttentions = false, attentionMask = null } = inputs;
    const past = cache?.length ?? 0;
    const seen = attentionMask === null || attentionMask.rank !== 2 ? null : attentionMask.ne(0).cast('float32').unsqueeze(-1);
    const embedded = this.embedding.forward(inputs, seen);
    const contexts = this.#contexts(inputs, embedded, past, packing);
    const cross = this.#cross(inputs, packing === null ? [embedded.shape[0], embedded.shape[1]] : [packing.batch, packing.length], cache, packing);
    const [states, attentions, crossAttentions]: Tensor[][] = [[], [], []];
    let x = embedded;
    this.order.forEach((which, i) => {
      if (outputHiddenStates) states.push(x);
      const { output, weights, crossWeights } = alone(cache?.layers[i], () => {
        const result = this.layers[which].forward(x, contexts[this.#config.layerKinds[i]], cross, cache?.layers[i]);
        if (i > 0 || this.convolution === null) return result;
        return { ...result, output: this.convolution.forward(embedded, result.output, seen, packing) };
      });
      x = output;
      if (weights !== null) attentions.push(weights);
      if (crossWeights !== null) crossAttentions.push(crossWeights);
    });
    const last = new TokenStates(this.norm === null ? x : this.norm.forward(x), packing);
    return {
      states: last,
      hiddenStates: outputHiddenStates ? [...states, last.hidden].map((each) => last.padded(each)) : null,
      attentions: outputAttentions ? attentions : null,
      crossAttentions: outputAttentions && cross !== null ? crossAttentions : null,
      pastKeyValues: cache,
    };
  }

  /** The cache to add to, checked before anything is computed. */
  #cacheOf({ pastKeyValues = null, useCache = false, inputIds = null, inputsEmbeds = null }: EncoderInputs): DecoderCache | null {
    if (pastKeyValues === null && !useCache) return null;
    if (!this.#config.causal) throw new ArgumentError('pastKeyValues, useCache: only a decoder keeps what it has computed; set is_decoder in the config of this model');
    const cache = pastKeyValues ?? new DecoderCache(this.order.length, longestText(this.#config));
    const longest = Math.min(cache.maxLength, longestText(this.#config));
    const tokens = inputIds ?? inputsEmbeds;
    if (tokens === null) return null;
    const [batch, length] = tokens.shape;
    if (cache.layers.length !== this.order.length) throw new ArgumentError(`pastKeyValues: are of a model with ${cache.layers.length} layers, this one has ${this.order.length}; each model has its own`);
    if (cache.batch !== null && cache.batch !== batch) throw new ShapeError(`pastKeyValues: hold ${cache.batch} rows, but ${batch} come next; give each batch its own, or reorder() it`);
    if (cache.length + length > longest) throw new IndexError(`pastKeyValues: hold ${cache.length} tokens, and ${length} more are above the ${longest} positions of the model; generate less, or begin with a shorter text`);
    return cache;
  }

  #contexts(inputs: EncoderInputs, embedded: Tensor, past: number, packing: Packing | null): Contexts {
    const { attention, causal, layerKinds, window, heads } = this.#config;
    const [batch, length] = packing === null ? embedded.shape : [1, packing.length];
    const needWeights = inputs.outputAttentions ?? false;
    const keys = visibleKeys(inputs.attentionMask ?? null, { batch, heads, queries: length, keys: past + length });
    const visible = together(this.#queries(keys, inputs), causal ? this.#pairs.causal(length, past) : null);
    const relative = this.relative === null || attention.kind !== 'disentangled' ? null
      : { embeddings: this.relativeNorm?.forward(this.relative.weight) ?? this.relative.weight, ...this.#distances.upTo(length, (most) => distanceTables(most, attention)) };
    const rotary = attention.kind === 'dot' ? attention.rotary : null;
    const rotate = (theta: number): Rotation => this.#rotations.at(this.embedding.positionsOf(inputs), theta);
    const turns = rotary === null ? null : rotary.kind === 'halves' ? rotate(rotary.theta) : this.#turnByTable(inputs, rotary.values);
    const seeing = (pairs: Tensor<'bool'> | null): Pick<AttentionContext, 'visibility' | 'segments'> => {
      if (packing === null) return { visibility: this.#biased(visibility(together(visible, pairs)), length), segments: null };
      // Where nothing but the order matters, attention itself knows it.
      const plain = pairs === null && relative === null && this.relativeBias === null;
      const each = plain ? null : segmentsOf(packing, this.#biased(visibility(together(visible, pairs)), length).mask, relative);
      return { visibility: everything, segments: { packing, starts: packing.starts, causal, each } };
    };
    const global = { ...seeing(null), relative, needWeights, rotation: turns };
    if (!layerKinds.includes('local')) return { global, local: global };
    return { global, local: { ...global, ...seeing(this.#pairs.window(length, window)), rotation: rotary?.kind === 'halves' ? rotate(rotary.localTheta) : turns } };
  }

  /** MPNet adds its bias to what hides keys. */
  #biased({ mask, blind }: Visibility, length: number): Visibility {
    if (this.relativeBias === null) return { mask, blind };
    const bias = drowned(this.relativeBias.forward(this.#buckets.upTo(length, (most) => ({ table: relativeBuckets(most) })).table).permute([2, 0, 1]).unsqueeze(0), blind);
    return { mask: mask === null ? bias : bias.add(mask), blind };
  }

  /** DeBERTa's padding sees nothing either. */
  #queries(keys: Tensor<'bool'> | null, { attentionMask = null }: EncoderInputs): Tensor<'bool'> | null {
    if (keys === null || this.#config.attention.kind !== 'disentangled' || attentionMask?.rank !== 2) return keys;
    return keys.logicalAnd(keys.transpose());
  }

  #turnByTable(inputs: EncoderInputs, values: boolean): Rotation {
    const table = this.rotary as Tensor;
    const ids = this.embedding.positionsOf(inputs);
    return rotationByTable(table.indexSelect(0, ids.flatten()).reshape([...ids.shape, table.shape[1]]), values);
  }

  #cross({ encoderHiddenStates: states = null, encoderAttentionMask = null }: EncoderInputs, [batch, queries]: readonly [number, number], cache: DecoderCache | null, packing: Packing | null): CrossContext | null {
    const length = cache === null || cache.crossLength === 0 ? states?.shape[1] ?? null : cache.crossLength;
    if (length === null) return null;
    if (!this.#config.crossAttention) throw new ArgumentError('encoderHiddenStates: this model has no cross-attention; set is_decoder and add_cross_attention in its config');
    const visible = visibility(visibleKeys(encoderAttentionMask, { batch, heads: this.#config.heads, queries, keys: length }));
    if (packing === null || states === null || encoderAttentionMask === null || (cache?.crossLength ?? 0) > 0) return { states, visibility: visible, packing: null };
    // Of the states too those of padding are left out, unless a text has no others.
    const real = Packing.of(encoderAttentionMask);
    if (real === null || !real.everyRow) return { states, visibility: visible, packing: null };
    return { states: real.pack(states), visibility: everything, packing: real };
  }
}

/** Runs a layer; unless it is recorded, what it makes on the way is gone before the next one, which uses its memory again. */
function alone<T>(cache: LayerCache | undefined, layer: () => T): T {
  return isGradEnabled() ? layer() : scope(layer, { roots: cache === undefined ? [] : [cache] });
}

/** The real tokens of a batch, where they can be computed alone; else null. */
function packingOf({ attentionMask = null, inputIds = null, inputsEmbeds = null, outputAttentions = false, encoderHiddenStates = null, encoderAttentionMask = null }: EncoderInputs, reading: Reading): Packing | null {
  const [batch, length] = (inputIds ?? inputsEmbeds as Tensor).shape;
  if (reading === 'all' || outputAttentions || attentionMask?.rank !== 2) return null;
  if (attentionMask.shape[0] !== batch || attentionMask.shape[1] !== length) return null;
  if (encoderHiddenStates !== null && (encoderHiddenStates.shape[0] !== batch || (encoderAttentionMask ?? attentionMask).rank !== 2)) return null;
  const packing = Packing.of(attentionMask);
  return packing !== null && suffices(packing, reading) ? packing : null;
}

/** The layers in the order of their running; ALBERT runs each group for its share of the depth. */
function orderOf({ layers, sharing }: EncoderConfig): number[] {
  if (sharing === null) return Array.from({ length: layers }, (_, i) => i);
  const { groups, inner } = sharing;
  return Array.from({ length: layers * inner }, (_, i) => Math.floor(Math.floor(i / inner) / (layers / groups)) * inner + (i % inner));
}
