import { quote } from './quote.ts';

/** No JSON that a checkpoint needs nests deeper; without a limit a file of brackets would overflow the stack. */
const DEEPEST = 64;

const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const LONGEST_NUMBER = 400;

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'literal' | 'end' | 'other';

/**
 * Reads JSON value by value, because JSON.parse hides what a strict reader must see: duplicate keys (it keeps the last),
 * integers above 2⁵³ (it rounds), `1.0`, `1e3` and `-0` where an integer is due, a key `__proto__`. The caller says which
 * value it expects, so that nothing is built that is not wanted. `fail` turns a problem into the caller's error.
 */
export class JsonScanner {
  readonly #text: string;
  readonly #fail: (problem: string) => never;
  #at = 0;
  #depth = 0;

  constructor(text: string, fail: (problem: string) => never) {
    this.#text = text;
    this.#fail = fail;
  }

  /** What kind of value comes next. */
  peek(): JsonKind {
    this.#skipSpace();
    const char = this.#text[this.#at];
    if (char === undefined) return 'end';
    if (char === '{') return 'object';
    if (char === '[') return 'array';
    if (char === '"') return 'string';
    if (char === '-' || (char >= '0' && char <= '9')) return 'number';
    return char === 't' || char === 'f' || char === 'n' ? 'literal' : 'other';
  }

  /** An object; `visit` is called after each key and must read its value. A key that comes twice is refused. */
  object(visit: (key: string) => void): void {
    this.#open('object', 'an object {…}');
    const seen = new Set<string>();
    if (!this.#take('}')) {
      do {
        const key = this.string('a key in quotes');
        if (seen.has(key)) this.#refuse(`the key ${quote(key)} appears twice in one object`);
        seen.add(key);
        if (!this.#take(':')) this.#refuse(`expected ":" after the key ${quote(key)}`);
        visit(key);
      } while (this.#more('}'));
    }
    this.#depth--;
  }

  /** An array; `visit` is called for each element and must read it. */
  array(visit: (index: number) => void): void {
    this.#open('array', 'an array […]');
    if (!this.#take(']')) {
      let index = 0;
      do visit(index++); while (this.#more(']'));
    }
    this.#depth--;
  }

  /** A string, with its escapes resolved. */
  string(expected = 'a string in quotes'): string {
    if (this.peek() !== 'string') this.#refuse(`expected ${expected}`);
    const text = this.#text;
    const start = this.#at;
    let end = start + 1;
    let escaped = false;
    for (; ; end++) {
      const code = text.charCodeAt(end);
      if (code === 0x22) break;
      if (code === 0x5c) {
        escaped = true;
        end++;
      } else if (code < 0x20) {
        this.#refuse('a string contains a control character that is not escaped');
      } else if (Number.isNaN(code)) {
        this.#refuse('a string has no closing quote');
      }
    }
    const value = escaped ? this.#unescape(text.slice(start, end + 1)) : text.slice(start + 1, end);
    this.#at = end + 1;
    return value;
  }

  /** A whole number from 0 to 2⁵³ − 1, written in digits and nothing else. */
  integer(): number {
    const token = this.#number();
    const value = Number(token);
    if (!INTEGER.test(token) || !Number.isSafeInteger(value)) {
      this.#refuse(`${quote(token)} is not a whole number from 0 to 2^53 - 1 written in plain digits`);
    }
    return value;
  }

  /** Any value; it is checked to be JSON and dropped. */
  skip(): void {
    switch (this.peek()) {
      case 'object': return this.object(() => this.skip());
      case 'array': return this.array(() => this.skip());
      case 'string': return void this.string();
      case 'number': {
        const token = this.#number();
        if (token.length > LONGEST_NUMBER || !NUMBER.test(token)) this.#refuse(`${quote(token)} is not a number`);
        return;
      }
      case 'literal':
        for (const word of ['true', 'false', 'null']) {
          if (this.#text.startsWith(word, this.#at)) {
            this.#at += word.length;
            return;
          }
        }
    }
    this.#refuse('expected a value');
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (this.peek() !== 'end') this.#refuse('expected the end');
  }

  #open(kind: 'object' | 'array', expected: string): void {
    if (this.peek() !== kind) this.#refuse(`expected ${expected}`);
    if (++this.#depth > DEEPEST) this.#refuse(`it nests deeper than ${DEEPEST} levels`);
    this.#at++;
  }

  /** After an element: true when a comma announces another, false when `close` ended the list. */
  #more(close: '}' | ']'): boolean {
    if (this.#take(',')) return true;
    if (!this.#take(close)) this.#refuse(`expected "," or "${close}"`);
    return false;
  }

  #take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #number(): string {
    if (this.peek() !== 'number') this.#refuse('expected a number');
    let end = this.#at + 1;
    while (isNumberCode(this.#text.charCodeAt(end))) end++;
    const token = this.#text.slice(this.#at, end);
    this.#at = end;
    return token;
  }

  #unescape(literal: string): string {
    let value: string;
    try {
      value = JSON.parse(literal) as string;
    } catch {
      return this.#refuse('a string contains an escape that JSON does not have');
    }
    if (/\p{Surrogate}/u.test(value)) this.#refuse('a string contains half a surrogate pair, which is not a character');
    return value;
  }

  #refuse(problem: string): never {
    return this.#fail(`${problem} (character ${this.#at})`);
  }
}

/** A digit, sign, point or exponent letter. */
function isNumberCode(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2b || code === 0x2d || code === 0x65 || code === 0x45;
}
