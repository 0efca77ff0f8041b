/** Half-open range of a token in the text (of its own sequence) it came from; `[0, 0]` for tokens that were added. */
export type Offsets = readonly [start: number, end: number];

/** A tokenised text, or pair of texts: one entry a token in every list. */
export interface Encoding {
  readonly inputIds: readonly number[];
  readonly tokens: readonly string[];
  /** Which segment of the model's input: 0 or 1. */
  readonly tokenTypeIds: readonly number[];
  /** 1, or 0 for padding. */
  readonly attentionMask: readonly number[];
  /** 1 for tokens that were added around and after the text, 0 for the text's own. */
  readonly specialTokensMask: readonly number[];
  /** In UTF-16 units of the original text, or code points where asked. */
  readonly offsets: readonly Offsets[];
  /** Counts the words of each text; null for added tokens. */
  readonly wordIds: readonly (number | null)[];
  /** Which text: 0 the first, 1 the second; null for added tokens. */
  readonly sequenceIds: readonly (0 | 1 | null)[];
  /** What truncation cut off, as further encodings (of the same make) that overlap by the stride. */
  readonly overflowing: readonly Encoding[];
}

/** An encoding of nothing. */
export function emptyEncoding(): Encoding {
  return {
    inputIds: [], tokens: [], tokenTypeIds: [], attentionMask: [], specialTokensMask: [],
    offsets: [], wordIds: [], sequenceIds: [], overflowing: [],
  };
}

/** `count` equal tokens that no text holds: a special token or padding. */
export function addedTokens(id: number, token: string, typeId: number, attention: 0 | 1, count = 1): Encoding {
  const repeat = <T>(value: T): T[] => new Array<T>(count).fill(value);
  return {
    inputIds: repeat(id),
    tokens: repeat(token),
    tokenTypeIds: repeat(typeId),
    attentionMask: repeat<number>(attention),
    specialTokensMask: repeat(1),
    offsets: repeat<Offsets>([0, 0]),
    wordIds: repeat<number | null>(null),
    sequenceIds: repeat<0 | 1 | null>(null),
    overflowing: [],
  };
}

/** Tokens `start … end − 1`, without overflow. */
export function sliceEncoding(encoding: Encoding, start: number, end: number): Encoding {
  return {
    inputIds: encoding.inputIds.slice(start, end),
    tokens: encoding.tokens.slice(start, end),
    tokenTypeIds: encoding.tokenTypeIds.slice(start, end),
    attentionMask: encoding.attentionMask.slice(start, end),
    specialTokensMask: encoding.specialTokensMask.slice(start, end),
    offsets: encoding.offsets.slice(start, end),
    wordIds: encoding.wordIds.slice(start, end),
    sequenceIds: encoding.sequenceIds.slice(start, end),
    overflowing: [],
  };
}

/** One after the other, without overflow. */
export function joinEncodings(a: Encoding, b: Encoding): Encoding {
  return {
    inputIds: [...a.inputIds, ...b.inputIds],
    tokens: [...a.tokens, ...b.tokens],
    tokenTypeIds: [...a.tokenTypeIds, ...b.tokenTypeIds],
    attentionMask: [...a.attentionMask, ...b.attentionMask],
    specialTokensMask: [...a.specialTokensMask, ...b.specialTokensMask],
    offsets: [...a.offsets, ...b.offsets],
    wordIds: [...a.wordIds, ...b.wordIds],
    sequenceIds: [...a.sequenceIds, ...b.sequenceIds],
    overflowing: [],
  };
}

/** One after the other; each overflow of one is joined to the other and to each of its overflows. */
export function mergeEncodings(a: Encoding, b: Encoding): Encoding {
  const overflowing: Encoding[] = [];
  for (const cut of a.overflowing) {
    overflowing.push(joinEncodings(cut, b));
    for (const other of b.overflowing) overflowing.push(joinEncodings(cut, other));
  }
  for (const other of b.overflowing) overflowing.push(joinEncodings(a, other));
  return { ...joinEncodings(a, b), overflowing };
}

/** The same with a change to it and to each of its overflows. */
export function mapEncoding(encoding: Encoding, change: (one: Encoding) => Encoding): Encoding {
  return { ...change(encoding), overflowing: encoding.overflowing.map((cut) => ({ ...change(cut), overflowing: [] })) };
}
