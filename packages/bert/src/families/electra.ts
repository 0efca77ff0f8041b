import type { KeyTemplates } from '../checkpoint/keys.ts';
import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForReplacedTokens, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { bertEmbeddingKeys, bertEncoder, bertHeads, bertLayerKeys, classifierKeys, denseClassifier, denseClassifierKeys, maskedLm, questionKeys } from './common.ts';
import { summary } from './summary.ts';

const generatorKeys: KeyTemplates = [
  ['generator_predictions.dense.{p}', 'lmHead.dense.{p}'],
  ['generator_predictions.LayerNorm.{p}', 'lmHead.norm.{p}'],
  ['generator_lm_head.{p}', 'lmHead.decoder.{p}'],
];

/** ELECTRA (Clark et al., arXiv 2003.10555), generator and discriminator: BERT with narrower embeddings. */
const electra: Family = {
  modelType: 'electra',
  name: 'Electra',
  prefix: 'electra',
  tokenizer: 'wordpiece',
  parse(fields) {
    const embeddingSize = fields.whole('embedding_size', 1, 1 << 16, 128);
    const encoder = { ...bertEncoder(fields, { hiddenSize: 256, heads: 4, intermediateSize: 1024 }), embeddingSize };
    const dropout = fields.probabilityOr('classifier_dropout', encoder.dropout.embedding);
    return {
      encoder,
      heads: {
        ...bertHeads(fields, encoder, dropout),
        pooler: false,
        maskedLm: { ...maskedLm(fields, encoder, 'gelu'), biasBeside: false },
        pretraining: { kind: 'discriminator', activation: encoder.feedForward.activation },
        sequence: denseClassifier('gelu', dropout),
        choice: summary(fields, 'first', true, 'gelu', 0.1),
      },
    };
  },
  bodyKeys: () => [...bertEmbeddingKeys, ['embeddings_project.{p}', 'encoder.embedding.projection.{p}'], ...bertLayerKeys],
  headKeys: {
    maskedLm: generatorKeys,
    causalLm: generatorKeys,
    pretraining: [
      ['discriminator_predictions.dense.{p}', 'discriminator.dense.{p}'],
      ['discriminator_predictions.dense_prediction.{p}', 'discriminator.prediction.{p}'],
    ],
    sequence: denseClassifierKeys,
    choice: [['sequence_summary.summary.{p}', 'classificationHead.dense.{p}'], ...classifierKeys],
    token: classifierKeys,
    question: questionKeys,
  },
};

export class ElectraModel extends BaseModel {
  static override readonly family: Family = electra;
}
export class ElectraForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = electra;
}
export class ElectraForCausalLM extends ForCausalLM {
  static override readonly family: Family = electra;
}
export class ElectraForPreTraining extends ForReplacedTokens {
  static override readonly family: Family = electra;
}
export class ElectraForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = electra;
}
export class ElectraForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = electra;
}
export class ElectraForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = electra;
}
export class ElectraForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = electra;
}
