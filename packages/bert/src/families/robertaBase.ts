import type { EncoderConfig } from '../config.ts';
import type { Fields } from '../fields.ts';
import type { HeadSpecs } from '../heads/spec.ts';
import { bertEncoder, bertHeads, denseClassifier, maskedLm, plainClassifier } from './common.ts';

/** BERT with positions that are counted from the padding id, whatever the attention mask says. */
export function robertaEncoder(fields: Fields, vocabSize: number): EncoderConfig {
  const encoder = bertEncoder(fields, { vocabSize, padding: 1 });
  return { ...encoder, positions: { kind: 'learned', length: encoder.maxPositions, fromPadding: true } };
}

/** Classifiers of sequences look at the first token through a layer of their own; the one of choices at the pooler. */
export function robertaHeads(fields: Fields, encoder: EncoderConfig): HeadSpecs {
  const hidden = encoder.dropout.embedding;
  const dropout = fields.probabilityOr('classifier_dropout', hidden);
  return {
    ...bertHeads(fields, encoder, dropout),
    maskedLm: maskedLm(fields, encoder, 'gelu'),
    pretraining: null,
    sequence: denseClassifier('tanh', dropout),
    choice: plainClassifier('pooler', hidden),
  };
}
