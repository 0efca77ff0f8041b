import type { Generator, GeneratorState } from '@strided/tensor';
import { ArgumentError, CheckpointError, FormatError } from '@strided/tensor/errors';
import { type Corpus, describe, examplesIn } from '../corpus/corpus.ts';
import { buildExample, collate, MIN_SEQUENCE_LENGTH, type PretrainingBatch, type PretrainingExample } from './examples.ts';
import { Masker, type MaskingOptions, type SpecialIds } from './masking.ts';
import { blockOrder, poolRange, SentencePool } from './pairs.ts';

/** A tokenizer, as much of it as pretraining needs. `BertTokenizer` and `WhitespaceTokenizer` are such. */
export interface TextEncoding {
  encodeIds(text: string): ArrayLike<number>;
}

/** What a {@link PretrainingDataset} is made of. */
export interface PretrainingDatasetOptions {
  readonly corpus: Corpus;
  readonly tokenizer: TextEncoding;
  readonly specialIds: SpecialIds;
  /** Further ids that are never masked and never replace a token. */
  readonly otherSpecialIds?: readonly number[];
  readonly vocabSize: number;
  /** Examples are cut to this many tokens. */
  readonly seqLen: number;
  readonly batchSize: number;
  /** Its own: nothing else may draw from it. */
  readonly generator: Generator;
  readonly masking?: MaskingOptions;
  /** Visit the pairs in a random order. Default true. */
  readonly shuffle?: boolean;
  /** How many passes; the last batch may be smaller. Default: without end, batches going on from one pass into the next. */
  readonly epochs?: number;
  /** Pad batches to `seqLen`, or (the default) as far as their longest example. */
  readonly padTo?: 'longest' | 'seqLen';
  /** How many sentences are in memory together and shuffled among each other. Default 131,072, about 20 MB of text. */
  readonly poolSentences?: number;
}

/** Where a dataset is: plain JSON. With it the same batches follow, bit for bit. */
export interface PretrainingDatasetState {
  /** How many passes are complete. */
  readonly epoch: number;
  /** The place, in the order of this pass, of the first block of the pool at hand. */
  readonly block: number;
  /** How many examples of the pool have been given. */
  readonly position: number;
  readonly generator: GeneratorState;
  /** The generator before this pass's blocks were put in order. */
  readonly epochGenerator: GeneratorState;
  /** The generator before the pool at hand was put in order. */
  readonly poolGenerator: GeneratorState;
  /** What the corpus was, to notice another. */
  readonly corpus: { readonly blocks: number; readonly sentences: number };
}

/**
 * Training examples from a corpus, as the seed's dataset makes them: pairs of sentences, half of them with a random second
 * one, masked; without end, each pass in another order. What follows depends on `state` alone.
 *
 * A pass puts the corpus's blocks in a random order, then takes them in pools of about `poolSentences`, and visits the pairs of
 * a pool in a random order: a corpus that fits one pool is shuffled perfectly, a larger one needs no more memory.
 *
 * @example
 * const dataset = new PretrainingDataset({ corpus, tokenizer, specialIds, vocabSize: 8000, seqLen: 64, batchSize: 32, generator: new Generator(1) });
 * for await (const batch of dataset) {
 *   trainOn(batch);
 *   checkpoint.data = dataset.state;      // later: dataset.state = checkpoint.data
 * }
 */
export class PretrainingDataset implements AsyncIterable<PretrainingBatch> {
  /** How many examples a pass has. */
  readonly examplesPerEpoch: number;
  readonly #options: PretrainingDatasetOptions;
  readonly #masker: Masker;
  #epoch = 0;
  #block = 0;
  #position = 0;
  #epochGenerator: GeneratorState;
  #poolGenerator: GeneratorState;
  #order: Uint32Array | null = null;
  #pool: LoadedPool | null = null;

  /**
   * @throws FormatError where the corpus has no two sentences that follow each other
   * @throws ArgumentError on sizes or special ids that make no sense
   */
  constructor(options: PretrainingDatasetOptions) {
    const { corpus, generator, vocabSize, specialIds } = options;
    checkCount('seqLen', options.seqLen, MIN_SEQUENCE_LENGTH);
    checkCount('batchSize', options.batchSize, 1);
    checkCount('poolSentences', options.poolSentences ?? 1, 1);
    if (options.epochs !== undefined) checkCount('epochs', options.epochs, 0);
    this.#options = options;
    this.#masker = new Masker(specialIds, options.otherSpecialIds ?? [], vocabSize, options.masking);
    this.examplesPerEpoch = examplesIn(corpus);
    if (this.examplesPerEpoch === 0) {
      throw new FormatError(`${corpus.name}: no sentence follows another; the corpus needs ${describe(corpus.kind)}, at least two sentences in one document`);
    }
    this.#epochGenerator = generator.state;
    this.#poolGenerator = generator.state;
  }

  get state(): PretrainingDatasetState {
    const { corpus, generator } = this.#options;
    return {
      epoch: this.#epoch,
      block: this.#block,
      position: this.#position,
      generator: generator.state,
      epochGenerator: this.#epochGenerator,
      poolGenerator: this.#poolGenerator,
      corpus: { blocks: corpus.blockCount, sentences: corpus.sentenceCount },
    };
  }

  /** Goes on from there; what must be read is read with the next batch. */
  set state(state: PretrainingDatasetState) {
    const { corpus, generator } = this.#options;
    if (state.corpus.blocks !== corpus.blockCount || state.corpus.sentences !== corpus.sentenceCount) {
      throw new CheckpointError(
        `${corpus.name}: the checkpoint's corpus had ${state.corpus.sentences} sentences in ${state.corpus.blocks} blocks, this one has ${corpus.sentenceCount} in ${corpus.blockCount}; resume with the same corpus`,
      );
    }
    generator.state = state.generator;
    this.#epoch = state.epoch;
    this.#block = state.block;
    this.#position = state.position;
    this.#epochGenerator = state.epochGenerator;
    this.#poolGenerator = state.poolGenerator;
    this.#order = null;
    this.#pool = null;
  }

  /** The next batch, or null after the last pass. */
  async next(): Promise<PretrainingBatch | null> {
    const { batchSize, padTo, seqLen, specialIds } = this.#options;
    const examples: PretrainingExample[] = [];
    while (examples.length < batchSize) {
      const pool = await this.#poolAtHand();
      if (pool === null) break;
      examples.push(this.#example(pool));
    }
    if (examples.length === 0) return null;
    return collate(examples, { padId: specialIds.pad, ...(padTo === 'seqLen' ? { seqLen } : {}) });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PretrainingBatch> {
    for (let batch = await this.next(); batch !== null; batch = await this.next()) yield batch;
  }

  #example(pool: LoadedPool): PretrainingExample {
    const { generator, seqLen, specialIds } = this.#options;
    const { a, b, isNext } = pool.sentences.pair(this.#position++, generator);
    return buildExample({ a: this.#ids(pool, a), b: this.#ids(pool, b), isNext }, seqLen, specialIds, this.#masker, generator);
  }

  /** The ids of a sentence; each is encoded once while its pool is at hand. */
  #ids(pool: LoadedPool, sentence: number): Int32Array {
    const { tokenizer, seqLen } = this.#options;
    const ids = pool.ids[sentence] ?? Int32Array.from(tokenizer.encodeIds(pool.sentences.sentences[sentence])).slice(0, seqLen);
    pool.ids[sentence] = ids;
    return ids;
  }

  /** The pool that the next example comes from, or null after the last pass. */
  async #poolAtHand(): Promise<LoadedPool | null> {
    for (;;) {
      if (this.#options.epochs !== undefined && this.#epoch >= this.#options.epochs) return null;
      this.#pool ??= await this.#load();
      if (this.#position < this.#pool.sentences.pairCount) return this.#pool;
      this.#advance(this.#pool);
    }
  }

  #advance(pool: LoadedPool): void {
    const { corpus, generator } = this.#options;
    this.#pool = null;
    this.#position = 0;
    this.#block = pool.to;
    this.#poolGenerator = generator.state;
    if (pool.to === corpus.blockCount) {
      this.#epoch++;
      this.#block = 0;
      this.#order = null;
      this.#epochGenerator = generator.state;
    }
  }

  /** Reads the pool at hand. At its start this draws from the generator; later, after a restore, it draws the same again. */
  async #load(): Promise<LoadedPool> {
    const { corpus, generator, poolSentences = 131_072, shuffle = true } = this.#options;
    const current = generator.state;
    const isStart = this.#position === 0;
    if (this.#order === null) {
      generator.state = this.#epochGenerator;
      this.#order = blockOrder(corpus.blockCount, shuffle ? generator : null);
      if (this.#block === 0) this.#poolGenerator = generator.state;
    }
    const order = this.#order;
    const { to } = poolRange(corpus, order, this.#block, poolSentences);
    const blocks: (readonly string[])[] = [];
    for (let i = this.#block; i < to; i++) blocks.push(await corpus.readBlock(order[i]));
    const sentences = new SentencePool(blocks, corpus.kind, corpus.name);
    generator.state = this.#poolGenerator;
    if (shuffle) sentences.shuffle(generator);
    if (!isStart) generator.state = current;
    return { sentences, to, ids: new Array<Int32Array | undefined>(sentences.sentences.length) };
  }
}

interface LoadedPool {
  readonly sentences: SentencePool;
  /** The place in the order of the first block after it. */
  readonly to: number;
  readonly ids: (Int32Array | undefined)[];
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ArgumentError(`PretrainingDataset: ${name} must be a whole number from ${least}, not ${value}`);
  }
}
