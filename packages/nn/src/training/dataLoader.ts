import { ArgumentError, CheckpointError, fromTypedArray, Generator, type GeneratorState, type Tensor } from '@strided/tensor';
import type { DataSource } from './dataSource.ts';

export interface DataLoaderOptions<T, B> {
  readonly batchSize: number;
  /** Makes a batch of examples, such as tensors by `padSequences`. */
  readonly collate: (examples: readonly T[]) => B;
  /** Whether each pass has an order of its own. Default true. */
  readonly shuffle?: boolean;
  /** Of the orders. Default 0. */
  readonly seed?: number;
  /** Whether a last batch that is not full is left out of each pass. Default false. */
  readonly dropLast?: boolean;
  /**
   * The length of an example, as padding sees it: batches are then filled with examples of about the same length. The
   * order stays random among windows of 50 batches, inside which lengths are sorted, and among the batches of each.
   */
  readonly lengthOf?: (example: T) => number;
}

/** Where a loader stands: the generator before it made this pass's order, and how many batches of it were given. */
export interface LoaderPlace {
  readonly generator: GeneratorState;
  readonly position: number;
  readonly examples: number;
}

/** Batches in a window in which examples of about the same length meet. */
const WINDOW = 50;

/**
 * Endless batches of examples, pass after pass, each example once a pass. It goes on exactly where it stopped.
 *
 * @example
 * const data = new DataLoader(reviews, {
 *   batchSize: 32, lengthOf: ({ ids }) => ids.length,
 *   collate: (batch) => ({ ...padSequences(batch.map(({ ids }) => ids)), labels: tensor(batch.map(({ label }) => label), { dtype: 'int32' }) }),
 * });
 */
export class DataLoader<T, B> implements DataSource<B, LoaderPlace> {
  readonly #examples: readonly T[];
  readonly #options: DataLoaderOptions<T, B>;
  readonly #generator: Generator;
  #passStart: GeneratorState;
  #batches: readonly (readonly number[])[];
  #position = 0;

  constructor(examples: readonly T[], options: DataLoaderOptions<T, B>) {
    const { batchSize, seed = 0, dropLast = false } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) throw new ArgumentError(`DataLoader: the batch size must be a whole number from 1, not ${batchSize}`);
    if (examples.length === 0) throw new ArgumentError('DataLoader: there are no examples');
    if (dropLast && examples.length < batchSize) throw new ArgumentError(`DataLoader: ${examples.length} examples fill no batch of ${batchSize}, and dropLast leaves out the rest; choose a smaller batch size`);
    this.#examples = examples;
    this.#options = options;
    this.#generator = new Generator(seed);
    this.#passStart = this.#generator.state;
    this.#batches = this.#makePass();
  }

  /** How many batches a pass has. */
  get length(): number {
    return this.#batches.length;
  }

  next(): B {
    if (this.#position === this.#batches.length) {
      this.#passStart = this.#generator.state;
      this.#batches = this.#makePass();
      this.#position = 0;
    }
    return this.#collate(this.#batches[this.#position++]);
  }

  /** Every example once, in the order given, in batches: for evaluation. The endless stream stays where it is. */
  *inOrder(): IterableIterator<B> {
    for (const batch of this.#cut(this.#examples.map((_, i) => i), false)) yield this.#collate(batch);
  }

  get state(): LoaderPlace {
    return { generator: this.#passStart, position: this.#position, examples: this.#examples.length };
  }

  restore({ generator, position, examples }: LoaderPlace): void {
    if (examples !== this.#examples.length) throw new CheckpointError(`DataLoader: the place belongs to ${examples} examples, here are ${this.#examples.length}; give the same data`);
    if (!Number.isInteger(position) || position < 0 || position > this.#batches.length) throw new CheckpointError(`DataLoader: the place is batch ${position} of a pass of ${this.#batches.length}; give the same options`);
    this.#generator.state = generator;
    this.#passStart = generator;
    this.#batches = this.#makePass();
    this.#position = position;
  }

  #collate(batch: readonly number[]): B {
    return this.#options.collate(batch.map((i) => this.#examples[i]));
  }

  /** The batches of a pass, as numbers of examples. */
  #makePass(): number[][] {
    const { shuffle = true, batchSize, lengthOf, dropLast = false } = this.#options;
    const order = this.#examples.map((_, i) => i);
    if (shuffle) this.#generator.shuffle(order);
    if (lengthOf === undefined) return this.#cut(order, dropLast);
    const length = WINDOW * batchSize;
    const windows = Array.from({ length: Math.ceil(order.length / length) }, (_, i) => order.slice(i * length, (i + 1) * length));
    return windows.flatMap((window) => {
      const batches = this.#cut(window.sort((a, b) => lengthOf(this.#examples[a]) - lengthOf(this.#examples[b])), dropLast);
      return shuffle ? this.#generator.shuffle(batches) : batches;
    });
  }

  #cut(order: readonly number[], dropLast: boolean): number[][] {
    const { batchSize } = this.#options;
    const batches = Array.from({ length: Math.ceil(order.length / batchSize) }, (_, i) => order.slice(i * batchSize, (i + 1) * batchSize));
    return dropLast ? batches.filter(({ length }) => length === batchSize) : batches;
  }
}

export interface PadOptions {
  /** What stands after a sequence's end. Default 0. */
  readonly value?: number;
  /** The length of all; longer sequences are an error. Default: that of the longest. */
  readonly length?: number;
  /** Rounds the length up, so that shapes repeat. Default 1. */
  readonly multipleOf?: number;
}

export interface PaddedSequences {
  /** int32 [sequences, length] */
  readonly ids: Tensor<'int32'>;
  /** bool of the same shape, true behind each sequence's end: the `keyPaddingMask` of attention. */
  readonly padding: Tensor<'bool'>;
}

/**
 * Sequences of whole numbers, of any lengths, as one tensor.
 *
 * @example
 * padSequences([[5, 6, 7], [8]]).ids.toArray(); // [[5, 6, 7], [8, 0, 0]]
 */
export function padSequences(sequences: readonly (readonly number[])[], { value = 0, length, multipleOf = 1 }: PadOptions = {}): PaddedSequences {
  if (!Number.isInteger(multipleOf) || multipleOf < 1) throw new ArgumentError(`padSequences: multipleOf must be a whole number from 1, not ${multipleOf}`);
  const longest = sequences.reduce((most, each) => Math.max(most, each.length), 0);
  if (length !== undefined && longest > length) throw new ArgumentError(`padSequences: a sequence of ${longest} is longer than ${length}; truncate it first`);
  const width = Math.ceil((length ?? longest) / multipleOf) * multipleOf;
  const [ids, padding] = [new Int32Array(sequences.length * width).fill(value), new Uint8Array(sequences.length * width).fill(1)];
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * width);
    padding.fill(0, row * width, row * width + sequence.length);
  });
  return { ids: fromTypedArray(ids, [sequences.length, width]), padding: fromTypedArray(padding, [sequences.length, width], { dtype: 'bool' }) };
}
