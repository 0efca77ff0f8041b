import { activationNames } from '../activation.ts';
import type { KeyTemplates } from '../checkpoint/keys.ts';
import type { EncoderConfig } from '../config.ts';
import type { Fields } from '../fields.ts';
import type { ClassifierSpec } from '../heads/spec.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForMultipleChoice, ForQuestionAnswering, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { classifierKeys, encoderSizes, labels, layerNorm, noDropout, theta } from './common.ts';

const headKeys: KeyTemplates = [['head.dense.{p}', 'classificationHead.dense.{p}'], ['head.norm.{p}', 'classificationHead.norm.{p}'], ...classifierKeys];

/** Which layers see everything: a list in today's spelling of the config, every n-th layer in the older one. */
function layerKinds(fields: Fields, count: number): ('global' | 'local')[] {
  const every = fields.whole('global_attn_every_n_layers', 1, 1024, 3);
  fields.resolved.delete('global_attn_every_n_layers');
  const types = fields.words('layer_types', ['full_attention', 'sliding_attention']);
  if (types === null) return Array.from({ length: count }, (_, i) => (i % every === 0 ? 'global' : 'local'));
  if (types.length !== count) throw fields.wrong('layer_types', `a list of the kind of each of the ${count} layers`);
  return types.map((type) => (type === 'full_attention' ? 'global' : 'local'));
}

/** Beyond how many standard deviations weights are not drawn. Far fewer than one would take forever. */
const cutoffOf = (fields: Fields): number => fields.number('initializer_cutoff_factor', 0.1, 1e3, 2);

/** ModernBERT (Warner et al., arXiv 2412.13663): norm first, rotary positions, gated network, most layers see their neighbours alone. */
const modernbert: Family = {
  modelType: 'modernbert',
  name: 'ModernBert',
  prefix: 'model',
  tokenizer: 'bytebpe',
  parse(fields) {
    cutoffOf(fields);
    const sizes = encoderSizes(fields, {}, { vocabSize: 50368, layers: 22, intermediateSize: 1152, maxPositions: 8192, padding: 50283 });
    const norm = layerNorm(fields.number('norm_eps', 0, 1, 1e-5), fields.flag('norm_bias', false));
    const attention = fields.probability('attention_dropout', 0);
    const rope = fields.inside('rope_parameters');
    rope?.nothingBut(['full_attention', 'sliding_attention']);
    const encoder: EncoderConfig = {
      ...sizes,
      embeddingNorm: norm,
      positions: { kind: 'none' },
      segments: 0,
      normPlace: 'first',
      norm,
      firstAttentionNorm: false,
      finalNorm: true,
      attention: {
        kind: 'dot', bias: fields.flag('attention_bias', false), fused: true, relativeBias: null,
        rotary: {
          kind: 'halves',
          theta: theta(rope === null ? null : rope.inside('full_attention'), fields, 'global_rope_theta', 160000),
          localTheta: theta(rope === null ? null : rope.inside('sliding_attention'), fields, 'local_rope_theta', 10000),
        },
      },
      layerKinds: layerKinds(fields, sizes.layers),
      window: fields.whole('local_attention', 1, 1 << 24, 128) >> 1,
      feedForward: { kind: 'fused', activation: fields.choice('hidden_activation', activationNames, 'gelu'), bias: fields.flag('mlp_bias', false) },
      dropout: { ...noDropout, embedding: fields.probability('embedding_dropout', 0), attention, attentionOutput: attention, feedForwardInner: fields.probability('mlp_dropout', 0) },
    };
    const activation = fields.choice('classifier_activation', activationNames, 'gelu');
    const bias = fields.flag('classifier_bias', false);
    const classifier: ClassifierSpec = { pooling: 'tokens', dropoutBefore: 0, dense: { bias }, activation, norm, dropout: fields.probability('classifier_dropout', 0) };
    const first = fields.choice('classifier_pooling', ['cls', 'mean'], 'cls') === 'cls';
    const ignore = fields.whole('sparse_pred_ignore_index', -(2 ** 31), 2 ** 31 - 1, -100);
    return {
      encoder,
      heads: {
        ...labels(fields),
        pooler: false,
        maskedLm: {
          transform: { width: encoder.hiddenSize, activation, bias, norm },
          bias: fields.flag('decoder_bias', true), biasBeside: false, tied: fields.flag('tie_word_embeddings', true),
          sparseIgnore: fields.flag('sparse_prediction', false) ? ignore : null,
        },
        pretraining: null,
        sequence: { ...classifier, pooling: first ? 'first' : 'mean' },
        choice: { ...classifier, pooling: first ? 'firstSeen' : 'mean' },
        token: classifier,
        question: classifier,
      },
    };
  },
  bodyKeys: () => [
    ['embeddings.tok_embeddings.{p}', 'encoder.embedding.token.{p}'],
    ['embeddings.norm.{p}', 'encoder.embedding.norm.{p}'],
    ['layers.{i}.attn_norm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
    ['layers.{i}.attn.Wqkv.{p}', 'encoder.layers.{i}.attention.fused.{p}'],
    ['layers.{i}.attn.Wo.{p}', 'encoder.layers.{i}.attention.output.{p}'],
    ['layers.{i}.mlp_norm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
    ['layers.{i}.mlp.Wi.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
    ['layers.{i}.mlp.Wo.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
    ['final_norm.{p}', 'encoder.norm.{p}'],
  ],
  headKeys: {
    maskedLm: [['head.dense.{p}', 'lmHead.dense.{p}'], ['head.norm.{p}', 'lmHead.norm.{p}'], ['decoder.{p}', 'lmHead.decoder.{p}']],
    sequence: headKeys,
    choice: headKeys,
    token: headKeys,
    question: headKeys,
  },
  start(name, fields, { layers, hiddenSize }) {
    const std = fields.number('initializer_range', 0, 1e3, 0.02);
    const cutoff = cutoffOf(fields);
    if (name.endsWith('classifier.weight')) return { std: hiddenSize ** -0.5, cutoff };
    return { std: /(output|dense|decoder)\.weight$/.test(name) ? std / Math.sqrt(2 * layers) : std, cutoff };
  },
};

export class ModernBertModel extends BaseModel {
  static override readonly family: Family = modernbert;
}
export class ModernBertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = modernbert;
}
export class ModernBertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = modernbert;
}
export class ModernBertForMultipleChoice extends ForMultipleChoice {
  static override readonly family: Family = modernbert;
}
export class ModernBertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = modernbert;
}
export class ModernBertForQuestionAnswering extends ForQuestionAnswering {
  static override readonly family: Family = modernbert;
}
