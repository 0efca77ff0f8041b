import type { AlignedText } from './alignedText.ts';
import { BertNormalizer, type NormalizerOptions } from './normalizer.ts';
import { isPunctuation, isWhitespace } from './unicode.ts';

/** A word of a text, normalised, and the half-open range of UTF-16 units of the original that it stands for. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Where it starts in the normalised text. */
  readonly from: number;
}

/** Calls `visit` with the range of each word of a normalised text: white space separates, punctuation stands alone. */
export function eachWord(text: string, visit: (start: number, end: number) => void): void {
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) as number;
    const next = at + (code > 0xffff ? 2 : 1);
    const punctuation = isPunctuation(code);
    if (punctuation || isWhitespace(code)) {
      if (start >= 0) visit(start, at);
      start = -1;
      if (punctuation) visit(at, next);
    } else if (start < 0) {
      start = at;
    }
    at = next;
  }
  if (start >= 0) visit(start, text.length);
}

/**
 * BERT's first stage: a text to words. It normalises (see {@link BertNormalizer}), then splits at white space and
 * around punctuation.
 *
 * @example
 * new BasicTokenizer().tokenize("Don't stop, naïve 世界!");
 * // ['don', "'", 't', 'stop', ',', 'naive', '世', '界', '!']
 */
export class BasicTokenizer {
  readonly normalizer: BertNormalizer;

  constructor(options: NormalizerOptions = {}) {
    this.normalizer = new BertNormalizer(options);
  }

  /** The words of `text`. */
  tokenize(text: string): string[] {
    const normalized = this.normalizer.normalize(text).text;
    const words: string[] = [];
    eachWord(normalized, (start, end) => words.push(normalized.slice(start, end)));
    return words;
  }

  /** The words of `text` with where they stand in it. */
  words(text: string): Word[] {
    return wordsOf(this.normalizer.normalize(text));
  }
}

/** The words of a text that is normalised already. */
export function wordsOf(normalized: AlignedText): Word[] {
  const words: Word[] = [];
  eachWord(normalized.text, (start, end) => {
    words.push({
      text: normalized.text.slice(start, end),
      from: start,
      start: normalized.originalStart(start),
      end: normalized.originalEnd(end),
    });
  });
  return words;
}
