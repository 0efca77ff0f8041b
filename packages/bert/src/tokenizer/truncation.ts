import { type Encoding, emptyEncoding, sliceEncoding } from './encoding.ts';
import { ArgumentError } from './errors.ts';

/**
 * What is shortened when a text, or pair, is longer than the model takes. `longest_first` takes from the longer
 * of the two until both are equally long, then from both.
 */
export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second' | 'do_not_truncate';

/** Which end something is cut from or added to. */
export type Side = 'left' | 'right';

/** How {@link truncatePair} cuts. */
export interface Truncation {
  /** Room for the tokens of the texts, special tokens not counted. */
  readonly maxLength: number;
  readonly strategy: Exclude<TruncationStrategy, 'do_not_truncate'>;
  /** How many tokens each overflow shares with the part before it. */
  readonly stride: number;
  readonly side: Side;
}

/**
 * Cuts one encoding to `maxLength` tokens; the rest becomes its overflow, in windows that share `stride` tokens.
 *
 * @throws ArgumentError where a stride as long as the window would never get on
 */
export function truncateEncoding(encoding: Encoding, maxLength: number, stride: number, side: Side): Encoding {
  const length = encoding.inputIds.length;
  if (maxLength >= length) return encoding;
  if (maxLength === 0) return { ...emptyEncoding(), overflowing: [encoding] };
  if (stride >= maxLength) {
    throw new ArgumentError(`encode: the stride (${stride}) must be less than the ${maxLength} tokens that are left of a text; lower the stride or raise maxLength`);
  }
  const windows: Encoding[] = [];
  const step = maxLength - stride;
  if (side === 'right') {
    for (let start = 0; ; start += step) {
      const end = Math.min(start + maxLength, length);
      windows.push(sliceEncoding(encoding, start, end));
      if (end === length) break;
    }
  } else {
    for (let end = length; ; end -= step) {
      const start = Math.max(end - maxLength, 0);
      windows.push(sliceEncoding(encoding, start, end));
      if (start === 0) break;
    }
  }
  return { ...windows[0], overflowing: windows.slice(1) };
}

/** How many tokens `longest_first` leaves of two texts: the shorter keeps all while it is within half. */
export function longestFirstLengths(first: number, second: number, maxLength: number): [number, number] {
  if (first + second <= maxLength) return [first, second];
  let [short, long] = first > second ? [second, first] : [first, second];
  long = short > maxLength ? short : Math.max(short, maxLength - short);
  if (short + long > maxLength) {
    short = Math.floor(maxLength / 2);
    long = short + (maxLength % 2);
  }
  return first > second ? [long, short] : [short, long];
}

/**
 * Cuts a text, or a pair, so that `maxLength` tokens are left of both together.
 *
 * @throws ArgumentError where the text that may be cut is too short to make room, or there is no second text
 */
export function truncatePair(first: Encoding, second: Encoding | null, truncation: Truncation): [Encoding, Encoding | null] {
  const { maxLength, strategy, stride, side } = truncation;
  const cut = (encoding: Encoding, length: number): Encoding => truncateEncoding(encoding, length, stride, side);
  if (maxLength === 0) return [cut(first, 0), second === null ? null : cut(second, 0)];
  const total = first.inputIds.length + (second?.inputIds.length ?? 0);
  const excess = total - maxLength;
  if (excess <= 0) return [first, second];
  if (strategy === 'longest_first') {
    if (second === null) return [cut(first, maxLength), null];
    const [a, b] = longestFirstLengths(first.inputIds.length, second.inputIds.length, maxLength);
    return [cut(first, a), cut(second, b)];
  }
  const target = strategy === 'only_first' ? first : second;
  if (target === null) throw new ArgumentError('encode: truncation only_second needs a second text; use longest_first or only_first');
  const left = target.inputIds.length - excess;
  if (left <= 0) {
    throw new ArgumentError(
      `encode: truncation ${strategy} cannot make room: ${excess} tokens are too many and that text has only ${target.inputIds.length}; use longest_first or raise maxLength`,
    );
  }
  return strategy === 'only_first' ? [cut(first, left), second] : [first, cut(target, left)];
}

/**
 * Which tokens of a text the reference reads at all before it truncates (`[from, to)`): since 0.23 it stops at the
 * first word with which there are `limit` tokens; added tokens count but never stop it. What truncation leaves is the same,
 * overflows end there.
 *
 * @param words the number of each token's word, ascending
 * @param isAdded whether each token is an added token
 */
export function earlyExitRange(words: readonly number[], isAdded: readonly boolean[], limit: number, side: Side): [number, number] {
  const length = words.length;
  if (length <= limit) return [0, length];
  for (let done = 1; done <= length; done++) {
    const at = side === 'right' ? done - 1 : length - done;
    const next = side === 'right' ? at + 1 : at - 1;
    const wordEnds = done === length || words[next] !== words[at];
    if (wordEnds && done >= limit && !isAdded[at]) return side === 'right' ? [0, done] : [at, length];
  }
  return [0, length];
}
