import { crossEntropy } from '@strided/nn';
import { fromTypedArray, type Tensor } from '@strided/tensor';
import type { SeedBertForPreTraining } from '../models.ts';
import type { PretrainingBatch } from './examples/examples.ts';

export interface PretrainingLosses {
  /** Masked-LM and next-sentence loss together. */
  readonly loss: Tensor;
  /** The mean over the masked tokens. */
  readonly maskedLm: Tensor;
  /** The mean over the examples. */
  readonly nextSentence: Tensor;
  /** For the masked tokens alone [masked, vocabulary]. */
  readonly logits: Tensor;
  /** [examples, 2] */
  readonly nextSentenceLogits: Tensor;
}

/**
 * Both losses of a batch, each with a criterion of its own: one ignore index for both, as in the original, would drop
 * every pair that is not the next. The vocabulary is projected only at masked positions, about a seventh of them.
 */
export function pretrainingLosses(model: SeedBertForPreTraining, batch: PretrainingBatch): PretrainingLosses {
  const shape = [batch.batchSize, batch.seqLen];
  const { lastHiddenState } = model.bert.forward({
    inputIds: fromTypedArray(batch.inputIds, shape),
    segmentLabels: fromTypedArray(batch.segmentLabels, shape),
  });
  const hidden = lastHiddenState.reshape([batch.batchSize * batch.seqLen, -1]);
  const logits = model.maskedLm.logits(hidden.indexSelect(0, fromTypedArray(batch.maskedPositions)));
  const nextSentenceLogits = model.nextSentence.logits(lastHiddenState);
  const maskedLm = crossEntropy(logits, fromTypedArray(batch.maskedLabels));
  const nextSentence = crossEntropy(nextSentenceLogits, fromTypedArray(batch.isNext));
  return { loss: maskedLm.add(nextSentence), maskedLm, nextSentence, logits, nextSentenceLogits };
}
