import { fromTypedArray, noGrad, type Tensor } from '@strided/tensor';
import type { SeedBertForPreTraining } from '../models.ts';
import type { Lexicon } from './vocabulary/lexicon.ts';

/** What the model makes of one masked token. */
export interface FilledMask {
  /** The sentence's tokens as they were. */
  readonly tokens: readonly string[];
  /** Which of them was masked. */
  readonly position: number;
  readonly truth: string;
  /** The most probable tokens, falling. */
  readonly candidates: readonly { readonly token: string; readonly probability: number }[];
}

/** `[CLS] sentence [SEP]`, cut to what the model takes. */
function frame(lexicon: Lexicon, sentence: string, most: number): Int32Array {
  const ids = Array.from(lexicon.tokenizer.encodeIds(sentence)).slice(0, most - 2);
  return Int32Array.from([lexicon.specialIds.cls, ...ids, lexicon.specialIds.sep]);
}

const asBatch = (ids: Int32Array): { inputIds: Tensor; segmentLabels: Tensor } => ({
  inputIds: fromTypedArray(ids, [1, ids.length]),
  segmentLabels: fromTypedArray(new Int32Array(ids.length).fill(1), [1, ids.length]),
});

/** Masks one token of a sentence and asks for the `count` most probable ones. */
export function fillMask(model: SeedBertForPreTraining, lexicon: Lexicon, sentence: string, position: number, count = 5): FilledMask {
  const ids = frame(lexicon, sentence, model.config.maxLength);
  const masked = ids.slice();
  masked[position + 1] = lexicon.specialIds.mask;
  const probabilities = noGrad(() => {
    const { lastHiddenState } = model.bert.forward(asBatch(masked));
    return model.maskedLm.logits(lastHiddenState.select(0, 0).narrow(0, position + 1, 1)).softmax().flatten().toTypedArray();
  });
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, count);
  return {
    tokens: Array.from(ids.subarray(1, -1), (id) => lexicon.token(id)),
    position,
    truth: lexicon.token(ids[position + 1]),
    candidates: order.map((id) => ({ token: lexicon.token(id), probability: probabilities[id] })),
  };
}

/** The attention weights of a sentence: `layers[layer][head][query][key]`. */
export function attentionMaps(model: SeedBertForPreTraining, lexicon: Lexicon, sentence: string): { tokens: string[]; layers: number[][][][] } {
  const ids = frame(lexicon, sentence, model.config.maxLength);
  const { attentions } = noGrad(() => model.bert.forward({ ...asBatch(ids), outputAttentions: true }));
  return {
    tokens: Array.from(ids, (id) => lexicon.token(id)),
    layers: (attentions ?? []).map((map) => map.select(0, 0).toArray() as number[][][]),
  };
}
