import { ArgumentError } from './errors.ts';
import { isWhitespace, isWordCharacter } from './unicode.ts';

/** A token that is found in texts as a whole, before anything else is done to them. */
export interface AddedToken {
  readonly content: string;
  /** Left out by `decode(ids, { skipSpecialTokens: true })`. */
  readonly special: boolean;
  /** Whether it is looked for in the normalised text (lower-cased and so on) instead of the text as it is. */
  readonly normalized: boolean;
  /** Not inside a word. */
  readonly singleWord: boolean;
  /** Takes the white space before it along. */
  readonly lstrip: boolean;
  /** Takes the white space after it along. */
  readonly rstrip: boolean;
}

/** An added token with the defaults of the reference: normalised unless special, nothing stripped. */
export function addedToken(content: string, options: Partial<Omit<AddedToken, 'content'>> = {}): AddedToken {
  const special = options.special ?? false;
  return {
    content,
    special,
    normalized: options.normalized ?? !special,
    singleWord: options.singleWord ?? false,
    lstrip: options.lstrip ?? false,
    rstrip: options.rstrip ?? false,
  };
}

/** A stretch of a text: an added token, or (id null) what lies between. */
export interface Stretch {
  readonly id: number | null;
  readonly start: number;
  readonly end: number;
}

interface Pattern {
  readonly text: string;
  readonly id: number;
  readonly token: AddedToken;
}

/** Finds added tokens in a text: the leftmost first, of those at one place the longest. */
export class TokenFinder {
  readonly #byFirstUnit = new Map<number, Pattern[]>();

  /** @param patterns each token with the text to look for (its content, normalised where it asks for that) */
  constructor(patterns: readonly Pattern[]) {
    for (const pattern of patterns) {
      if (pattern.text === '') continue;
      const first = pattern.text.charCodeAt(0);
      const others = this.#byFirstUnit.get(first);
      if (others === undefined) this.#byFirstUnit.set(first, [pattern]);
      else others.push(pattern);
    }
    for (const others of this.#byFirstUnit.values()) others.sort((a, b) => b.text.length - a.text.length);
  }

  /** The whole of `text` as stretches, in order, none empty. */
  split(text: string): Stretch[] {
    const stretches: Stretch[] = [];
    let done = 0;
    if (this.#byFirstUnit.size > 0) {
      for (let at = 0; at < text.length; ) {
        const found = this.#byFirstUnit.get(text.charCodeAt(at))?.find((pattern) => text.startsWith(pattern.text, at));
        if (found === undefined) {
          at++;
          continue;
        }
        const after = at + found.text.length;
        if (at >= done && !(found.token.singleWord && isInsideWord(text, at, after))) {
          const start = found.token.lstrip ? Math.max(skipSpaceBefore(text, at), done) : at;
          const end = found.token.rstrip ? skipSpaceAfter(text, after) : after;
          if (done < start) stretches.push({ id: null, start: done, end: start });
          stretches.push({ id: found.id, start, end });
          done = end;
        }
        at = after;
      }
    }
    if (done < text.length) stretches.push({ id: null, start: done, end: text.length });
    return stretches;
  }
}

function isInsideWord(text: string, start: number, end: number): boolean {
  const before = Array.from(text.slice(Math.max(start - 2, 0), start)).at(-1);
  const after = end < text.length ? String.fromCodePoint(text.codePointAt(end) as number) : undefined;
  return (before !== undefined && isWordCharacter(before)) || (after !== undefined && isWordCharacter(after));
}

// All white space is below U+10000, so units serve as well as code points here.
function skipSpaceBefore(text: string, from: number): number {
  let at = from;
  while (at > 0 && isWhitespace(text.charCodeAt(at - 1))) at--;
  return at;
}

function skipSpaceAfter(text: string, from: number): number {
  let at = from;
  while (at < text.length && isWhitespace(text.charCodeAt(at))) at++;
  return at;
}

/** @throws ArgumentError on a token without content */
export function checkAddedToken(token: AddedToken): AddedToken {
  if (token.content === '') throw new ArgumentError('addTokens: a token must have content; got an empty string');
  return token;
}
