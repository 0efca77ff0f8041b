import { activationNames } from '../activation.ts';
import type { KeyTemplates } from '../checkpoint/keys.ts';
import { longestSequence, type DisentangledSpec, type EncoderConfig } from '../config.ts';
import type { Fields } from '../fields.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { bertEmbeddingKeys, bertEncoder, bertHeads, bertLayerKeys, classifierKeys, clsPredictionKeys, maskedLm, plainClassifier, questionKeys } from './common.ts';

/** The newer head for masked tokens, which computes with the embedding itself. */
const lmPredictionKeys: KeyTemplates = [
  ['lm_predictions.lm_head.bias', 'lmHead.bias'],
  ['lm_predictions.lm_head.dense.{p}', 'lmHead.dense.{p}'],
  ['lm_predictions.lm_head.LayerNorm.{p}', 'lmHead.norm.{p}'],
  ['lm_predictions.lm_head.{p}', 'lmHead.decoder.{p}'],
];

const contextPoolerKeys: KeyTemplates = [['pooler.dense.{p}', 'classificationHead.dense.{p}'], ...classifierKeys];

/** `pos_att_type`: a list, or words with | between them. */
function positionTerms(fields: Fields): Pick<DisentangledSpec, 'contentToPosition' | 'positionToContent'> {
  const value = fields.raw('pos_att_type');
  const words: readonly unknown[] = typeof value === 'string' ? value.toLowerCase().split('|').map((word) => word.trim()) : Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (words.some((word) => word !== 'c2p' && word !== 'p2c' && word !== '')) throw fields.wrong('pos_att_type', 'a list of c2p, p2c');
  return { contentToPosition: words.includes('c2p'), positionToContent: words.includes('p2c') };
}

function normsRelative(fields: Fields): boolean {
  const value = fields.raw('norm_rel_ebd') ?? 'none';
  const words = typeof value === 'string' ? value.toLowerCase().split('|').map((word) => word.trim()) : [];
  if (words.length === 0 || words.some((word) => word !== 'none' && word !== 'layer_norm')) throw fields.wrong('norm_rel_ebd', 'none or layer_norm');
  return words.includes('layer_norm');
}

function disentangled(fields: Fields, maxPositions: number): DisentangledSpec {
  const size = fields.whole('conv_kernel_size', 0, 255, 0);
  const distance = fields.whole('max_relative_positions', -1, longestSequence, -1);
  const buckets = fields.whole('position_buckets', -1, longestSequence, -1);
  if (buckets === 1) throw fields.wrong('position_buckets', 'at least 2 (or 0: none)');
  if (size > 0 && size % 2 === 0) throw fields.wrong('conv_kernel_size', 'odd');
  return {
    relative: fields.flag('relative_attention', false),
    ...positionTerms(fields),
    sharedKeys: fields.flag('share_att_key', false),
    buckets: Math.max(0, buckets),
    maxDistance: distance < 1 ? maxPositions : distance,
    normRelative: normsRelative(fields),
    convolution: size === 0 ? null : { size, groups: fields.whole('conv_groups', 1, 1 << 12, 1), activation: fields.choice('conv_act', activationNames, 'tanh') },
  };
}

/** DeBERTa, versions 2 and 3 (He et al., arXiv 2006.03654, 2111.09543): content and positions attend to each other apart. */
const debertaV2: Family = {
  modelType: 'deberta-v2',
  name: 'DebertaV2',
  prefix: 'deberta',
  tokenizer: 'unigram',
  parse(fields) {
    const base = bertEncoder(fields, { vocabSize: 128100, hiddenSize: 1536, layers: 24, heads: 24, intermediateSize: 6144, segments: 0, epsilon: 1e-7 }, { decoder: false });
    const attention = disentangled(fields, base.maxPositions);
    const groups = attention.convolution?.groups ?? 1;
    if (base.hiddenSize % groups !== 0) throw fields.wrong('conv_groups', `a divisor of the hidden size ${base.hiddenSize}`);
    fields.only('attention_head_size', [base.headSize], 'heads share the hidden size evenly');
    const encoder: EncoderConfig = {
      ...base,
      embeddingSize: fields.whole('embedding_size', 1, 1 << 16, base.hiddenSize),
      embeddingProjection: 'beforeNorm',
      zeroPadding: true,
      positions: fields.flag('position_biased_input', true) ? base.positions : { kind: 'none' },
      attention: { kind: 'disentangled', ...attention },
    };
    const hidden = encoder.dropout.embedding;
    const legacy = fields.flag('legacy', true);
    const head = maskedLm(fields, encoder);
    fields.only('pooler_hidden_size', [base.hiddenSize], 'the pooler has the hidden size');
    const sequence = {
      ...plainClassifier('first', fields.has('cls_dropout') ? fields.probability('cls_dropout', 0) : hidden),
      dropoutBefore: fields.probability('pooler_dropout', 0),
      dense: { bias: true },
      activation: fields.choice('pooler_hidden_act', activationNames, 'gelu'),
    } as const;
    if (!legacy && encoder.embeddingSize !== encoder.hiddenSize) throw fields.wrong('embedding_size', `the hidden size ${base.hiddenSize} where legacy is false`);
    return {
      encoder,
      heads: {
        ...bertHeads(fields, encoder, hidden),
        labelsAreDistributions: true,
        pooler: false,
        maskedLm: legacy ? head : { ...head, tied: true },
        pretraining: null,
        sequence,
        choice: sequence,
      },
    };
  },
  bodyKeys: () => [
    ...bertEmbeddingKeys,
    ['embeddings.embed_proj.{p}', 'encoder.embedding.projection.{p}'],
    ['encoder.rel_embeddings.{p}', 'encoder.relative.{p}'],
    ['encoder.LayerNorm.{p}', 'encoder.relativeNorm.{p}'],
    ['encoder.conv.conv.{p}', 'encoder.convolution.convolution.{p}'],
    ['encoder.conv.LayerNorm.{p}', 'encoder.convolution.norm.{p}'],
    ['encoder.layer.{i}.attention.self.query_proj.{p}', 'encoder.layers.{i}.attention.query.{p}'],
    ['encoder.layer.{i}.attention.self.key_proj.{p}', 'encoder.layers.{i}.attention.key.{p}'],
    ['encoder.layer.{i}.attention.self.value_proj.{p}', 'encoder.layers.{i}.attention.value.{p}'],
    ['encoder.layer.{i}.attention.self.pos_key_proj.{p}', 'encoder.layers.{i}.attention.positionKey.{p}'],
    ['encoder.layer.{i}.attention.self.pos_query_proj.{p}', 'encoder.layers.{i}.attention.positionQuery.{p}'],
    ...bertLayerKeys.filter(([key]) => !key.includes('.self.')),
  ],
  headKeys: { maskedLm: clsPredictionKeys, sequence: contextPoolerKeys, choice: contextPoolerKeys, token: classifierKeys, question: questionKeys },
  variantHeadKeys: (fields) => (fields.raw('legacy') === false ? { maskedLm: lmPredictionKeys } : {}),
  otherKeys: [...lmPredictionKeys, ['mask_predictions.dense.{p}', ''], ['mask_predictions.LayerNorm.{p}', ''], ['mask_predictions.classifier.{p}', '']],
  // Published files have positions that their config does not use.
  stray: /(^|\.)embeddings\.position_embeddings\.weight$/,
};

export class DebertaV2Model extends BaseModel {
  static override readonly family: Family = debertaV2;
}
export class DebertaV2ForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = debertaV2;
}
export class DebertaV2ForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = debertaV2;
}
export class DebertaV2ForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = debertaV2;
}
export class DebertaV2ForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = debertaV2;
}
export class DebertaV2ForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = debertaV2;
}
