import type { Tensor } from '@strided/tensor';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import { causalLoss } from '../heads/losses.ts';
import { extras, LanguageModel, type LabelledInputs, type LogitsOutput } from './models.ts';

export interface CausalInputs extends LabelledInputs {
  /** Logits of the last tokens only, this many of each row; 0, the default: of all. */
  readonly logitsToKeep?: number;
}

export interface CausalOutput extends LogitsOutput {
  /** For the tokens that come next; null where labels were given or `useCache` (in the call, else in the config) says so. */
  readonly pastKeyValues: DecoderCache | null;
}

/** Predicts each next token; set `isDecoder`. `labels` [B, S] are the token ids themselves: the loss shifts them. */
export abstract class ForCausalLM extends LanguageModel {
  static override readonly head = 'causalLm';

  forward({ labels = null, logitsToKeep = 0, ...inputs }: CausalInputs): CausalOutput {
    const output = this.encode({ ...inputs, useCache: labels === null && (inputs.useCache ?? this.config.useCache) });
    const { lastHiddenState: hidden } = output;
    const kept = Math.min(logitsToKeep === 0 ? Infinity : logitsToKeep, hidden.shape[1]);
    const logits: Tensor = this.lmHead.forward(hidden.narrow(1, hidden.shape[1] - kept, kept));
    return { loss: labels === null ? null : causalLoss(logits, labels), logits, pastKeyValues: output.pastKeyValues, ...extras(output) };
  }
}
