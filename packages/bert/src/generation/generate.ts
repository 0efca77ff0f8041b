import { ArgumentError, defaultGenerator, fromTypedArray, keep, Generator as RandomNumbers, type Tensor } from '@strided/tensor';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import type { CausalInputs, CausalOutput } from '../models/causalLm.ts';
import { drawn, likeliest } from './choice.ts';
import { decode } from './decode.ts';
import { processorsOf, type LogitsProcessor } from './processors.ts';
import { resolveSettings, type GenerationSettings } from './settings.ts';
import { checkedMask, DecoderSteps, leftPadding, positionsOf } from './steps.ts';
import { TokenTable } from './tokenTable.ts';

/** What every kind of `generate` takes besides its inputs. */
export interface GenerateControls extends GenerationSettings {
  /** The same seed draws the same tokens. Default: the numbers go on from `generator`. */
  readonly seed?: number;
  /** Where random numbers come from without a seed. Default: the one that `manualSeed` starts. */
  readonly generator?: RandomNumbers;
  /** Change the scores of the next token before temperature, topK and topP do. */
  readonly logitsProcessor?: readonly LogitsProcessor[];
  /** Return more than the tokens. */
  readonly returnDictInGenerate?: boolean;
  /** With `returnDictInGenerate`: the scores that tokens were chosen by. */
  readonly outputScores?: boolean;
  /** With `returnDictInGenerate`: the logits before anything changed them. */
  readonly outputLogits?: boolean;
}

export interface GenerateOptions extends GenerateControls {
  /** What each text begins with, int32 [B, S], padded on the left. Default: `bosTokenId` alone. */
  readonly inputIds?: Tensor | null;
  /** [B, S], 0 where padding stands. Default: where `inputIds` have `padTokenId`, unless that ends texts too. */
  readonly attentionMask?: Tensor | null;
  /** Default: counted without padding. Further tokens go on from the last. */
  readonly positionIds?: Tensor | null;
  /** Further tokens have the type of the last. */
  readonly tokenTypeIds?: Tensor | null;
  /** For cross-attention [B, T, hidden]. */
  readonly encoderHiddenStates?: Tensor | null;
  readonly encoderAttentionMask?: Tensor | null;
  /** What an earlier call remembers of the first tokens of `inputIds`, which holds all. It is added to. */
  readonly pastKeyValues?: DecoderCache | null;
}

export interface GenerateOutput {
  /** int32 [B, length] */
  readonly sequences: Tensor<'int32'>;
  /** One [B, vocabulary] a step, when asked for. */
  readonly scores: readonly Tensor[] | null;
  readonly logits: readonly Tensor[] | null;
  readonly pastKeyValues: DecoderCache | null;
}

/** A decoder, as far as generating needs it. */
export interface Decoder {
  readonly forward: (inputs: CausalInputs) => CausalOutput;
  readonly settings: GenerationSettings;
  /** The most tokens that it can take in. */
  readonly longest: number;
  readonly vocabSize: number;
  /** Whether positions are counted without padding (else the decoder places its tokens itself), and padding is found by its id. */
  readonly counted: boolean;
  readonly findsPadding: boolean;
}

/** A run of generating: the steps to go through, and what there is afterwards. */
export interface Run {
  readonly steps: IterableIterator<Int32Array>;
  output(): GenerateOutput;
}

/** Prepares a run; everything is checked before anything is computed. `encode` gives what cross-attention looks at when it is first needed. */
export function startRun(decoder: Decoder, options: GenerateOptions, encode: (() => Tensor) | null = null): Run {
  const inputIds = beginningOf(decoder, options);
  const { pastKeyValues = null, tokenTypeIds = null, encoderHiddenStates = null, encoderAttentionMask = null } = options;
  const [batch, length] = inputIds.shape;
  const settings = resolveSettings(options, decoder.settings, { length, longest: decoder.longest, vocabSize: decoder.vocabSize });
  if (pastKeyValues !== null && (settings.copies > 1 || !settings.useCache)) throw new ArgumentError('generate: pastKeyValues go with numReturnSequences 1 and useCache');
  if (pastKeyValues !== null && pastKeyValues.length >= length) throw new ArgumentError(`generate: pastKeyValues hold ${pastKeyValues.length} tokens, but inputIds have ${length}; give all tokens, those there and at least one more`);
  const given = options.attentionMask ?? (decoder.findsPadding ? paddingMask(inputIds, settings.eos, options.padTokenId ?? decoder.settings.padTokenId ?? null) : null);
  const mask = given === null ? null : checkedMask(given, inputIds.shape);
  const padded = mask !== null && mask.toTypedArray().includes(0);
  for (const [name, table] of Object.entries({ tokenTypeIds, positionIds: options.positionIds ?? null })) {
    if (table !== null && table.shape.join() !== inputIds.shape.join()) throw new ArgumentError(`generate: ${name} must be [${batch}, ${length}] as inputIds, not [${table.shape.join(', ')}]`);
  }
  const positionIds = options.positionIds ?? (padded && decoder.counted ? positionsOf(mask) : null);
  const steps = new DecoderSteps(
    decoder.forward,
    { inputIds, attentionMask: padded ? mask : null, positionIds, tokenTypeIds, encode: encode ?? (encoderHiddenStates === null ? null : () => encoderHiddenStates), encoderAttentionMask, pastKeyValues },
    { copies: settings.copies, width: settings.maxLength, useCache: settings.useCache },
  );
  const tokens = new TokenTable(inputIds, settings.copies, settings.maxLength);
  const [scores, logits]: Tensor[][] = [[], []];
  const { outputScores = false, outputLogits = false } = options;
  const generator = options.seed === undefined ? options.generator ?? defaultGenerator : new RandomNumbers(options.seed);
  return {
    steps: decode({
      tokens, settings,
      padding: padded ? leftPadding(mask).flatMap((count) => Array.from({ length: settings.copies }, () => count)) : Array.from({ length: tokens.rows }, () => 0),
      processors: processorsOf(settings, options.logitsProcessor ?? []),
      choice: settings.doSample ? drawn : likeliest,
      uniform: () => generator.uniform(),
      next: (all) => steps.next(all),
      record: !outputScores && !outputLogits ? null : (before, after) => {
        if (outputLogits) logits.push(keep(before));
        if (outputScores) scores.push(keep(after));
      },
    }),
    output: () => ({ sequences: tokens.from(0), scores: outputScores ? scores : null, logits: outputLogits ? logits : null, pastKeyValues: steps.pastKeyValues }),
  };
}

/** Goes through a whole run. */
export function finishRun({ steps, output }: Run): GenerateOutput {
  for (const _ of steps);
  return output();
}

function beginningOf({ settings }: Decoder, options: GenerateOptions): Tensor {
  const { inputIds = null } = options;
  if (inputIds === null) {
    const bos = options.bosTokenId ?? settings.bosTokenId ?? null;
    if (bos === null) throw new ArgumentError('generate: give inputIds, what each text begins with, or bosTokenId');
    return fromTypedArray(Int32Array.of(bos), [1, 1]);
  }
  if (inputIds.rank !== 2 || inputIds.size === 0) throw new ArgumentError(`generate: inputIds must be [batch, length] with at least one token a row, not [${inputIds.shape.join(', ')}]`);
  return inputIds;
}

/** 1 where ids are not padding; null where that cannot be known, or there is none. */
export function paddingMask(inputIds: Tensor, eos: readonly number[], pad: number | null): Tensor | null {
  return pad === null || eos.includes(pad) || !inputIds.toTypedArray().includes(pad) ? null : inputIds.ne(pad);
}
