import { activationNames } from '../activation.ts';
import type { EncoderConfig } from '../config.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { classifierKeys, encoderSizes, labels, noDropout, plainClassifier, theta } from './common.ts';

/** EuroBERT (Boizard et al., arXiv 2503.05500): a Llama whose tokens see each other in both directions. */
const eurobert: Family = {
  modelType: 'eurobert',
  name: 'EuroBert',
  prefix: 'model',
  tokenizer: 'bytebpe',
  parse(fields) {
    const sizes = encoderSizes(fields, {}, { vocabSize: 128256, maxPositions: 8192, padding: 128001 });
    const bias = fields.flag('mlp_bias', false);
    fields.only('rope_scaling', [], 'rotary positions are not scaled');
    const encoder: EncoderConfig = {
      ...sizes,
      keyValueHeads: fields.whole('num_key_value_heads', 1, 1 << 12, sizes.heads),
      headSize: fields.whole('head_dim', 1, 1 << 16, sizes.headSize),
      embeddingNorm: null,
      positions: { kind: 'none' },
      segments: 0,
      normPlace: 'first',
      norm: { form: 'rms', epsilon: fields.number('rms_norm_eps', 0, 1, 1e-5), bias: false },
      finalNorm: true,
      attention: {
        kind: 'dot', bias: fields.flag('attention_bias', false), fused: false, relativeBias: null,
        rotary: { kind: 'halves', theta: theta(fields.inside('rope_parameters'), fields, 'rope_theta', 10000), localTheta: 10000 },
      },
      feedForward: { kind: 'split', activation: fields.choice('hidden_act', activationNames, 'silu'), bias },
      dropout: { ...noDropout, attention: fields.probability('attention_dropout', 0) },
    };
    const pooling = { late: 'late', bos: 'first', mean: 'mean' } as const;
    const chosen = fields.choice('classifier_pooling', ['late', 'bos', 'mean'], 'late');
    fields.only('clf_pooling', [chosen], 'it is called classifier_pooling today');
    return {
      encoder,
      heads: {
        ...labels(fields),
        pooler: false,
        maskedLm: { transform: null, bias, biasBeside: false, tied: fields.flag('tie_word_embeddings', false), sparseIgnore: null },
        pretraining: null,
        sequence: { ...plainClassifier(pooling[chosen], 0), dense: { bias: true }, activation: 'gelu' },
        choice: null,
        token: plainClassifier('tokens', 0),
        question: null,
      },
    };
  },
  bodyKeys: () => [
    ['embed_tokens.{p}', 'encoder.embedding.token.{p}'],
    ['layers.{i}.self_attn.q_proj.{p}', 'encoder.layers.{i}.attention.query.{p}'],
    ['layers.{i}.self_attn.k_proj.{p}', 'encoder.layers.{i}.attention.key.{p}'],
    ['layers.{i}.self_attn.v_proj.{p}', 'encoder.layers.{i}.attention.value.{p}'],
    ['layers.{i}.self_attn.o_proj.{p}', 'encoder.layers.{i}.attention.output.{p}'],
    ['layers.{i}.input_layernorm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
    ['layers.{i}.post_attention_layernorm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
    ['layers.{i}.mlp.up_proj.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
    ['layers.{i}.mlp.gate_proj.{p}', 'encoder.layers.{i}.feedForward.gate.{p}'],
    ['layers.{i}.mlp.down_proj.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
    ['norm.{p}', 'encoder.norm.{p}'],
  ],
  headKeys: {
    maskedLm: [['lm_head.{p}', 'lmHead.decoder.{p}']],
    sequence: [['dense.{p}', 'classificationHead.dense.{p}'], ...classifierKeys],
    token: classifierKeys,
  },
};

export class EuroBertModel extends BaseModel {
  static override readonly family: Family = eurobert;
}
export class EuroBertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = eurobert;
}
export class EuroBertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = eurobert;
}
export class EuroBertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = eurobert;
}
