import { ArgumentError } from './errors.ts';
import type { Vocabulary } from './vocabulary.ts';

/** How {@link WordPiece} splits. */
export interface WordPieceOptions {
  /** Stands for a word that has no pieces. Default `[UNK]`; it must be in the vocabulary. */
  readonly unkToken?: string;
  /** Marks a piece that continues a word. Default `##`. */
  readonly continuingSubwordPrefix?: string;
  /** A word with more code points than this is unknown. Default 100. */
  readonly maxInputCharsPerWord?: number;
}

/** The pieces of one word: their ids, and where each ends in the word, in UTF-16 units. */
export interface Pieces {
  readonly ids: readonly number[];
  readonly ends: readonly number[];
}

/** Words seen are remembered up to this many; real text repeats itself. */
const REMEMBERED_WORDS = 1 << 16;

/**
 * BERT's second stage: the pieces of a word, each the longest of the vocabulary that fits; one unknown token
 * when some rest has none.
 *
 * @example
 * const pieces = new WordPiece(Vocabulary.fromTokens(['[UNK]', 'un', '##aff', '##able']));
 * pieces.tokenize('unaffable');      // ['un', '##aff', '##able']
 */
export class WordPiece {
  readonly vocabulary: Vocabulary;
  readonly unkToken: string;
  readonly unkId: number;
  readonly continuingSubwordPrefix: string;
  readonly maxInputCharsPerWord: number;
  readonly #starts = new Map<string, number>();
  readonly #continuations = new Map<string, number>();
  readonly #longest: number;
  readonly #memory = new Map<string, Pieces>();

  /** @throws ArgumentError where the unknown token is not in the vocabulary */
  constructor(vocabulary: Vocabulary, options: WordPieceOptions = {}) {
    this.vocabulary = vocabulary;
    this.unkToken = options.unkToken ?? '[UNK]';
    this.continuingSubwordPrefix = options.continuingSubwordPrefix ?? '##';
    this.maxInputCharsPerWord = options.maxInputCharsPerWord ?? 100;
    const unkId = vocabulary.id(this.unkToken);
    if (unkId === undefined) {
      throw new ArgumentError(`WordPiece: the unknown token ${JSON.stringify(this.unkToken)} is not in the vocabulary; add it or name another as unkToken`);
    }
    this.unkId = unkId;
    // Continuations are kept under their bare text, so that matching never builds a prefixed string.
    let longest = 0;
    for (const [token, id] of vocabulary.entries()) {
      this.#starts.set(token, id);
      longest = Math.max(longest, token.length);
      if (token.startsWith(this.continuingSubwordPrefix)) {
        this.#continuations.set(token.slice(this.continuingSubwordPrefix.length), id);
      }
    }
    this.#longest = longest;
  }

  /** The pieces of a word as text. */
  tokenize(word: string): string[] {
    return this.split(word).ids.map((id) => this.vocabulary.token(id) as string);
  }

  /** The pieces of a word as ids, with where each ends. */
  split(word: string): Pieces {
    const known = this.#memory.get(word);
    if (known !== undefined) return known;
    const pieces = this.#split(word);
    if (this.#memory.size >= REMEMBERED_WORDS) this.#memory.clear();
    this.#memory.set(word, pieces);
    return pieces;
  }

  #split(word: string): Pieces {
    const unknown = { ids: [this.unkId], ends: [word.length] };
    if (this.#isTooLong(word)) return unknown;
    const ids: number[] = [];
    const ends: number[] = [];
    for (let start = 0; start < word.length; ) {
      const table = start === 0 ? this.#starts : this.#continuations;
      let end = Math.min(word.length, start + this.#longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = table.get(word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      ids.push(id);
      ends.push(end);
      start = end;
    }
    return { ids, ends };
  }

  #isTooLong(word: string): boolean {
    if (word.length <= this.maxInputCharsPerWord) return false;
    if (word.length > 2 * this.maxInputCharsPerWord) return true;
    let count = 0;
    for (const _ of word) count++;
    return count > this.maxInputCharsPerWord;
  }
}
