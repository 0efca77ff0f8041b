import { activationNames } from '../activation.ts';
import type { KeyTemplates } from '../checkpoint/keys.ts';
import type { EncoderConfig } from '../config.ts';
import { Fields } from '../fields.ts';
import type { Family } from '../models/family.ts';
import { BaseModel, ForMaskedLM, ForSequenceClassification, ForTokenClassification } from '../models/models.ts';
import { classifierKeys, clsPredictionKeys, encoderSizes, labels, layerNorm, maskedLm, noDropout, plainClassifier, poolerKeys, theta } from './common.ts';

/** Fields of the config.json of 2024, which looks like that of GPT-2, by today's names. */
const older: Readonly<Record<string, string>> = {
  n_embd: 'hidden_size', n_layer: 'num_hidden_layers', n_head: 'num_attention_heads', n_inner: 'intermediate_size', n_positions: 'max_position_embeddings',
  layer_norm_epsilon: 'layer_norm_eps', resid_pdrop: 'hidden_dropout_prob', attn_pdrop: 'attention_probs_dropout_prob', rotary_emb_base: 'rope_theta',
};

/** config.json in today's spelling. */
function modern(fields: Fields): Fields {
  if (!fields.has('n_embd')) return fields;
  const wrong = { prenorm: false, parallel_block: false, use_rms_norm: false, causal: false, rotary_emb_interleaved: false, qkv_proj_bias: false, mlp_fc1_bias: false, mlp_fc2_bias: false } as const;
  for (const [name, value] of Object.entries(wrong)) fields.only(name, [value], 'no model here is built so');
  fields.only('rotary_emb_fraction', [1], 'whole heads are rotated');
  fields.only('rotary_emb_scale_base', [], 'rotary positions are not scaled');
  fields.only('rotary_scaling_factor', [], 'rotary positions are not scaled');
  fields.only('activation_function', ['swiglu'], 'the network is gated by silu');
  const json = Object.fromEntries(Object.entries(fields.json).map(([name, value]) => [older[name] ?? name, value]));
  return new Fields(json, fields.file);
}

const bodyKeys: KeyTemplates = [
  ['embeddings.word_embeddings.{p}', 'encoder.embedding.token.{p}'],
  ['embeddings.token_type_embeddings.{p}', 'encoder.embedding.segment.{p}'],
  ['emb_ln.{p}', 'encoder.embedding.norm.{p}'],
  ['encoder.layers.{i}.attn.Wqkv.{p}', ['encoder.layers.{i}.attention.query.{p}', 'encoder.layers.{i}.attention.key.{p}', 'encoder.layers.{i}.attention.value.{p}']],
  ['encoder.layers.{i}.attn.out_proj.{p}', 'encoder.layers.{i}.attention.output.{p}'],
  ['encoder.layers.{i}.norm1.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
  ['encoder.layers.{i}.mlp.fc11.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
  ['encoder.layers.{i}.mlp.fc12.{p}', 'encoder.layers.{i}.feedForward.gate.{p}'],
  ['encoder.layers.{i}.mlp.fc2.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
  ['encoder.layers.{i}.norm2.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
  ...poolerKeys,
];

/** What transformers calls the parameters whose names in the file are others. */
const parameterKeys: KeyTemplates = [
  ['embeddings.LayerNorm.{p}', 'encoder.embedding.norm.{p}'],
  ['layers.{i}.self_attn.q_proj.{p}', 'encoder.layers.{i}.attention.query.{p}'],
  ['layers.{i}.self_attn.k_proj.{p}', 'encoder.layers.{i}.attention.key.{p}'],
  ['layers.{i}.self_attn.v_proj.{p}', 'encoder.layers.{i}.attention.value.{p}'],
  ['layers.{i}.self_attn.o_proj.{p}', 'encoder.layers.{i}.attention.output.{p}'],
  ['layers.{i}.post_attention_layernorm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
  ['layers.{i}.mlp.up_proj.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
  ['layers.{i}.mlp.gate_proj.{p}', 'encoder.layers.{i}.feedForward.gate.{p}'],
  ['layers.{i}.mlp.down_proj.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
  ['layers.{i}.post_mlp_layernorm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
];

/** NomicBERT (Nussbaum et al., arXiv 2402.01613): BERT's order of norms, rotary positions, a gated network. */
const nomicBert: Family = {
  modelType: 'nomic_bert',
  name: 'NomicBert',
  prefix: 'nomic_bert',
  tokenizer: 'wordpiece',
  parse(given) {
    const fields = modern(given);
    const sizes = encoderSizes(fields, {}, { vocabSize: 30528, maxPositions: 2048 });
    const norm = layerNorm(fields.number('layer_norm_eps', 0, 1, 1e-12));
    const hidden = fields.probability('hidden_dropout_prob', 0);
    const encoder: EncoderConfig = {
      ...sizes,
      headSize: fields.whole('head_dim', 1, 1 << 16, sizes.headSize),
      embeddingNorm: norm,
      positions: { kind: 'none' },
      segments: fields.whole('type_vocab_size', 1, 1 << 16, 2),
      norm,
      attention: { kind: 'dot', bias: false, fused: false, relativeBias: null, rotary: { kind: 'halves', theta: theta(fields.inside('rope_parameters'), fields, 'rope_theta', 1000), localTheta: 1000 } },
      feedForward: { kind: 'split', activation: fields.choice('hidden_act', activationNames, 'silu'), bias: false },
      dropout: { ...noDropout, embedding: hidden, attention: fields.probability('attention_probs_dropout_prob', 0), attentionOutput: hidden, feedForwardOutput: hidden },
    };
    const dropout = fields.probabilityOr('classifier_dropout', hidden);
    const result = {
      encoder,
      heads: {
        ...labels(fields),
        pooler: false,
        maskedLm: maskedLm(fields, encoder),
        pretraining: null,
        sequence: plainClassifier('pooler', dropout),
        choice: null,
        token: plainClassifier('tokens', dropout),
        question: null,
      },
    };
    for (const name of fields.asked) given.asked.add(name);
    if (fields === given) return result;
    // What is saved is today's spelling.
    for (const [name, value] of [...Object.entries(fields.json), ...fields.resolved]) if (!(name in older)) given.resolved.set(name, value);
    return result;
  },
  bodyKeys: () => bodyKeys,
  parameterKeys: () => parameterKeys,
  headKeys: {
    maskedLm: clsPredictionKeys.map(([key, name]) => [key.replace('LayerNorm', 'layer_norm'), name] as const),
    sequence: classifierKeys,
    token: classifierKeys,
  },
};

export class NomicBertModel extends BaseModel {
  static override readonly family: Family = nomicBert;
}
export class NomicBertForMaskedLM extends ForMaskedLM {
  static override readonly family: Family = nomicBert;
}
export class NomicBertForSequenceClassification extends ForSequenceClassification {
  static override readonly family: Family = nomicBert;
}
export class NomicBertForTokenClassification extends ForTokenClassification {
  static override readonly family: Family = nomicBert;
}
