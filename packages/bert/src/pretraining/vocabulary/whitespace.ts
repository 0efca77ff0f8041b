import { Vocabulary } from '../../tokenizer/vocabulary.ts';
import { compareCodePoints, type WordCounts } from './counts.ts';

/** Ids 0 to 4 of the original's vocabulary. */
export const WHITESPACE_SPECIAL_TOKENS = ['<pad>', '<unk>', '<eos>', '<sos>', '<mask>'] as const;

/** How {@link buildWhitespaceVocabulary} chooses. */
export interface WhitespaceVocabularyOptions {
  /** How many words at most, beside the five special tokens. Default: all. */
  readonly maxSize?: number;
  /** A word seen more rarely is unknown. Default 1. */
  readonly minFrequency?: number;
}

/**
 * The vocabulary of codertimo/BERT-pytorch: padding 0, unknown 1, end 2, start 3, mask 4, then words by falling
 * frequency, equally frequent ones in order of code points.
 *
 * @example
 * const vocabulary = buildWhitespaceVocabulary(await countWords(texts, splitAtWhitespace));
 */
export function buildWhitespaceVocabulary(counts: WordCounts, options: WhitespaceVocabularyOptions = {}): Vocabulary {
  const special = new Set<string>(WHITESPACE_SPECIAL_TOKENS);
  const least = options.minFrequency ?? 1;
  const words = [...counts.words].filter(([word, count]) => count >= least && !special.has(word));
  words.sort((a, b) => b[1] - a[1] || compareCodePoints(a[0], b[0]));
  const chosen = words.slice(0, options.maxSize ?? words.length).map(([word]) => word);
  return Vocabulary.fromTokens([...WHITESPACE_SPECIAL_TOKENS, ...chosen]);
}

/** The words of a text: what white space separates. */
export function splitAtWhitespace(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Encodes text word by word with such a vocabulary, as the original does. */
export class WhitespaceTokenizer {
  readonly vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** The id of each word; 1 for one that the vocabulary lacks. */
  encodeIds(text: string): number[] {
    return splitAtWhitespace(text).map((word) => this.vocabulary.id(word) ?? 1);
  }

  /** Ids back to words with single spaces. */
  decode(ids: ArrayLike<number>): string {
    return Array.from(ids, (id) => this.vocabulary.token(id) ?? '<unk>').join(' ');
  }
}
