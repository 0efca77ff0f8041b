import type { ModelSource } from '../modelFiles/modelFiles.ts';
import { type AddedToken, addedToken, checkAddedToken, TokenFinder } from './addedTokens.ts';
import { AlignedText } from './alignedText.ts';
import { wordsOf } from './basicTokenizer.ts';
import { decodeWordPieces } from './decoder.ts';
import { emptyEncoding, type Encoding, joinEncodings, sliceEncoding } from './encoding.ts';
import { checkEncodeOptions, type CheckedEncodeOptions } from './encodeOptions.ts';
import { ArgumentError } from './errors.ts';
import { BertNormalizer } from './normalizer.ts';
import type { DecodeOptions, EncodeOptions, SpecialTokenRole, TextInput } from './options.ts';
import { padEncoding, roundUp } from './padding.ts';
import { countSpecialTokens, postProcess } from './postProcessor.ts';
import { readPretrainedTokenizer, type PretrainedTokenizerOptions } from './pretrained.ts';
import { readTokenizerFiles, type TokenizerFiles, type TokenizerParts } from './tokenizerFiles.ts';
import { writeTokenizerFiles, type WrittenTokenizerFiles } from './tokenizerWriter.ts';
import { earlyExitRange, truncatePair } from './truncation.ts';
import { WordPiece } from './wordPiece.ts';

/** How one text is read. */
type Reading = Pick<CheckedEncodeOptions, 'codePoints' | 'limit' | 'truncation'>;

const WHOLE: Reading = { codePoints: false, limit: Number.POSITIVE_INFINITY, truncation: null };

/**
 * The tokenizer of BERT, DistilBERT, ELECTRA and MPNet: normaliser, words, WordPiece, special tokens; exactly as the
 * Rust library `tokenizers` computes it.
 *
 * @example
 * const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': await readFile('vocab.txt', 'utf8') });
 * const { inputIds, offsets } = tokenizer.encode('Hello, world!');
 * tokenizer.decode(inputIds, { skipSpecialTokens: true });      // 'hello, world!'
 * tokenizer.encodeBatch(['a', 'a longer one'], { padding: true, truncation: true, maxLength: 128 });
 */
export class BertTokenizer {
  readonly #parts: TokenizerParts;
  readonly #normalizer: BertNormalizer;
  readonly #wordPiece: WordPiece;
  readonly #added: Map<number, AddedToken>;
  readonly #addedIds = new Map<string, number>();
  readonly #addedTexts = new Map<number, string>();
  #rawFinder = new TokenFinder([]);
  #normalizedFinder = new TokenFinder([]);

  /** Most users want {@link BertTokenizer.fromFiles}; parts are what it reads. */
  constructor(parts: TokenizerParts) {
    this.#parts = parts;
    this.#normalizer = new BertNormalizer(parts.normalizer);
    this.#wordPiece = new WordPiece(parts.vocabulary, parts.wordPiece);
    this.#added = new Map(parts.addedTokens);
    this.#refreshAdded();
  }

  /**
   * From the contents of a model's files: `tokenizer.json` or `vocab.txt`, and where there is one
   * `tokenizer_config.json` and `special_tokens_map.json`; each as text or as parsed JSON.
   *
   * @throws FormatError where a file is damaged or of a kind that is not WordPiece; the message names it
   */
  static fromFiles(files: TokenizerFiles): BertTokenizer {
    return new BertTokenizer(readTokenizerFiles(files));
  }

  /** From a folder, hub id, base URL or record of files. */
  static async fromPretrained(source: ModelSource, options: PretrainedTokenizerOptions = {}): Promise<BertTokenizer> {
    return BertTokenizer.fromFiles(await readPretrainedTokenizer(source, options));
  }

  /** How many ids there are: one more than the largest. */
  get vocabSize(): number {
    let size = this.#parts.vocabulary.size;
    for (const id of this.#added.keys()) size = Math.max(size, id + 1);
    return size;
  }

  /** How many tokens the model takes, as tokenizer_config.json says; Infinity where nothing does. */
  get modelMaxLength(): number {
    return this.#parts.modelMaxLength;
  }

  get unkTokenId(): number {
    return this.#wordPiece.unkId;
  }

  get padTokenId(): number | undefined {
    return this.#parts.roles.pad?.id;
  }

  get clsTokenId(): number | undefined {
    return this.#parts.roles.cls?.id;
  }

  get sepTokenId(): number | undefined {
    return this.#parts.roles.sep?.id;
  }

  get maskTokenId(): number | undefined {
    return this.#parts.roles.mask?.id;
  }

  /** The token with a role, such as `[MASK]`; undefined where the tokenizer has none. */
  specialToken(role: SpecialTokenRole): string | undefined {
    return this.#parts.roles[role]?.token;
  }

  /** Ids of every special token, ascending. */
  get allSpecialIds(): number[] {
    return [...this.#added].filter(([, token]) => token.special).map(([id]) => id).sort((a, b) => a - b);
  }

  /** The added tokens by id. */
  get addedTokens(): ReadonlyMap<number, AddedToken> {
    return this.#added;
  }

  tokenToId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#parts.vocabulary.id(token);
  }

  idToToken(id: number): string | undefined {
    return this.#addedTexts.get(id) ?? this.#parts.vocabulary.token(id);
  }

  /** Ids of tokens; one that is not in the vocabulary becomes the unknown token. */
  convertTokensToIds(tokens: readonly string[]): number[] {
    return tokens.map((token) => this.tokenToId(token) ?? this.unkTokenId);
  }

  /** Tokens of ids; an id without one becomes the unknown token. */
  convertIdsToTokens(ids: readonly number[]): string[] {
    return ids.map((id) => this.idToToken(id) ?? this.#wordPiece.unkToken);
  }

  /**
   * Adds tokens that are found in texts as a whole. One that the vocabulary lacks gets the next free id (the
   * model's embedding must then be resized to `vocabSize`).
   *
   * @returns how many got a new id
   */
  addTokens(tokens: readonly (string | AddedToken)[], options: { readonly special?: boolean } = {}): number {
    const added = tokens.map((token) => checkAddedToken(typeof token === 'string' ? addedToken(token, options) : token));
    const before = this.vocabSize;
    for (const token of added) {
      const id = this.tokenToId(token.content) ?? this.vocabSize;
      this.#added.set(id, token);
      this.#addedIds.set(token.content, id);
    }
    this.#refreshAdded();
    return this.vocabSize - before;
  }

  /** How many special tokens `encode` adds to one text, or to two. */
  numSpecialTokensToAdd(pair = false): number {
    return countSpecialTokens(this.#parts.postProcessor, pair);
  }

  /** The tokens of a text, special tokens not added. */
  tokenize(text: string): string[] {
    return [...this.#encodeText(text, 0, null, WHOLE).tokens];
  }

  /** The ids of a text, special tokens not added: the short way for corpora. */
  encodeIds(text: string): number[] {
    const ids: number[] = [];
    this.#eachStretch(text, (normalized, id) => {
      if (id !== null) ids.push(id);
      else for (const word of wordsOf(normalized)) ids.push(...this.#wordPiece.split(word.text).ids);
    });
    return ids;
  }

  /**
   * A text, or with `pair` two, as the model takes it.
   *
   * @throws ArgumentError where an option makes no sense, or what may be truncated is too short to make room
   */
  encode(text: TextInput, options: EncodeOptions & { readonly pair?: TextInput } = {}): Encoding {
    const pairs = options.pair === undefined ? {} : { pairs: [options.pair] };
    return this.encodeBatch([text], { ...options, ...pairs })[0];
  }

  /**
   * Several texts, or with `pairs` (as many) pairs, padded to the same length where asked.
   *
   * @throws ArgumentError as {@link BertTokenizer.encode}
   */
  encodeBatch(texts: readonly TextInput[], options: EncodeOptions & { readonly pairs?: readonly TextInput[] } = {}): Encoding[] {
    const { pairs } = options;
    if (pairs !== undefined && pairs.length !== texts.length) {
      throw new ArgumentError(`encodeBatch: ${texts.length} texts but ${pairs.length} pairs; give one second text for each first`);
    }
    const checked = checkEncodeOptions(options, this.#parts, { one: this.numSpecialTokensToAdd(), here: this.numSpecialTokensToAdd(pairs !== undefined) });
    const encodings = texts.map((text, i) => this.#encodeOne(text, pairs?.[i] ?? null, checked));
    const { padding } = checked;
    if (padding === null) return encodings;
    const length = padding.length ?? encodings.reduce((most, one) => Math.max(most, one.inputIds.length), 0);
    const padded = roundUp(length, padding.multiple);
    return encodings.map((encoding) => padEncoding(encoding, padded, padding));
  }

  /** Ids back to text. Ids that no token has (a model may have more rows than its vocabulary) are left out. */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const tokens: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const token = this.idToToken(ids[i]);
      const skipped = options.skipSpecialTokens === true && this.#added.get(ids[i])?.special === true;
      if (token !== undefined && !skipped) tokens.push(token);
    }
    const { decoder } = this.#parts;
    if (decoder === null) return tokens.join(' ');
    const clean = options.cleanUpTokenizationSpaces ?? (this.#parts.cleanUpByDefault ? true : undefined);
    const stage = clean === undefined ? (decoder.cleanup ? 'token' : 'none') : clean ? 'text' : 'none';
    return decodeWordPieces(tokens, decoder.prefix, stage);
  }

  /** The contents of files that {@link BertTokenizer.fromFiles}, and transformers, read back to an equal tokenizer. */
  toFiles(): WrittenTokenizerFiles {
    return writeTokenizerFiles({ ...this.#parts, addedTokens: this.#added });
  }

  #refreshAdded(): void {
    const patterns = [...this.#added].map(([id, token]) => {
      const text = token.normalized ? this.#normalizer.normalize(token.content).text : token.content;
      this.#addedIds.set(token.content, id);
      this.#addedTexts.set(id, text);
      return { id, token, text };
    });
    this.#rawFinder = new TokenFinder(patterns.filter(({ token }) => !token.normalized));
    this.#normalizedFinder = new TokenFinder(patterns.filter(({ token }) => token.normalized));
  }

  #encodeOne(text: TextInput, pair: TextInput | null, options: CheckedEncodeOptions): Encoding {
    // A first text that only_second may not cut is read whole, so that there is an error if it is too long.
    const whole = options.truncation?.strategy === 'only_second';
    let first = this.#encodeInput(text, 0, whole ? { ...options, limit: Number.POSITIVE_INFINITY } : options);
    let second = pair === null ? null : this.#encodeInput(pair, 1, options);
    if (options.truncation !== null) [first, second] = truncatePair(first, second, options.truncation);
    return postProcess(this.#parts.postProcessor, first, second, options.addSpecialTokens);
  }

  #encodeInput(input: TextInput, sequence: 0 | 1, options: Reading): Encoding {
    if (typeof input === 'string') return this.#encodeText(input, sequence, null, options);
    return input.reduce<Encoding>((all, word, i) => joinEncodings(all, this.#encodeText(word, sequence, i, options)), emptyEncoding());
  }

  /** One text, or one word of a text that came split (then `wordId` is its number). */
  #encodeText(text: string, sequence: 0 | 1, wordId: number | null, options: Reading): Encoding {
    const inputIds: number[] = [];
    const tokens: string[] = [];
    const offsets: (readonly [number, number])[] = [];
    const words: number[] = [];
    const isAdded: boolean[] = [];
    const unit = options.codePoints ? codePointIndex(text) : null;
    let word = -1;
    const push = (id: number, token: string, start: number, end: number, added: boolean): void => {
      inputIds.push(id);
      tokens.push(token);
      offsets.push(unit === null ? [start, end] : [unit[start], unit[end]]);
      words.push(word);
      isAdded.push(added);
    };
    this.#eachStretch(text, (normalized, id) => {
      if (id !== null) {
        word++;
        push(id, normalized.text, normalized.originalStart(0), normalized.originalEnd(normalized.text.length), true);
        return;
      }
      for (const { text: wordText, from } of wordsOf(normalized)) {
        word++;
        const pieces = this.#wordPiece.split(wordText);
        pieces.ids.forEach((piece, i) => {
          const start = from + (i === 0 ? 0 : pieces.ends[i - 1]);
          const end = from + pieces.ends[i];
          const token = this.#parts.vocabulary.token(piece) as string;
          push(piece, token, normalized.originalStart(start), normalized.originalEnd(end), false);
        });
      }
    });
    // The reference numbers the words that it has read, so on the left side those that it skipped do not count.
    const [from, to] = earlyExitRange(words, isAdded, options.limit, options.truncation?.side ?? 'right');
    const firstWord = words[from] ?? 0;
    const encoding: Encoding = {
      inputIds, tokens, offsets,
      wordIds: words.map((one) => wordId ?? one - firstWord),
      tokenTypeIds: inputIds.map(() => sequence),
      attentionMask: inputIds.map(() => 1),
      specialTokensMask: inputIds.map(() => 0),
      sequenceIds: inputIds.map(() => sequence),
      overflowing: [],
    };
    return to - from === words.length ? encoding : sliceEncoding(encoding, from, to);
  }

  /** Visits the added tokens of a text (with their id) and the normalised stretches between them (with null). */
  #eachStretch(text: string, visit: (normalized: AlignedText, id: number | null) => void): void {
    for (const raw of this.#rawFinder.split(text)) {
      const part = text.slice(raw.start, raw.end);
      if (raw.id !== null) {
        visit(AlignedText.identity(part, raw.start), raw.id);
        continue;
      }
      const normalized = this.#normalizer.normalize(part, raw.start);
      for (const stretch of this.#normalizedFinder.split(normalized.text)) {
        visit(normalized.slice(stretch.start, stretch.end), stretch.id);
      }
    }
  }
}

/** For each UTF-16 unit of `text`, and its end, how many code points come before. */
function codePointIndex(text: string): Int32Array | null {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return null;
  const index = new Int32Array(text.length + 1);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const width = (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
    index.fill(count++, at, at + width);
    at += width;
  }
  index[text.length] = count;
  return index;
}
