import type { EncoderConfig } from '../config.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { bertEmbeddingKeys, bertEncoder, bertHeads, denseClassifier, maskedLm, plainClassifier, poolerKeys, robertaHeadKeys } from './common.ts';

/** MPNet (Song et al., arXiv 2004.09297): RoBERTa's positions, one bias of distances for all layers, no token types. */
const mpnet: Family = {
  modelType: 'mpnet',
  name: 'MPNet',
  prefix: 'mpnet',
  tokenizer: 'wordpiece',
  parse(fields) {
    fields.only('pad_token_id', [1], 'the padding id of MPNet is 1');
    const base = bertEncoder(fields, { vocabSize: 30527, padding: 1, segments: null }, { decoder: false });
    const encoder: EncoderConfig = {
      ...base,
      paddingId: 1,
      positions: { kind: 'learned', length: base.maxPositions, fromPadding: true },
      // Distances fall into 32 buckets whatever the file says; it can only have more rows for them.
      attention: { kind: 'dot', bias: true, fused: false, rotary: null, relativeBias: { buckets: fields.whole('relative_attention_num_buckets', 32, 1 << 12, 32) } },
    };
    const dropout = encoder.dropout.embedding;
    return {
      encoder,
      heads: {
        ...bertHeads(fields, encoder, dropout),
        maskedLm: maskedLm(fields, encoder, 'gelu'),
        pretraining: null,
        sequence: denseClassifier('tanh', dropout),
        choice: plainClassifier('pooler', dropout),
      },
    };
  },
  bodyKeys: () => [
    ...bertEmbeddingKeys,
    ['encoder.relative_attention_bias.{p}', 'encoder.relativeBias.{p}'],
    ['encoder.layer.{i}.attention.attn.q.{p}', 'encoder.layers.{i}.attention.query.{p}'],
    ['encoder.layer.{i}.attention.attn.k.{p}', 'encoder.layers.{i}.attention.key.{p}'],
    ['encoder.layer.{i}.attention.attn.v.{p}', 'encoder.layers.{i}.attention.value.{p}'],
    ['encoder.layer.{i}.attention.attn.o.{p}', 'encoder.layers.{i}.attention.output.{p}'],
    ['encoder.layer.{i}.attention.LayerNorm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
    ['encoder.layer.{i}.intermediate.dense.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
    ['encoder.layer.{i}.output.dense.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
    ['encoder.layer.{i}.output.LayerNorm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
    ...poolerKeys,
  ],
  headKeys: robertaHeadKeys,
};

export class MPNetModel extends BaseModel {
  static override readonly family: Family = mpnet;
}
export class MPNetForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = mpnet;
}
export class MPNetForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = mpnet;
}
export class MPNetForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = mpnet;
}
export class MPNetForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = mpnet;
}
export class MPNetForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = mpnet;
}
