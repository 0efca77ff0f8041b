import { ArgumentError } from '@strided/tensor/errors';

/** How often each word was seen. */
export interface WordCounts {
  readonly words: ReadonlyMap<string, number>;
  /** No word's count is below the truth by more than this; 0 unless there were too many words for memory. */
  readonly undercount: number;
}

/** How {@link countWords} counts. */
export interface CountOptions {
  /** The most distinct words to hold, about 100 bytes each. Default 4,000,000. */
  readonly maxWords?: number;
}

/**
 * Counts words in a stream of texts, in bounded memory: when more than `maxWords` distinct words are held, those seen at
 * most t times are forgotten, with the least t that frees half. A word forgotten thus loses at most t, and `undercount`
 * is the sum of these t; with a million words or more held, only words that no vocabulary takes are affected.
 *
 * @example
 * const basic = new BasicTokenizer();
 * const counts = await countWords(sentencesOf(corpus), (text) => basic.tokenize(text));
 */
export async function countWords(
  texts: AsyncIterable<string> | Iterable<string>,
  split: (text: string) => readonly string[],
  options: CountOptions = {},
): Promise<WordCounts> {
  const maxWords = options.maxWords ?? 4_000_000;
  if (!Number.isSafeInteger(maxWords) || maxWords < 2) throw new ArgumentError(`countWords: maxWords must be a whole number from 2, not ${maxWords}`);
  const words = new Map<string, number>();
  let undercount = 0;
  for await (const text of texts) {
    for (const word of split(text)) {
      words.set(word, (words.get(word) ?? 0) + 1);
      if (words.size > maxWords) undercount += forgetRare(words, maxWords / 2);
    }
  }
  return { words, undercount };
}

/** Forgets the rarest words until at most `keep` are left; returns up to which count. */
function forgetRare(words: Map<string, number>, keep: number): number {
  const counts = Float64Array.from(words.values()).sort();
  const threshold = counts[Math.ceil(counts.length - keep) - 1];
  for (const [word, count] of words) if (count <= threshold) words.delete(word);
  return threshold;
}

/** Orders by Unicode code points, as the reference's languages do; JavaScript's own order is that of UTF-16 units. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // A surrogate stands for more than any other unit does.
    const high = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
    return high(x) === high(y) ? x - y : high(x) ? 1 : -1;
  }
  return a.length - b.length;
}
