import { AlignedText } from './alignedText.ts';
import { isChinese, isNonspacingMark, isRemovedByCleanUp, isWhitespace, keepsWhole } from './unicode.ts';

/** What is done to a text before it is split into words. */
export interface NormalizerOptions {
  /** Drop control characters and turn every white space into a space. Default true. */
  readonly cleanText?: boolean;
  /** Put spaces around Chinese characters. Default true. */
  readonly handleChineseChars?: boolean;
  /** Drop accents. Default (undefined or null): as `lowercase`. */
  readonly stripAccents?: boolean | null;
  /** Default true. */
  readonly lowercase?: boolean;
}

/** Characters beside the ranges of the original that they stand for. */
interface Characters {
  codes: number[];
  starts: number[];
  ends: number[];
}

/**
 * BERT's normaliser: clean-up, spaces around Chinese characters, accents off (canonical decomposition, then marks
 * dropped), lower case; in this order, each on or off. Equal to `BertNormalizer` of the Rust library, alignment included.
 */
export class BertNormalizer {
  readonly cleanText: boolean;
  readonly handleChineseChars: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;

  constructor(options: NormalizerOptions = {}) {
    this.cleanText = options.cleanText ?? true;
    this.handleChineseChars = options.handleChineseChars ?? true;
    this.lowercase = options.lowercase ?? true;
    this.stripAccents = options.stripAccents ?? this.lowercase;
  }

  /** Normalises `text`, which starts at unit `shift` of the original. */
  normalize(text: string, shift = 0): AlignedText {
    // Printable ASCII with ordinary white space keeps every unit in its place: nothing to align.
    if (/^[\t\n\r -~]*$/.test(text)) {
      let plain = this.cleanText ? text.replace(/[\t\n\r]/g, ' ') : text;
      if (this.lowercase) plain = plain.toLowerCase();
      return AlignedText.identity(plain, shift);
    }
    let characters = read(text);
    if (this.cleanText) characters = clean(characters);
    if (this.handleChineseChars) characters = spaceChinese(characters);
    if (this.stripAccents) characters = dropMarks(decompose(characters));
    if (this.lowercase) characters = lower(characters);
    return AlignedText.fromCodePoints(characters.codes, characters.starts, characters.ends, shift);
  }
}

function empty(): Characters {
  return { codes: [], starts: [], ends: [] };
}

function push(out: Characters, code: number, start: number, end: number): void {
  out.codes.push(code);
  out.starts.push(start);
  out.ends.push(end);
}

function read(text: string): Characters {
  const out = empty();
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) as number;
    const end = at + (code > 0xffff ? 2 : 1);
    push(out, code, at, end);
    at = end;
  }
  return out;
}

function clean(from: Characters): Characters {
  const out = empty();
  for (let i = 0; i < from.codes.length; i++) {
    const code = from.codes[i];
    if (!isRemovedByCleanUp(code)) push(out, isWhitespace(code) ? 0x20 : code, from.starts[i], from.ends[i]);
  }
  return out;
}

function spaceChinese(from: Characters): Characters {
  const out = empty();
  for (let i = 0; i < from.codes.length; i++) {
    const chinese = isChinese(from.codes[i]);
    if (chinese) push(out, 0x20, from.starts[i], from.ends[i]);
    push(out, from.codes[i], from.starts[i], from.ends[i]);
    if (chinese) push(out, 0x20, from.starts[i], from.ends[i]);
  }
  return out;
}

/**
 * Canonical decomposition. The first character that one decomposes into stands for the next original in order, the
 * others for the one before: when marks are put in canonical order, ranges keep to the place, as in the reference.
 */
function decompose(from: Characters): Characters {
  const codes: number[] = [];
  const isFirst: boolean[] = [];
  for (const code of from.codes) {
    const parts = keepsWhole(code) ? [code] : codePoints(String.fromCodePoint(code).normalize('NFD'));
    parts.forEach((part, index) => {
      codes.push(part);
      isFirst.push(index === 0);
    });
  }
  reorder(codes, isFirst);
  const out = empty();
  let consumed = 0;
  for (let i = 0; i < codes.length; i++) {
    if (isFirst[i]) consumed++;
    const source = Math.max(consumed - 1, 0);
    push(out, codes[i], from.starts[source], from.ends[source]);
  }
  return out;
}

/** Puts marks in canonical order, in place; sorting is stable, so the k-th of equal characters stays the k-th. */
function reorder(codes: number[], isFirst: boolean[]): void {
  let start = 0;
  while (start < codes.length) {
    let end = start;
    while (end < codes.length && !staysInPlace(codes[end])) end++;
    const run = codes.slice(start, end);
    const text = run.map((code) => String.fromCodePoint(code)).join('');
    const sorted = text.normalize('NFD');
    if (sorted !== text) {
      const flags = new Map<number, boolean[]>();
      run.forEach((code, i) => {
        const queue = flags.get(code);
        if (queue === undefined) flags.set(code, [isFirst[start + i]]);
        else queue.push(isFirst[start + i]);
      });
      codePoints(sorted).forEach((code, i) => {
        codes[start + i] = code;
        isFirst[start + i] = flags.get(code)?.shift() ?? true;
      });
    }
    start = end + 1;
  }
}

/** Marks younger than the reference's tables have no order there: others do not move across them. */
function staysInPlace(code: number): boolean {
  return keepsWhole(code) || (code > 0x2ff && !isNonspacingMark(code) && /\p{Mn}/u.test(String.fromCodePoint(code)));
}

function dropMarks(from: Characters): Characters {
  const out = empty();
  for (let i = 0; i < from.codes.length; i++) {
    if (!isNonspacingMark(from.codes[i])) push(out, from.codes[i], from.starts[i], from.ends[i]);
  }
  return out;
}

function lower(from: Characters): Characters {
  const out = empty();
  for (let i = 0; i < from.codes.length; i++) {
    // One at a time: there is no context, so a final sigma stays σ, as in the reference.
    for (const code of codePoints(String.fromCodePoint(from.codes[i]).toLowerCase())) {
      push(out, code, from.starts[i], from.ends[i]);
    }
  }
  return out;
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}
