import type { Tensor } from '@strided/tensor';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import type { GenerateControls } from '../generation/generate.ts';
import type { ModelOutput } from '../models/models.ts';

/** Tensors of tokens are [B, S] for the encoder and [B, T] for the decoder. */
export interface ReadInputs {
  readonly inputIds?: Tensor | null;
  readonly inputsEmbeds?: Tensor | null;
  /** [B, S], 0 where a token is padding: neither half sees it. */
  readonly attentionMask?: Tensor | null;
  readonly tokenTypeIds?: Tensor | null;
  readonly positionIds?: Tensor | null;
  /** What the encoder made of the text before; then it does not run. */
  readonly encoderOutputs?: EncoderStates | null;
}

/** What an encoder made of a text. */
export type EncoderStates = Pick<ModelOutput, 'lastHiddenState'> & Partial<Pick<ModelOutput, 'hiddenStates' | 'attentions'>>;

export interface EncoderDecoderInputs extends ReadInputs {
  /** Default: `labels`, shifted to the right behind `decoderStartTokenId`. */
  readonly decoderInputIds?: Tensor | null;
  readonly decoderInputsEmbeds?: Tensor | null;
  /** [B, T]. Default: everything is seen, of shifted labels what is not padding. */
  readonly decoderAttentionMask?: Tensor | null;
  readonly decoderTokenTypeIds?: Tensor | null;
  readonly decoderPositionIds?: Tensor | null;
  /** [B, T], the tokens to be written, −100 where none counts. Given, there is a `loss`; nothing is shifted there any more. */
  readonly labels?: Tensor | null;
  readonly pastKeyValues?: DecoderCache | null;
  readonly useCache?: boolean;
  readonly outputHiddenStates?: boolean;
  readonly outputAttentions?: boolean;
}

export interface EncoderDecoderOutput {
  /** null unless labels were given. */
  readonly loss: Tensor | null;
  /** [B, T, vocabulary] */
  readonly logits: Tensor;
  readonly pastKeyValues: DecoderCache | null;
  readonly decoderHiddenStates: readonly Tensor[] | null;
  readonly decoderAttentions: readonly Tensor[] | null;
  /** One [B, heads, T, S] a layer, when asked for. */
  readonly crossAttentions: readonly Tensor[] | null;
  /** [B, S, hidden]; null where neither a text nor `encoderOutputs` were given, the cache having all. */
  readonly encoderLastHiddenState: Tensor | null;
  readonly encoderHiddenStates: readonly Tensor[] | null;
  readonly encoderAttentions: readonly Tensor[] | null;
}

export interface PairGenerateOptions extends GenerateControls, ReadInputs {
  /** What each text begins with [B, T]. Default: `decoderStartTokenId` alone, which also comes before ids that do not begin with it. */
  readonly decoderInputIds?: Tensor | null;
  readonly decoderAttentionMask?: Tensor | null;
  readonly pastKeyValues?: DecoderCache | null;
}

