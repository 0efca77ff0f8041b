import { FormatError } from '@strided/tensor/errors';
import { readLines } from './lines.ts';

/**
 * What the lines of a corpus are: `documents`, one sentence a line and blank lines between documents, or `pairs`,
 * a sentence, a tab and the sentence that follows it on each line.
 */
export type CorpusKind = 'documents' | 'pairs';

/** A file of a corpus, as much as reading one needs; on Node `openTextFile` opens one. */
export interface TextFile {
  /** Names the file in messages. */
  readonly name: string;
  /** The whole of it, in chunks cut anywhere. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Bytes `start … end − 1`. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/**
 * Sentences that belong together: a document, or a run of pairs as `[a, b, a, b, …]`. A block is what is read at once.
 */
export interface Block {
  readonly sentences: readonly string[];
  /** The bytes it stands on: `offset … end − 1`. */
  readonly offset: number;
  readonly end: number;
  /** The number of its first line. */
  readonly line: number;
}

/** A longer document goes on in the next block, so that memory stays bounded whatever the corpus. */
export const MAX_BLOCK_SENTENCES = 4096;

/** Lines of a block of pairs: enough that an index of blocks is small, few enough that a random order is random. */
const PAIRS_IN_BLOCK = 64;

/**
 * Reads a corpus as a stream of blocks, of which one at a time is held in memory.
 *
 * @example
 * for await (const { sentences } of readCorpus(file.chunks(), 'corpus.txt', 'documents')) count(sentences);
 *
 * @throws FormatError naming file and line: not text (see {@link readLines}), nothing in it, or for pairs a line that is
 * not two sentences with one tab between
 */
export async function* readCorpus(chunks: AsyncIterable<Uint8Array | string>, name: string, kind: CorpusKind): AsyncGenerator<Block> {
  const most = kind === 'documents' ? MAX_BLOCK_SENTENCES : 2 * PAIRS_IN_BLOCK;
  let sentences: string[] = [];
  let offset = 0;
  let end = 0;
  let first = 0;
  let empty = true;
  for await (const line of readLines(chunks, name)) {
    const blank = line.text.trim() === '';
    if (!blank) {
      if (sentences.length === 0) {
        offset = line.offset;
        first = line.number;
      }
      end = line.end;
      if (kind === 'pairs') sentences.push(...splitPair(line.text, name, line.number));
      else sentences.push(line.text.trim());
    }
    const complete = sentences.length >= most || (blank && kind === 'documents' && sentences.length > 0);
    if (complete) {
      empty = false;
      yield { sentences, offset, end, line: first };
      sentences = [];
    }
  }
  if (sentences.length > 0) yield { sentences, offset, end, line: first };
  else if (empty) throw new FormatError(`${name}: the corpus is empty; it needs ${describe(kind)}`);
}

/** What a corpus of a kind looks like, for messages. */
export function describe(kind: CorpusKind): string {
  return kind === 'documents' ? 'one sentence a line, with blank lines between documents' : 'lines of two sentences with a tab between them';
}

function splitPair(text: string, name: string, line: number): [string, string] {
  const sides = text.split('\t');
  if (sides.length === 1) {
    throw new FormatError(`${name}:${line}: no tab; each line must be two sentences with a tab between them`);
  }
  if (sides.length > 2) {
    throw new FormatError(`${name}:${line}: ${sides.length - 1} tabs; each line must be two sentences with one tab between them`);
  }
  const [a, b] = sides.map((side) => side.trim());
  if (a === '' || b === '') {
    throw new FormatError(`${name}:${line}: the ${a === '' ? 'first' : 'second'} sentence is empty; each line must be two sentences with a tab between them`);
  }
  return [a, b];
}

/** A corpus that can be read in any order, block by block. */
export interface Corpus {
  /** Names it in messages. */
  readonly name: string;
  readonly kind: CorpusKind;
  readonly blockCount: number;
  /** Sentences in all. */
  readonly sentenceCount: number;
  /** How many sentences a block has. */
  sentencesIn(block: number): number;
  /** The sentences of a block. */
  readBlock(block: number): Promise<readonly string[]>;
}

/** How many pairs of consecutive sentences `sentences` sentences of one block make. */
export function pairsIn(kind: CorpusKind, sentences: number): number {
  return kind === 'documents' ? Math.max(sentences - 1, 0) : sentences / 2;
}

/** How many training examples a pass over the corpus makes. */
export function examplesIn(corpus: Corpus): number {
  let count = 0;
  for (let block = 0; block < corpus.blockCount; block++) count += pairsIn(corpus.kind, corpus.sentencesIn(block));
  return count;
}

/** Every sentence of a corpus, block by block: what a vocabulary is learned from. */
export async function* sentencesOf(corpus: Corpus): AsyncGenerator<string> {
  for (let block = 0; block < corpus.blockCount; block++) yield* await corpus.readBlock(block);
}
