import { NONSPACING_MARKS, PUNCTUATION, REMOVED } from './unicodeTables.ts';

/** Bits of a character's classes. */
const WHITESPACE = 1;
const CLEANED = 2;
const PUNCT = 4;
const MARK = 8;
const CHINESE = 16;

/**
 * The blocks that BERT calls Chinese and surrounds with spaces. The gap before U+2B920 is in the reference
 * (a slip for U+2B820), and vocabularies were trained with it.
 */
const CHINESE_RANGES = [
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xf900, 0xfaff],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0x2f800, 0x2fa1f],
] as const;

/** Unicode's White_Space property. */
const WHITESPACE_RANGES = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
] as const;

/** Characters that decompose only since Unicode 16; the reference, and older engines, leave them whole. */
const LATE_DECOMPOSITIONS = [
  [0x105c9, 0x105c9],
  [0x105e4, 0x105e4],
  [0x11383, 0x11391],
  [0x113c5, 0x113c8],
  [0x11938, 0x11938],
  [0x16121, 0x16128],
  [0x16d68, 0x16d6a],
] as const;

type Ranges = readonly (readonly [number, number])[];

function parseRanges(text: string): Ranges {
  let end = 0;
  return text.split(' ').map((item) => {
    const [distance, more] = item.split('+');
    const start = end + Number.parseInt(distance, 36);
    end = start + (more === undefined ? 0 : Number.parseInt(more, 36));
    return [start, end] as const;
  });
}

/** One byte of class bits for each code point up to U+FFFF, ranges to search above. */
interface ClassTable {
  readonly low: Uint8Array;
  readonly high: readonly { readonly start: number; readonly end: number; readonly bit: number }[];
}

let table: ClassTable | undefined;

function buildTable(): ClassTable {
  const low = new Uint8Array(0x10000);
  const high: { start: number; end: number; bit: number }[] = [];
  const add = (ranges: Ranges, bit: number): void => {
    for (const [start, end] of ranges) {
      for (let code = start; code <= Math.min(end, 0xffff); code++) low[code] |= bit;
      if (end > 0xffff) high.push({ start: Math.max(start, 0x10000), end, bit });
    }
  };
  add(WHITESPACE_RANGES, WHITESPACE);
  add(parseRanges(REMOVED), CLEANED);
  // A lone surrogate is no character: UTF-8 would turn it into U+FFFD, which clean-up removes.
  add([[0xd800, 0xdfff]], CLEANED);
  add([[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]], PUNCT);
  add(parseRanges(PUNCTUATION), PUNCT);
  add(parseRanges(NONSPACING_MARKS), MARK);
  add(CHINESE_RANGES, CHINESE);
  return { low, high };
}

function classOf(code: number): number {
  table ??= buildTable();
  if (code <= 0xffff) return table.low[code];
  let bits = 0;
  for (const range of table.high) {
    if (code >= range.start && code <= range.end) bits |= range.bit;
  }
  return bits;
}

/** Whether BERT's tokenizers split words at this code point. */
export function isWhitespace(code: number): boolean {
  return (classOf(code) & WHITESPACE) !== 0;
}

/** Whether clean-up drops this code point. */
export function isRemovedByCleanUp(code: number): boolean {
  return (classOf(code) & CLEANED) !== 0;
}

/** Whether this code point is a word of its own: all of ASCII's signs, and Unicode's punctuation. */
export function isPunctuation(code: number): boolean {
  return (classOf(code) & PUNCT) !== 0;
}

/** Whether accent stripping drops this code point (once decomposed). */
export function isNonspacingMark(code: number): boolean {
  return (classOf(code) & MARK) !== 0;
}

/** Whether BERT puts spaces around this code point. */
export function isChinese(code: number): boolean {
  return (classOf(code) & CHINESE) !== 0;
}

/** Whether canonical decomposition must leave this code point alone. */
export function keepsWhole(code: number): boolean {
  if (code < 0x105c9) return false;
  return LATE_DECOMPOSITIONS.some(([start, end]) => code >= start && code <= end);
}

/** Whether a code point belongs to a word in the sense of a regular expression's `\w` with Unicode on. */
export function isWordCharacter(character: string): boolean {
  return /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u.test(character);
}
