import { Dropout, Module } from '@strided/nn';
import { ArgumentError, IndexError, type Tensor } from '@strided/tensor';
import type { EncoderConfig } from '../config.ts';
import { Dense, normOf, Table, type Norm } from '../layers.ts';
import type { DecoderCache } from './decoderCache.ts';
import type { Packing } from './packing.ts';
import { countedPositions, countTokens, positionsAfterPadding, SineTable, sinusoidalPositions } from './positions.ts';

/** What a sequence of tokens is described by; each tensor is [B, S]. */
export interface TokenInputs {
  readonly inputIds?: Tensor | null;
  /** Embeddings instead of ids [B, S, embedding size]. */
  readonly inputsEmbeds?: Tensor | null;
  /** Which sentence a token belongs to. Default: all 0. */
  readonly tokenTypeIds?: Tensor | null;
  /** Default: 0, 1, 2 …, or for RoBERTa's kind counted from the padding id. */
  readonly positionIds?: Tensor | null;
  /** ERNIE's tasks. Default: all 0. */
  readonly taskTypeIds?: Tensor | null;
}

/** Tokens + positions + token types, norm, dropout and, where the widths differ, a projection: [B, S] → [B, S, hidden]. */
export class Embeddings extends Module {
  readonly token: Table;
  /** Trained, or a buffer of sines; null where attention alone knows positions. */
  readonly position: Table | Tensor | null;
  readonly segment: Table | null;
  readonly task: Table | null;
  readonly norm: Norm | null;
  readonly projection: Dense | null;
  readonly dropout: Dropout;
  readonly #config: EncoderConfig;

  constructor(config: EncoderConfig) {
    super();
    const { vocabSize, embeddingSize: width, hiddenSize, segments, tasks, paddingId, embeddingNorm, embeddingProjection } = config;
    this.#config = config;
    this.token = new Table(vocabSize, width, { paddingIndex: paddingId });
    this.position = positionsOf(config);
    this.segment = segments > 0 ? new Table(segments, width, { paddingIndex: config.segmentPadding }) : null;
    this.task = tasks > 0 ? new Table(tasks, width) : null;
    const projects = width !== hiddenSize || embeddingProjection === 'always';
    const early = embeddingProjection === 'beforeNorm';
    this.norm = embeddingNorm === null ? null : normOf(early ? hiddenSize : width, embeddingNorm);
    this.projection = projects ? new Dense(width, hiddenSize, { bias: !early }) : null;
    this.dropout = new Dropout(config.dropout.embedding);
  }

  /** `seen` [B, S, 1] is 0 at padding; used where a family clears it. */
  forward(inputs: TokenInputs, seen: Tensor | null): Tensor {
    const early = this.#config.embeddingProjection === 'beforeNorm';
    let x = this.#sum(inputs);
    if (early && this.projection !== null) x = this.projection.forward(x);
    if (this.norm !== null) x = this.norm.forward(x);
    if (this.#config.zeroPadding && seen !== null) x = x.mul(seen);
    x = this.dropout.forward(x);
    return early || this.projection === null ? x : this.projection.forward(x);
  }

  /** Refuses what cannot be embedded, before anything is computed. */
  check({ inputIds = null, inputsEmbeds = null, positionIds = null }: TokenInputs): void {
    if ((inputIds === null) === (inputsEmbeds === null)) throw new ArgumentError('embeddings: give either inputIds or inputsEmbeds');
    if (this.position === null) return;
    const [, length] = (inputIds ?? inputsEmbeds as Tensor).shape;
    const most = rowsOf(this.position).shape[0] - (positionIds === null && this.#afterPadding !== null ? this.#afterPadding + 1 : 0);
    if (length > most) throw new IndexError(`embeddings: a sequence of ${length} tokens is longer than the ${most} positions of the model; truncate it`);
  }

  /** The real tokens of a batch alone, in one row; they keep their positions. */
  packed(inputs: TokenInputs, packing: Packing): TokenInputs {
    const pack = (x: Tensor | null | undefined): Tensor | null => ((x ?? null) === null ? null : packing.pack(x as Tensor));
    return {
      inputIds: pack(inputs.inputIds), inputsEmbeds: pack(inputs.inputsEmbeds), tokenTypeIds: pack(inputs.tokenTypeIds), taskTypeIds: pack(inputs.taskTypeIds),
      positionIds: packing.pack(this.positionsOf(inputs)),
    };
  }

  /** Positions of the tokens [1 or B, S]. */
  positionsOf({ inputIds = null, inputsEmbeds = null, positionIds = null }: TokenInputs): Tensor {
    const [, length] = (inputIds ?? inputsEmbeds as Tensor).shape;
    if (positionIds !== null) return positionIds.rank === 1 ? positionIds.unsqueeze(0) : positionIds;
    const padding = this.#afterPadding;
    if (padding === null) return countedPositions(length);
    return inputIds === null ? countedPositions(length).add(padding + 1) : positionsAfterPadding(inputIds, padding);
  }

  /** The inputs with the positions that go on from those of the tokens that a cache holds. */
  continued(inputs: TokenInputs, cache: DecoderCache): TokenInputs {
    const { inputIds = null, inputsEmbeds = null, positionIds = null } = inputs;
    const [batch, length] = (inputIds ?? inputsEmbeds as Tensor).shape;
    const padding = this.#afterPadding;
    if (padding === null) return positionIds !== null || cache.length === 0 ? inputs : { ...inputs, positionIds: countedPositions(length, cache.length) };
    const ids = inputIds ?? countedPositions(1).add(padding + 1).expand([batch, length]);
    const counts = countTokens(ids, padding, cache.counts(batch));
    cache.addCounts(counts);
    return positionIds === null ? { ...inputs, positionIds: positionsAfterPadding(ids, padding, counts) } : inputs;
  }

  #sum(inputs: TokenInputs): Tensor {
    const { inputIds = null, inputsEmbeds = null, tokenTypeIds = null, taskTypeIds = null } = inputs;
    let x = inputsEmbeds ?? this.token.forward(inputIds as Tensor);
    const [batch, length] = x.shape;
    const { position } = this;
    if (position !== null) x = x.add(this.#positions(position, inputs, length));
    x = addTypes(x, this.segment, tokenTypeIds, 'tokenTypeIds', [batch, length]);
    return addTypes(x, this.task, taskTypeIds, 'taskTypeIds', [batch, length]);
  }

  #positions(position: Table | Tensor, inputs: TokenInputs, length: number): Tensor {
    const table = rowsOf(position);
    const counted = (inputs.positionIds ?? null) === null;
    // Without ids of their own, positions are the table's first rows: nothing to look up.
    if (counted && this.#afterPadding === null) return table.narrow(0, 0, length);
    const ids = this.positionsOf(inputs);
    return position instanceof Table ? position.forward(ids) : table.indexSelect(0, ids.flatten()).reshape([...ids.shape, table.shape[1]]);
  }

  /** The padding id, where positions are counted from it. */
  get #afterPadding(): number | null {
    const { positions, paddingId } = this.#config;
    return positions.kind === 'learned' && positions.fromPadding ? paddingId ?? 0 : null;
  }
}

/** The table of positions [length, width]. */
function rowsOf(position: Table | Tensor): Tensor {
  if (position instanceof Table) return position.weight;
  return position.rank === 3 ? position.select(0, 0) : position;
}

function positionsOf({ positions, embeddingSize, paddingId }: EncoderConfig): Table | Tensor | null {
  if (positions.kind === 'none') return null;
  if (positions.kind === 'sinusoidal') return sinusoidalPositions(positions.length, embeddingSize);
  if (positions.sines === true) return new SineTable(positions.length, embeddingSize);
  return new Table(positions.length, embeddingSize, { paddingIndex: positions.fromPadding ? paddingId : null });
}

/** x with the rows of a table of types added; without ids, everything is of type 0. */
function addTypes(x: Tensor, table: Table | null, ids: Tensor | null, name: string, shape: readonly number[]): Tensor {
  if (table === null) {
    if (ids !== null && ids.toTypedArray().some((id) => id !== 0)) throw new ArgumentError(`embeddings: this model has no ${name}; leave them out, or give zeros`);
    return x;
  }
  return x.add(ids === null ? table.forward(countedPositions(1).expand([...shape])) : table.forward(ids));
}
