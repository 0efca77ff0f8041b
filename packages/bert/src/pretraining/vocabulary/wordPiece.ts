import { ArgumentError, FormatError } from '@strided/tensor/errors';
import { Vocabulary } from '../../tokenizer/vocabulary.ts';
import { compareCodePoints, type WordCounts } from './counts.ts';
import { PairQueue } from './queue.ts';

/** How {@link learnWordPieces} learns. */
export interface WordPieceLearning {
  /** How many pieces in all, special tokens and single characters included. Default 8,000. */
  readonly vocabSize?: number;
  /** A pair seen more rarely is not merged. Default 2. */
  readonly minFrequency?: number;
  /** The first ids, in order. Default `[PAD] [UNK] [CLS] [SEP] [MASK]`. */
  readonly specialTokens?: readonly string[];
  /** How many characters, the most frequent ones; a word with another one is unknown. Default 1,000. */
  readonly alphabetLimit?: number;
  /** Marks a piece that continues a word. Default `##`. */
  readonly continuingSubwordPrefix?: string;
}

/** Ids 0 to 4 of a vocabulary that is learned here. */
export const BERT_SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** A word as pieces, and how often it was seen. `pieces` shrinks in place as pairs merge. */
interface LearnedWord {
  readonly pieces: number[];
  readonly count: number;
}

/**
 * Learns a WordPiece vocabulary from word counts as Hugging Face's WordPieceTrainer does: every word starts as characters,
 * all but the first marked `##`; then, until the vocabulary is full, the most frequent pair of neighbouring pieces becomes
 * a piece.
 *
 * Ids: special tokens; characters by code point; the same marked `##`, where one continues a word; then pieces as they
 * are merged. Of equally frequent pairs the one with the smaller first id goes first, then with the smaller second id, so
 * the same counts always give the same vocabulary, in whatever order they came.
 *
 * @example
 * const vocabulary = learnWordPieces(counts, { vocabSize: 8000 });
 * const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': vocabulary.toText() });
 *
 * @throws FormatError where there is not one word to learn from
 * @throws ArgumentError where `vocabSize` does not even hold special tokens and characters
 */
export function learnWordPieces(counts: WordCounts, options: WordPieceLearning = {}): Vocabulary {
  const vocabSize = options.vocabSize ?? 8000;
  const minFrequency = Math.max(options.minFrequency ?? 2, 1);
  const prefix = options.continuingSubwordPrefix ?? '##';
  const tokens: string[] = [...(options.specialTokens ?? BERT_SPECIAL_TOKENS)];
  if (counts.words.size === 0) throw new FormatError('vocabulary: there is no word to learn from; give a corpus with text');
  if (!Number.isSafeInteger(vocabSize)) throw new ArgumentError(`vocabulary: vocabSize must be a whole number, not ${vocabSize}`);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const add = (token: string): number => {
    const known = ids.get(token);
    if (known !== undefined) return known;
    ids.set(token, tokens.length);
    return tokens.push(token) - 1;
  };

  const alphabet = chooseAlphabet(counts, options.alphabetLimit ?? 1000);
  const continuing = new Set<string>();
  const spelled: { characters: string[]; count: number }[] = [];
  for (const [word, count] of counts.words) {
    const characters = Array.from(word);
    if (!characters.every((character) => alphabet.has(character))) continue;
    for (const character of characters.slice(1)) continuing.add(character);
    spelled.push({ characters, count });
  }
  for (const character of [...alphabet].sort(compareCodePoints)) add(character);
  for (const character of [...continuing].sort(compareCodePoints)) add(prefix + character);
  if (tokens.length > vocabSize) {
    throw new ArgumentError(
      `vocabulary: ${vocabSize} pieces have no room for the special tokens and the ${alphabet.size} characters (${tokens.length} in all); raise vocabSize or lower alphabetLimit`,
    );
  }
  const words = spelled.map(({ characters, count }): LearnedWord => {
    const pieces = characters.map((character, i) => ids.get(i === 0 ? character : prefix + character) as number);
    return { pieces, count };
  });
  mergePairs(words, { vocabSize, minFrequency, prefix }, tokens, add);
  return Vocabulary.fromTokens(tokens);
}

/** The characters that are seen most; of equally frequent ones those with smaller code points. */
function chooseAlphabet(counts: WordCounts, limit: number): Set<string> {
  const seen = new Map<string, number>();
  for (const [word, count] of counts.words) {
    for (const character of word) seen.set(character, (seen.get(character) ?? 0) + count);
  }
  const ranked = [...seen].sort((a, b) => b[1] - a[1] || compareCodePoints(a[0], b[0]));
  return new Set(ranked.slice(0, limit).map(([character]) => character));
}

interface MergeRule {
  readonly vocabSize: number;
  readonly minFrequency: number;
  readonly prefix: string;
}

function mergePairs(words: readonly LearnedWord[], rule: MergeRule, tokens: readonly string[], add: (token: string) => number): void {
  const queue = new PairQueue();
  words.forEach(({ pieces, count }, word) => {
    for (let i = 1; i < pieces.length; i++) queue.count(pieces[i - 1], pieces[i], count, word);
  });
  while (tokens.length < rule.vocabSize) {
    const best = queue.take(rule.minFrequency);
    if (best === null) return;
    const { left, right } = best;
    const tail = tokens[right];
    const merged = add(tokens[left] + (tail.startsWith(rule.prefix) ? tail.slice(rule.prefix.length) : tail));
    for (const word of best.words) mergeInWord(words[word], word, left, right, merged, queue);
  }
}

/** Replaces each `left right` of a word by `merged`, and counts what its neighbours now are. */
function mergeInWord(word: LearnedWord, index: number, left: number, right: number, merged: number, queue: PairQueue): void {
  const { pieces, count } = word;
  let to = 0;
  for (let from = 0; from < pieces.length; from++) {
    if (pieces[from] !== left || from + 1 >= pieces.length || pieces[from + 1] !== right) {
      pieces[to++] = pieces[from];
      continue;
    }
    if (to > 0) {
      queue.count(pieces[to - 1], left, -count, index);
      queue.count(pieces[to - 1], merged, count, index);
    }
    if (from + 2 < pieces.length) {
      // In `a a a` the second pair is the one that was taken: it is not counted any more.
      if (left !== right || pieces[from + 2] !== right) queue.count(right, pieces[from + 2], -count, index);
      queue.count(merged, pieces[from + 2], count, index);
    }
    pieces[to++] = merged;
    from++;
  }
  pieces.length = to;
}
