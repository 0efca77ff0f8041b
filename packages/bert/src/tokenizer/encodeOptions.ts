import { ArgumentError } from './errors.ts';
import type { EncodeOptions } from './options.ts';
import type { Padding } from './padding.ts';
import type { TokenizerParts } from './tokenizerFiles.ts';
import type { Truncation, TruncationStrategy } from './truncation.ts';

/** Options of an `encode` with every default filled in and every value checked. */
export interface CheckedEncodeOptions {
  readonly addSpecialTokens: boolean;
  readonly codePoints: boolean;
  readonly truncation: Truncation | null;
  /** How many tokens of a text are read; see `earlyExitRange`. */
  readonly limit: number;
  /** `length` null: as long as the longest. */
  readonly padding: (Padding & { readonly length: number | null; readonly multiple: number | undefined }) | null;
}

const STRATEGIES: readonly TruncationStrategy[] = ['longest_first', 'only_first', 'only_second', 'do_not_truncate'];
const PADDINGS = ['longest', 'max_length', 'do_not_pad'] as const;
const SIDES = ['left', 'right'] as const;

/** @throws ArgumentError naming the option that makes no sense */
export function checkEncodeOptions(options: EncodeOptions, parts: TokenizerParts, specialTokens: { readonly one: number; readonly here: number }): CheckedEncodeOptions {
  const addSpecialTokens = options.addSpecialTokens ?? true;
  const maxLength = options.maxLength ?? parts.modelMaxLength;
  const stride = options.stride ?? 0;
  if (options.maxLength !== undefined) checkCount('maxLength', options.maxLength, 0);
  checkCount('stride', stride, 0);
  if (options.padToMultipleOf !== undefined) checkCount('padToMultipleOf', options.padToMultipleOf, 1);
  oneOf('offsetUnit', options.offsetUnit ?? 'utf16', ['utf16', 'codePoint']);
  const truncationSide = oneOf('truncationSide', options.truncationSide ?? parts.truncationSide, SIDES);
  const side = oneOf('paddingSide', options.paddingSide ?? parts.paddingSide, SIDES);

  const strategy = chosen('truncation', options.truncation ?? false, 'longest_first', 'do_not_truncate', STRATEGIES);
  const overflow = oneOf('overflow', options.overflow ?? 'reference', ['reference', 'complete']);
  let truncation: Truncation | null = null;
  if (strategy !== 'do_not_truncate' && maxLength !== Number.POSITIVE_INFINITY) {
    const room = maxLength - (addSpecialTokens ? specialTokens.here : 0);
    if (room < 0) {
      throw new ArgumentError(`encode: maxLength ${maxLength} has no room for the ${specialTokens.here} special tokens; raise it or pass addSpecialTokens: false`);
    }
    // As in the reference this is wrong for any text, and does not depend on the length of the one at hand.
    const alone = maxLength - (addSpecialTokens ? specialTokens.one : 0);
    if (stride > alone) {
      throw new ArgumentError(`encode: the stride (${stride}) must not be more than the ${alone} tokens that maxLength ${maxLength} leaves to a text; lower the stride or raise maxLength`);
    }
    truncation = { maxLength: room, strategy, stride, side: truncationSide };
  }

  const limit = truncation === null || overflow === 'complete' ? Number.POSITIVE_INFINITY : maxLength;
  const common = { addSpecialTokens, codePoints: options.offsetUnit === 'codePoint', truncation, limit };
  const kind = chosen('padding', options.padding ?? false, 'longest', 'do_not_pad', PADDINGS);
  if (kind === 'do_not_pad') return { ...common, padding: null };
  const pad = parts.roles.pad;
  if (pad === undefined) throw new ArgumentError('encode: padding needs a padding token and this tokenizer has none; name one as pad_token in tokenizer_config.json');
  if (kind === 'max_length' && maxLength === Number.POSITIVE_INFINITY) {
    throw new ArgumentError('encode: padding max_length needs a length, and the tokenizer knows none; pass maxLength');
  }
  const length = kind === 'max_length' ? maxLength : null;
  const padding = { id: pad.id, token: pad.token, typeId: parts.padTypeId, side, length, multiple: options.padToMultipleOf };
  return { ...common, padding };
}

function chosen<T extends string>(name: string, value: boolean | T, yes: T, no: T, all: readonly T[]): T {
  if (typeof value === 'boolean') return value ? yes : no;
  return oneOf(name, value, all);
}

function oneOf<T extends string>(name: string, value: T, all: readonly T[]): T {
  if (!all.includes(value)) {
    throw new ArgumentError(`encode: ${name} must be one of ${all.join(', ')}, not ${JSON.stringify(value)}`);
  }
  return value;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ArgumentError(`encode: ${name} must be a whole number from ${least}, not ${value}`);
  }
}
