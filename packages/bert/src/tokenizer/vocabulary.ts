import { ArgumentError, FormatError } from './errors.ts';

/**
 * Pieces and their ids, both ways: the content of a `vocab.txt`.
 *
 * @example
 * const vocabulary = Vocabulary.parse('[PAD]\n[UNK]\nhello\n');
 * vocabulary.id('hello');      // 2
 * vocabulary.token(1);         // '[UNK]'
 */
export class Vocabulary {
  readonly #tokens: readonly (string | undefined)[];
  readonly #ids: ReadonlyMap<string, number>;

  private constructor(tokens: readonly (string | undefined)[], ids: ReadonlyMap<string, number>) {
    this.#tokens = tokens;
    this.#ids = ids;
  }

  /** Token i gets id i. Where a token is listed twice its last id wins, as in the reference. */
  static fromTokens(tokens: readonly string[]): Vocabulary {
    return new Vocabulary([...tokens], new Map(tokens.map((token, id) => [token, id])));
  }

  /**
   * From a table of ids, as `model.vocab` of a tokenizer.json.
   *
   * @throws FormatError where an id is not a whole number, or two tokens share one
   */
  static fromIds(ids: Readonly<Record<string, number>>, source = 'vocabulary'): Vocabulary {
    const entries = Object.entries(ids);
    const tokens: (string | undefined)[] = [];
    for (const [token, id] of entries) {
      // An id far beyond the number of tokens would make the table of tokens huge: such a file is damaged or hostile.
      if (!Number.isInteger(id) || id < 0 || id > 16 * entries.length + 1024) {
        throw new FormatError(`${source}: ids must be whole numbers from 0, about as many as tokens, but ${JSON.stringify(token)} has ${id}`);
      }
      if (tokens[id] !== undefined) {
        throw new FormatError(`${source}: ${JSON.stringify(tokens[id])} and ${JSON.stringify(token)} both have id ${id}; give each token its own`);
      }
      tokens[id] = token;
    }
    return new Vocabulary(tokens, new Map(entries));
  }

  /**
   * Reads a `vocab.txt`: one token a line, the first line is id 0. A byte order mark, CRLF and white space at the
   * end of a line are tolerated.
   *
   * @throws FormatError on an empty file
   */
  static parse(text: string, source = 'vocab.txt'): Vocabulary {
    const lines = text.replace(/^\ufeff/, '').split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (lines.length === 0) throw new FormatError(`${source}: the file is empty; a vocabulary has one token a line`);
    return Vocabulary.fromTokens(lines.map((line) => line.trimEnd()));
  }

  /**
   * The content of a `vocab.txt` that {@link Vocabulary.parse} reads back to the same ids.
   *
   * @throws ArgumentError where the vocabulary has a hole, or a token that a line cannot hold
   */
  toText(): string {
    for (let id = 0; id < this.#tokens.length; id++) {
      const token = this.#tokens[id];
      if (token === undefined) throw new ArgumentError(`Vocabulary.toText: no token has id ${id}; vocab.txt needs ids without holes`);
      if (token !== token.trimEnd() || token.includes('\n') || (id === 0 && token.startsWith('\ufeff'))) {
        throw new ArgumentError(`Vocabulary.toText: token ${JSON.stringify(token)} does not fit on a line of its own; save tokenizer.json instead`);
      }
    }
    return this.#tokens.map((token) => `${token}\n`).join('');
  }

  /** One more than the largest id. */
  get size(): number {
    return this.#tokens.length;
  }

  has(token: string): boolean {
    return this.#ids.has(token);
  }

  id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  token(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** Every token by its id; a hole is undefined. */
  get tokens(): readonly (string | undefined)[] {
    return this.#tokens;
  }

  /** `[token, id]` by id, where a token's id is the one it encodes to. */
  entries(): [string, number][] {
    return [...this.#ids].sort((a, b) => a[1] - b[1]);
  }
}
