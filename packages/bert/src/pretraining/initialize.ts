import { init } from '@strided/nn';
import { fromTypedArray, noGrad } from '@strided/tensor';
import type { SeedBertForPreTraining } from '../models.ts';
import type { Unigram } from './unigram.ts';

/**
 * Starts a model where a short training gets furthest: small embeddings (PyTorch's standard normal ones drown the
 * layers for thousands of steps) and a decoder that begins as the unigram baseline.
 */
export function initializeForPretraining(model: SeedBertForPreTraining, { logProbabilities }: Unigram, embeddingStd = 0.05): void {
  const { token, segment } = model.bert.embedding;
  for (const table of [token, segment]) {
    init.normal(table.weight, 0, embeddingStd);
    table.clearPadding();
  }
  const { weight, bias } = model.maskedLm.linear;
  init.normal(weight, 0, 0.02);
  noGrad(() => bias?.copyFrom(fromTypedArray(logProbabilities)));
}
