import type { EncoderConfig } from '../config.ts';
import { ForCausalLM } from '../models/causalLm.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { bertEmbeddingKeys, bertEncoder, bertHeads, bertLayerKeys, clsPredictionKeys, classifierKeys, denseClassifier, denseClassifierKeys, maskedLm, questionKeys } from './common.ts';
import { summary } from './summary.ts';

/** RoFormer (Su et al., arXiv 2104.09864): BERT with rotary positions, from a table that the file holds. */
const roformer: Family = {
  modelType: 'roformer',
  name: 'RoFormer',
  prefix: 'roformer',
  tokenizer: 'wordpiece',
  parse(fields) {
    const base = bertEncoder(fields, { vocabSize: 50000, maxPositions: 1536 });
    const encoder: EncoderConfig = {
      ...base,
      embeddingSize: fields.whole('embedding_size', 1, 1 << 16, base.hiddenSize),
      positions: { kind: 'none' },
      attention: { kind: 'dot', bias: true, fused: false, relativeBias: null, rotary: { kind: 'pairs', values: fields.flag('rotary_value', false), length: base.maxPositions } },
    };
    const dropout = encoder.dropout.embedding;
    return {
      encoder,
      heads: {
        ...bertHeads(fields, encoder, dropout),
        pooler: false,
        maskedLm: maskedLm(fields, encoder),
        pretraining: null,
        sequence: denseClassifier(encoder.feedForward.activation, dropout),
        choice: summary(fields, 'last', false, null, 0),
      },
    };
  },
  bodyKeys: () => [
    ...bertEmbeddingKeys,
    ['embeddings_project.{p}', 'encoder.embedding.projection.{p}'],
    ['encoder.embed_positions.weight', 'encoder.rotary'],
    ...bertLayerKeys,
  ],
  headKeys: {
    maskedLm: clsPredictionKeys,
    causalLm: clsPredictionKeys,
    sequence: denseClassifierKeys,
    choice: [['sequence_summary.summary.{p}', 'classificationHead.dense.{p}'], ...classifierKeys],
    token: classifierKeys,
    question: questionKeys,
  },
};

export class RoFormerModel extends BaseModel {
  static override readonly family: Family = roformer;
}
export class RoFormerForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = roformer;
}
export class RoFormerForCausalLM extends ForCausalLM {
  static override readonly family: Family = roformer;
}
export class RoFormerForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = roformer;
}
export class RoFormerForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = roformer;
}
export class RoFormerForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = roformer;
}
export class RoFormerForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = roformer;
}
