import { FormatError } from '@strided/tensor/errors';
import type { Corpus, CorpusKind } from './corpus.ts';

/**
 * A corpus that is in memory already.
 *
 * @example
 * const corpus = MemoryCorpus.fromDocuments([['One sentence.', 'The next.'], ['Another document.', 'Its end.']]);
 */
export class MemoryCorpus implements Corpus {
  readonly name: string;
  readonly kind: CorpusKind;
  readonly sentenceCount: number;
  readonly #blocks: readonly (readonly string[])[];

  private constructor(name: string, kind: CorpusKind, blocks: readonly (readonly string[])[]) {
    this.name = name;
    this.kind = kind;
    this.#blocks = blocks;
    this.sentenceCount = blocks.reduce((sum, block) => sum + block.length, 0);
    if (this.sentenceCount === 0) throw new FormatError(`${name}: the corpus is empty; it needs at least one document with a sentence`);
  }

  /** @throws FormatError where there is no sentence */
  static fromDocuments(documents: readonly (readonly string[])[], name = 'corpus'): MemoryCorpus {
    return new MemoryCorpus(name, 'documents', documents.filter((document) => document.length > 0));
  }

  /** @throws FormatError where there is no pair */
  static fromPairs(pairs: readonly (readonly [string, string])[], name = 'corpus'): MemoryCorpus {
    return new MemoryCorpus(name, 'pairs', pairs);
  }

  get blockCount(): number {
    return this.#blocks.length;
  }

  sentencesIn(block: number): number {
    return this.#blocks[block].length;
  }

  readBlock(block: number): Promise<readonly string[]> {
    return Promise.resolve(this.#blocks[block]);
  }
}
