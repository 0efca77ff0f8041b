import type { Generator } from '@strided/tensor';
import { ArgumentError } from '@strided/tensor/errors';
import { longestFirstLengths } from '../../tokenizer/truncation.ts';
import type { Masker, SpecialIds } from './masking.ts';

/** One training example; padding is left to {@link collate}. */
export interface PretrainingExample {
  readonly inputIds: Int32Array;
  /** 1 for the first sentence with its special tokens, 2 for the second. */
  readonly segmentLabels: Int32Array;
  /** Where a token is to be predicted, ascending. */
  readonly maskedPositions: Int32Array;
  /** What stood there. */
  readonly maskedLabels: Int32Array;
  /** 1 where the second sentence follows the first. */
  readonly isNext: 0 | 1;
}

/** The shortest example: three special tokens and a token of each sentence. */
export const MIN_SEQUENCE_LENGTH = 5;

/**
 * `[CLS] A [SEP] B [SEP]`, then masked. Where it is longer than `seqLen`, the longer sentence loses its last tokens until
 * both are equally long, then both do (an odd token stays in the longer one, in B where neither was).
 *
 * @throws ArgumentError where `seqLen` is below 5
 */
export function buildExample(
  sentences: { readonly a: ArrayLike<number>; readonly b: ArrayLike<number>; readonly isNext: boolean },
  seqLen: number,
  ids: SpecialIds,
  masker: Masker,
  generator: Generator,
): PretrainingExample {
  if (!Number.isSafeInteger(seqLen) || seqLen < MIN_SEQUENCE_LENGTH) {
    throw new ArgumentError(`pretraining: a sequence length of ${seqLen} does not hold two sentences and three special tokens; use at least ${MIN_SEQUENCE_LENGTH}`);
  }
  const { a, b, isNext } = sentences;
  const [lengthA, lengthB] = longestFirstLengths(a.length, b.length, seqLen - 3);
  const total = lengthA + lengthB + 3;
  const tokens = new Int32Array(total).fill(ids.sep);
  tokens[0] = ids.cls;
  for (let i = 0; i < lengthA; i++) tokens[1 + i] = a[i];
  for (let i = 0; i < lengthB; i++) tokens[2 + lengthA + i] = b[i];
  const { inputIds, positions, labels } = masker.mask(tokens, generator);
  return {
    inputIds,
    segmentLabels: new Int32Array(total).fill(1).fill(2, lengthA + 2),
    maskedPositions: positions,
    maskedLabels: labels,
    isNext: isNext ? 1 : 0,
  };
}

/** B examples, padded to S tokens. */
export interface PretrainingBatch {
  readonly batchSize: number;
  readonly seqLen: number;
  /** `[B, S]`. */
  readonly inputIds: Int32Array;
  /** `[B, S]`: 1, 2, or 0 for padding. */
  readonly segmentLabels: Int32Array;
  /** Indices into the `B·S` tokens, ascending. */
  readonly maskedPositions: Int32Array;
  /** The original id at each. */
  readonly maskedLabels: Int32Array;
  /** `[B]`. */
  readonly isNext: Int32Array;
  /** How many tokens are not padding. */
  readonly tokenCount: number;
}

/**
 * Puts examples together.
 *
 * @param options.seqLen pads to this; default: as long as the longest
 * @throws ArgumentError where there is no example, or one is longer than `seqLen`
 */
export function collate(examples: readonly PretrainingExample[], options: { readonly seqLen?: number; readonly padId?: number } = {}): PretrainingBatch {
  if (examples.length === 0) throw new ArgumentError('collate: there is no example; a batch needs at least one');
  const longest = examples.reduce((most, example) => Math.max(most, example.inputIds.length), 0);
  const seqLen = options.seqLen ?? longest;
  if (longest > seqLen) throw new ArgumentError(`collate: an example has ${longest} tokens, more than seqLen ${seqLen}; build examples for that length`);
  const masked = examples.reduce((sum, example) => sum + example.maskedPositions.length, 0);
  const inputIds = new Int32Array(examples.length * seqLen).fill(options.padId ?? 0);
  const segmentLabels = new Int32Array(examples.length * seqLen);
  const maskedPositions = new Int32Array(masked);
  const maskedLabels = new Int32Array(masked);
  let at = 0;
  let tokenCount = 0;
  examples.forEach((example, row) => {
    inputIds.set(example.inputIds, row * seqLen);
    segmentLabels.set(example.segmentLabels, row * seqLen);
    maskedPositions.set(example.maskedPositions.map((position) => row * seqLen + position), at);
    maskedLabels.set(example.maskedLabels, at);
    at += example.maskedLabels.length;
    tokenCount += example.inputIds.length;
  });
  const isNext = Int32Array.from(examples, (example) => example.isNext);
  return { batchSize: examples.length, seqLen, inputIds, segmentLabels, maskedPositions, maskedLabels, isNext, tokenCount };
}
