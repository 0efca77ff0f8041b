import type { Side, TruncationStrategy } from './truncation.ts';

/** A text, or the words of one that is split already (offsets then count from each word's own start). */
export type TextInput = string | readonly string[];

/** What {@link BertTokenizer.encode} and {@link BertTokenizer.encodeBatch} take beside the texts. */
export interface EncodeOptions {
  /** Put `[CLS]` and `[SEP]` (or the family's own) around. Default true. */
  readonly addSpecialTokens?: boolean;
  /** Cut what is longer than `maxLength`. `true` is `longest_first`. Default false. */
  readonly truncation?: boolean | TruncationStrategy;
  /** Room for all tokens, special ones included. Default: the tokenizer's `modelMaxLength`. */
  readonly maxLength?: number;
  /** How many tokens of a text each overflow shares with the part before it. Default 0. */
  readonly stride?: number;
  /**
   * How far overflows reach. `reference`, the default: as far as in the Rust library 0.23.1 and 0.23.2, which stop reading a
   * text at the word with which it has `maxLength` tokens, so that most of a long text is in no window. `complete`: to the
   * end of the text, as in that library before and since; what windows over a long document need.
   */
  readonly overflow?: 'reference' | 'complete';
  /** Make equally long: `true` or `longest` as the longest here, `max_length` as `maxLength`. Default false. */
  readonly padding?: boolean | 'longest' | 'max_length' | 'do_not_pad';
  /** Pad to a multiple of this. */
  readonly padToMultipleOf?: number;
  /** Default: the tokenizer's own, `right` unless its files say otherwise. */
  readonly paddingSide?: Side;
  /** Default: the tokenizer's own, `right` unless its files say otherwise. */
  readonly truncationSide?: Side;
  /** What offsets count. Default `utf16`, as JavaScript's strings do. */
  readonly offsetUnit?: 'utf16' | 'codePoint';
}

/** How {@link BertTokenizer.decode} turns ids to text. */
export interface DecodeOptions {
  /** Leave special tokens out. Default false. */
  readonly skipSpecialTokens?: boolean;
  /**
   * Take out the spaces before punctuation and in contractions: `true` over the whole text, as transformers does;
   * `false` nowhere. Default: piece by piece as the reference's decoder does, unless tokenizer_config.json says `true`.
   */
  readonly cleanUpTokenizationSpaces?: boolean;
}

/** The tokens that have a role. */
export type SpecialTokenRole = 'unk' | 'sep' | 'pad' | 'cls' | 'mask';
