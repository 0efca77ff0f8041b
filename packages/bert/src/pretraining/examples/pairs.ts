import type { Generator } from '@strided/tensor';
import { FormatError } from '@strided/tensor/errors';
import { type Corpus, type CorpusKind, pairsIn } from '../corpus/corpus.ts';

/** Two sentences, by their numbers in a pool. */
export interface SentencePair {
  readonly a: number;
  readonly b: number;
  readonly isNext: boolean;
}

/**
 * Blocks of a corpus that are in memory together: sentence pairs are visited in an order that is random within the pool, and the
 * random sentence of a pair that is not true comes from the pool.
 */
export class SentencePool {
  readonly kind: CorpusKind;
  /** The sentences of all blocks, one after the other. */
  readonly sentences: readonly string[];
  /** The first sentence of each true pair; the second is the one after it. */
  readonly #firsts: Int32Array;
  readonly #name: string;

  constructor(blocks: readonly (readonly string[])[], kind: CorpusKind, name = 'corpus') {
    this.kind = kind;
    this.sentences = blocks.flat();
    this.#name = name;
    const firsts = new Int32Array(blocks.reduce((sum, block) => sum + pairsIn(kind, block.length), 0));
    let at = 0;
    let base = 0;
    for (const block of blocks) {
      for (let i = 0; i + 1 < block.length; i += kind === 'documents' ? 1 : 2) firsts[at++] = base + i;
      base += block.length;
    }
    this.#firsts = firsts;
  }

  /** How many true pairs there are. */
  get pairCount(): number {
    return this.#firsts.length;
  }

  /** Puts the pairs in a random order, every one equally likely. */
  shuffle(generator: Generator): void {
    const order = this.#firsts;
    for (let i = order.length - 1; i > 0; i--) {
      const j = generator.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
  }

  /**
   * Pair number `index`: with probability ½ as it is, else with a random second sentence. That one is never the true one, nor
   * another with the same text; in a corpus of pairs it is some line's second sentence, as in the original.
   *
   * @throws FormatError where the pool has no sentence but the true one
   */
  pair(index: number, generator: Generator): SentencePair {
    const a = this.#firsts[index];
    if (generator.uniform() < 0.5) return { a, b: a + 1, isNext: true };
    return { a, b: this.#randomSecond(a, generator), isNext: false };
  }

  #randomSecond(a: number, generator: Generator): number {
    const [step, offset] = this.kind === 'documents' ? [1, 0] : [2, 1];
    const count = this.sentences.length / step;
    const truth = this.sentences[a + 1];
    const draw = (): number => generator.integer(count) * step + offset;
    for (let tries = 0; tries < 16; tries++) {
      const b = draw();
      if (b !== a && b !== a + 1 && this.sentences[b] !== truth) return b;
    }
    // Almost every sentence is the true one: look at each, from a random one on. The first sentence itself will do here.
    const start = draw();
    for (let i = 0; i < count; i++) {
      const b = (start + i * step) % this.sentences.length;
      if (b !== a + 1 && this.sentences[b] !== truth) return b;
    }
    throw new FormatError(`${this.#name}: there is no other sentence than ${JSON.stringify(truth.slice(0, 60))}; the next-sentence task needs a corpus with different ones`);
  }
}

/** Where the pools of a pass begin: from block `from` (of the order) up to `to`, left out. */
export interface PoolRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The blocks of the pool that starts at `from`: as many as have `poolSentences` sentences, and the rest as well where that
 * would be less than half a pool, so that none is too small to draw from.
 */
export function poolRange(corpus: Corpus, order: ArrayLike<number>, from: number, poolSentences: number): PoolRange {
  let to = from;
  let held = 0;
  while (to < order.length && held < poolSentences) held += corpus.sentencesIn(order[to++]);
  let rest = 0;
  for (let i = to; i < order.length && 2 * rest < poolSentences; i++) rest += corpus.sentencesIn(order[i]);
  return { from, to: 2 * rest < poolSentences ? order.length : to };
}

/** The order in which a pass visits the blocks; random where there is a generator. */
export function blockOrder(blocks: number, generator: Generator | null): Uint32Array {
  const order = Uint32Array.from({ length: blocks }, (_, i) => i);
  if (generator === null) return order;
  for (let i = blocks - 1; i > 0; i--) {
    const j = generator.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
