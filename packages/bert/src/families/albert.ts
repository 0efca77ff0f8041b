import type { KeyTemplates } from '../checkpoint/keys.ts';
import type { EncoderConfig } from '../config.ts';
import type { Family } from '../models/family.ts';
import {
  BaseModel, ForMaskedLM, ForMultipleChoice, ForPairPreTraining, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification,
} from '../models/models.ts';
import { allGlobal, bertEmbeddingKeys, bertEncoder, bertHeads, classifierKeys, questionKeys } from './common.ts';

/** A layer of a group; the file counts both, the model counts layers through. */
function layerKeys(group: number, inner: number, index: number): KeyTemplates {
  const file = `encoder.albert_layer_groups.${group}.albert_layers.${inner}`;
  const own = `encoder.layers.${index}`;
  return [
    [`${file}.attention.query.{p}`, `${own}.attention.query.{p}`],
    [`${file}.attention.key.{p}`, `${own}.attention.key.{p}`],
    [`${file}.attention.value.{p}`, `${own}.attention.value.{p}`],
    [`${file}.attention.dense.{p}`, `${own}.attention.output.{p}`],
    [`${file}.attention.LayerNorm.{p}`, `${own}.attentionNorm.{p}`],
    [`${file}.ffn.{p}`, `${own}.feedForward.input.{p}`],
    [`${file}.ffn_output.{p}`, `${own}.feedForward.output.{p}`],
    [`${file}.full_layer_layer_norm.{p}`, `${own}.feedForwardNorm.{p}`],
  ];
}

const predictionKeys: KeyTemplates = [
  ['predictions.bias', 'lmHead.bias'],
  ['predictions.dense.{p}', 'lmHead.dense.{p}'],
  ['predictions.LayerNorm.{p}', 'lmHead.norm.{p}'],
  ['predictions.decoder.{p}', 'lmHead.decoder.{p}'],
];

/** ALBERT (Lan et al., arXiv 1909.11942): embeddings of a width of their own, layers that share their weights. */
const albert: Family = {
  modelType: 'albert',
  name: 'Albert',
  prefix: 'albert',
  tokenizer: 'unigram',
  parse(fields) {
    const defaults = { vocabSize: 30000, hiddenSize: 4096, heads: 64, intermediateSize: 16384, hiddenAct: 'gelu_new', hiddenDropout: 0, attentionDropout: 0 } as const;
    const base = bertEncoder(fields, defaults, { decoder: false });
    const inner = fields.whole('inner_group_num', 1, 64, 1);
    const encoder: EncoderConfig = {
      ...base,
      embeddingSize: fields.whole('embedding_size', 1, 1 << 16, 128),
      embeddingProjection: 'always',
      layerKinds: allGlobal(base.layers * inner),
      sharing: { groups: fields.whole('num_hidden_groups', 1, base.layers, 1), inner },
      // transformers has a dropout after the network, but does not call it.
      dropout: { ...base.dropout, feedForwardOutput: 0 },
    };
    const dropout = fields.probability('classifier_dropout_prob', 0.1);
    return { encoder, heads: { ...bertHeads(fields, encoder, dropout), pretraining: { kind: 'pair', dropout } } };
  },
  bodyKeys: ({ sharing }) => [
    ...bertEmbeddingKeys,
    ['encoder.embedding_hidden_mapping_in.{p}', 'encoder.embedding.projection.{p}'],
    ...Array.from({ length: (sharing?.groups ?? 1) * (sharing?.inner ?? 1) }, (_, i) => layerKeys(Math.floor(i / (sharing?.inner ?? 1)), i % (sharing?.inner ?? 1), i)).flat(),
    ['pooler.{p}', 'pooler.dense.{p}'],
  ],
  headKeys: {
    maskedLm: predictionKeys,
    pretraining: [...predictionKeys, ['sop_classifier.classifier.{p}', 'pairHead.classifier.{p}']],
    sequence: classifierKeys,
    choice: classifierKeys,
    token: classifierKeys,
    question: questionKeys,
  },
};

export class AlbertModel extends BaseModel {
  static override readonly family: Family = albert;
}
export class AlbertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = albert;
}
export class AlbertForPreTraining extends ForPairPreTraining {
  static override readonly family: Family = albert;
}
export class AlbertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = albert;
}
export class AlbertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = albert;
}
export class AlbertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = albert;
}
export class AlbertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = albert;
}
