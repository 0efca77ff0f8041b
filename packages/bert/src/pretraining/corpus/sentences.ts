import { ArgumentError } from '@strided/tensor/errors';
import { abbreviationKind, opensSentence } from './sentenceWords.ts';

/** How {@link splitSentences} splits. */
export interface SentenceOptions {
  /** A sentence with more UTF-16 units is cut, after `;` or `:`, else a comma, else a word. Default 1,000. */
  readonly maxLength?: number;
}

const CLOSING = /["'”’»)\]}]+$/;
const OPENING = /^["'“‘«([{—–-]+/;

/**
 * Splits English text into sentences. The same text gives the same sentences everywhere and forever: the rules are these
 * lines, not `Intl.Segmenter`, whose rules change with the engine.
 *
 * Words are what white space separates. After a word there is a sentence's end if, closing quotes and brackets aside,
 * it ends in `.`, `!`, `?` or `…`, and the next word, opening quotes, brackets and dashes aside, starts with neither a
 * small letter nor is made of signs only; but not
 * - after what only precedes a name (`Mr.`, `Gen.`), or is mid-sentence by nature (`i.e.`, `vs.`);
 * - after what counts (`No.`, `Art.`, `Sec.`, `p.`) or a month (`Jan.`) before a number;
 * - after an initial (`J.`; `I.` is one only before another initial);
 * - after a short number or a letter that opens the sentence or follows a colon, semicolon or dash (`1.`, `(b).`, `IV.`):
 *   an enumeration;
 * - after other abbreviations (`U.S.`, `Inc.`, `a.m.`, `St.`) and after dots that trail off (`...`), unless the next word
 *   usually opens a sentence (`The`, `We`, `In`, …).
 *
 * A semicolon or colon ends none, nor does a period inside a word (`3.14`). White space inside becomes single spaces, so
 * that joining the sentences with spaces gives the text back, white space aside; splitting that again gives the same.
 *
 * @example
 * splitSentences('Mr. Speaker, the U.S. debt fell by 3.5 percent. "Why?" you ask.');
 * // ['Mr. Speaker, the U.S. debt fell by 3.5 percent.', '"Why?" you ask.']
 */
export function splitSentences(text: string, options: SentenceOptions = {}): string[] {
  const maxLength = options.maxLength ?? 1000;
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
    throw new ArgumentError(`splitSentences: maxLength must be a whole number from 1, not ${maxLength}`);
  }
  const words = text.split(/\s+/).filter((word) => word !== '');
  const sentences: string[] = [];
  let start = 0;
  let length = -1;
  for (let i = 0; i < words.length; ) {
    if (i > start && length + 1 + words[i].length > maxLength) {
      // What is left over starts anew: whether a word ends a sentence depends on where the sentence starts.
      const cut = bestCut(words, start, i);
      sentences.push(words.slice(start, cut).join(' '));
      start = cut;
      i = cut;
      length = -1;
      continue;
    }
    length += 1 + words[i].length;
    i++;
    if (i === words.length || endsSentence(i - 2 < start ? null : words[i - 2], words[i - 1], words[i])) {
      sentences.push(words.slice(start, i).join(' '));
      start = i;
      length = -1;
    }
  }
  return sentences;
}

/** Whether a sentence ends between `word` and `next`; `previous` is null where `word` is its first. */
function endsSentence(previous: string | null, word: string, next: string): boolean {
  const bare = word.replace(CLOSING, '');
  const mark = bare.at(-1);
  if (mark === undefined || !'.!?…'.includes(mark)) return false;
  const follower = next.replace(OPENING, '');
  if (/^\p{Ll}/u.test(follower) || !/[\p{L}\p{N}]/u.test(follower)) return false;
  if (mark === '!' || mark === '?') return true;
  if (mark === '…' || bare.endsWith('..')) return opensSentence(follower);
  const stem = bare.slice(0, -1).replace(OPENING, '');
  if (previous === null || /[:;—–-]$/.test(previous)) {
    if (/^(\d{1,2}|\p{L}|[IVXL]+)\)?$/u.test(stem)) return false;
  }
  switch (abbreviationKind(stem)) {
    case 'before-name':
      return false;
    case 'before-number':
      return !/^[\d#]/.test(follower) && !/^[IVXLC]+\b/.test(follower);
    case 'initial':
      return stem === 'I' && !/^\p{Lu}\./u.test(follower);
    case 'may-end':
      return opensSentence(follower);
    case 'none':
      return true;
  }
}

/** Where to cut words `start … end − 1`, which are as many as fit: after the last `;` or `:` of the second half, else the last comma there. */
function bestCut(words: readonly string[], start: number, end: number): number {
  const half = start + Math.ceil((end - start) / 2);
  for (const marks of [';:', ',']) {
    for (let cut = end; cut > half; cut--) {
      if (marks.includes(words[cut - 1].replace(CLOSING, '').at(-1) ?? ' ')) return cut;
    }
  }
  return end;
}
