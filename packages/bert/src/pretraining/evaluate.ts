import { Generator, noGrad } from '@strided/tensor';
import type { SeedBertForPreTraining } from '../models.ts';
import type { Corpus } from './corpus/corpus.ts';
import type { PretrainingBatch } from './examples/examples.ts';
import { PretrainingDataset } from './examples/dataset.ts';
import type { Lexicon } from './vocabulary/lexicon.ts';
import { pretrainingLosses } from './objective.ts';
import type { Unigram } from './unigram.ts';

export interface HeldOutResult {
  /** The mean of −ln p(true token) over the masked tokens, in nats. */
  readonly loss: number;
  /** The share of masked tokens whose most probable candidate is the true one. */
  readonly accuracy: number;
  /** The same of the baseline that knows frequencies alone, on the same masked tokens. */
  readonly unigramLoss: number;
  readonly unigramAccuracy: number;
  /** The share of pairs that are told rightly. */
  readonly nextSentenceAccuracy: number;
}

/** The same examples at every evaluation, masked once with a seed of their own. */
export async function heldOutBatches(corpus: Corpus, lexicon: Lexicon, options: { readonly seqLen: number; readonly batchSize: number; readonly batches: number }): Promise<PretrainingBatch[]> {
  const dataset = new PretrainingDataset({
    corpus, tokenizer: lexicon.tokenizer, specialIds: lexicon.specialIds, vocabSize: lexicon.size,
    seqLen: options.seqLen, batchSize: options.batchSize, generator: new Generator(20_000), epochs: 1,
  });
  const batches: PretrainingBatch[] = [];
  for await (const batch of dataset) {
    if (batches.push(batch) === options.batches) break;
  }
  return batches;
}

/** How well a model fills masks and tells next sentences, beside the baseline; it leaves the model's mode as it was. */
export function evaluateHeldOut(model: SeedBertForPreTraining, batches: readonly PretrainingBatch[], baseline: Unigram): HeldOutResult {
  const { training } = model;
  model.eval();
  const sums = { loss: 0, right: 0, unigramLoss: 0, unigramRight: 0, nextRight: 0, masked: 0, pairs: 0 };
  try {
    for (const batch of batches) {
      noGrad(() => {
        const { maskedLm, logits, nextSentenceLogits } = pretrainingLosses(model, batch);
        const guesses = logits.argmax(1).toTypedArray();
        const next = nextSentenceLogits.argmax(1).toTypedArray();
        sums.loss += Number(maskedLm.item()) * batch.maskedLabels.length;
        batch.maskedLabels.forEach((label, i) => {
          sums.right += Number(guesses[i] === label);
          sums.unigramLoss -= baseline.logProbabilities[label];
          sums.unigramRight += Number(baseline.mostFrequent === label);
        });
        sums.nextRight += batch.isNext.reduce((count, truth, i) => count + Number(next[i] === truth), 0);
        sums.masked += batch.maskedLabels.length;
        sums.pairs += batch.batchSize;
      });
    }
  } finally {
    model.train(training);
  }
  return {
    loss: sums.loss / sums.masked,
    accuracy: sums.right / sums.masked,
    unigramLoss: sums.unigramLoss / sums.masked,
    unigramAccuracy: sums.unigramRight / sums.masked,
    nextSentenceAccuracy: sums.nextRight / sums.pairs,
  };
}
