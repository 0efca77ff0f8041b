import { activationNames, type ActivationName } from '../activation.ts';
import type { KeyTemplates } from '../checkpoint/keys.ts';
import { longestSequence, plainEncoder, type Dropouts, type EncoderConfig } from '../config.ts';
import type { Fields } from '../fields.ts';
import type { ClassifierSpec, HeadSpecs, MaskedLmSpec } from '../heads/spec.ts';
import type { NormSpec } from '../layers.ts';

/** What several families have in common. */

export const layerNorm = (epsilon: number, bias = true): NormSpec => ({ form: 'layer', epsilon, bias });

/** Where the defaults of a BERT-like config.json differ from BERT's. */
export interface BertDefaults {
  readonly vocabSize?: number;
  readonly hiddenSize?: number;
  readonly heads?: number;
  readonly intermediateSize?: number;
  readonly layers?: number;
  readonly hiddenAct?: 'gelu' | 'gelu_new' | 'silu';
  readonly hiddenDropout?: number;
  readonly attentionDropout?: number;
  readonly maxPositions?: number;
  /** null: the family has no token types, whatever its file says. */
  readonly segments?: number | null;
  readonly epsilon?: number;
  readonly padding?: number;
}

export const allGlobal = (count: number): 'global'[] => Array.from({ length: count }, () => 'global');

/** Refuses what no encoder here computes. */
export function refuseForeign(fields: Fields): void {
  fields.only('position_embedding_type', ['absolute'], 'only absolute positions are');
  fields.only('pruned_heads', [], 'save the model without pruned heads');
  fields.only('quantization_config', [], 'load weights of float16, bfloat16 or float32');
  fields.only('is_encoder_decoder', [false], 'these models are encoders, or decoders, alone');
}

/** Names of the sizes in config.json, where they are others than BERT's. */
export interface SizeNames {
  readonly hiddenSize?: string;
  readonly layers?: string;
  readonly heads?: string;
  readonly intermediateSize?: string;
}

type Sizes = Pick<
  EncoderConfig,
  'vocabSize' | 'hiddenSize' | 'layers' | 'heads' | 'keyValueHeads' | 'headSize' | 'intermediateSize' | 'embeddingSize' | 'paddingId' | 'layerKinds' | keyof typeof plainEncoder
> & { readonly maxPositions: number };

/** The sizes that every config.json has, and what most encoders share. */
export function encoderSizes(fields: Fields, names: SizeNames = {}, defaults: BertDefaults = {}): Sizes {
  refuseForeign(fields);
  const hiddenSize = fields.whole(names.hiddenSize ?? 'hidden_size', 1, 1 << 16, defaults.hiddenSize ?? 768);
  const heads = fields.whole(names.heads ?? 'num_attention_heads', 1, 1 << 12, defaults.heads ?? 12);
  const layers = fields.whole(names.layers ?? 'num_hidden_layers', 1, 1024, defaults.layers ?? 12);
  return {
    ...plainEncoder,
    vocabSize: fields.whole('vocab_size', 1, 1 << 24, defaults.vocabSize ?? 30522),
    hiddenSize, layers, heads,
    keyValueHeads: heads,
    headSize: Math.floor(hiddenSize / heads),
    intermediateSize: fields.whole(names.intermediateSize ?? 'intermediate_size', 1, 1 << 18, defaults.intermediateSize ?? 3072),
    embeddingSize: hiddenSize,
    maxPositions: fields.whole('max_position_embeddings', 1, longestSequence, defaults.maxPositions ?? 512),
    paddingId: fields.wholeOrNull('pad_token_id', 0, 1 << 24, defaults.padding ?? 0),
    layerKinds: allGlobal(layers),
  };
}

/** The encoder of BERT and of all that keep its config.json: norm last, learned positions, a plain feed-forward network. */
export function bertEncoder(fields: Fields, defaults: BertDefaults = {}, { decoder = true }: { readonly decoder?: boolean } = {}): EncoderConfig & { readonly maxPositions: number } {
  const sizes = encoderSizes(fields, {}, defaults);
  const hidden = fields.probability('hidden_dropout_prob', defaults.hiddenDropout ?? 0.1);
  const norm = layerNorm(fields.number('layer_norm_eps', 0, 1, defaults.epsilon ?? 1e-12));
  if (!decoder) fields.only('is_decoder', [false], 'this family has no decoder');
  return {
    ...sizes,
    embeddingNorm: norm,
    positions: { kind: 'learned', length: sizes.maxPositions, fromPadding: false },
    segments: defaults.segments === null ? 0 : fields.whole('type_vocab_size', 0, 1 << 16, defaults.segments ?? 2),
    norm,
    attention: { kind: 'dot', bias: true, fused: false, rotary: null, relativeBias: null },
    feedForward: { kind: 'plain', activation: fields.choice('hidden_act', activationNames, defaults.hiddenAct ?? 'gelu'), bias: true },
    dropout: { ...noDropout, embedding: hidden, attentionOutput: hidden, feedForwardOutput: hidden, attention: fields.probability('attention_probs_dropout_prob', defaults.attentionDropout ?? 0.1) },
    causal: decoder && fields.flag('is_decoder', false),
    crossAttention: decoder && fields.flag('add_cross_attention', false),
  };
}

/** θ of rotary positions: in today's `rope_parameters`, or in a field of its own as older files have it. */
export function theta(rope: Fields | null, fields: Fields, older: string, fallback: number): number {
  const own = fields.number(older, 1, 1e12, fallback);
  fields.resolved.delete(older);
  if (rope === null) return own;
  if (fields.has(older) && rope.has('rope_theta') && rope.raw('rope_theta') !== own) throw fields.wrong(older, `${String(rope.raw('rope_theta'))}, as rope_parameters say (or left out)`);
  rope.nothingBut(['rope_theta', 'rope_type', 'type', 'partial_rotary_factor']);
  rope.only('rope_type', ['default'], 'rotary positions are not scaled');
  rope.only('type', ['default'], 'rotary positions are not scaled');
  rope.only('partial_rotary_factor', [1], 'whole heads are rotated');
  return rope.number('rope_theta', 1, 1e12, own);
}

export const noDropout: Dropouts = { embedding: 0, attention: 0, attentionOutput: 0, feedForwardInner: 0, feedForwardOutput: 0, layer: 0 };

/** How many labels a classifier has, and of what kind. */
export function labels(fields: Fields): Pick<HeadSpecs, 'numLabels' | 'problemType'> {
  const names = fields.inside('id2label');
  const count = names === null ? 2 : Object.keys(names.json).length;
  if (names !== null && Object.keys(names.json).some((id) => !/^\d+$/.test(id))) throw fields.wrong('id2label', 'a name for each number of a label');
  const ids = fields.inside('label2id');
  if (ids !== null && Object.values(ids.json).some((id) => typeof id !== 'number' || !Number.isInteger(id))) throw fields.wrong('label2id', 'a number for each name of a label');
  return {
    numLabels: fields.whole('num_labels', 1, 1 << 20, count),
    problemType: fields.has('problem_type') ? fields.choice('problem_type', ['regression', 'single_label_classification', 'multi_label_classification'], 'regression') : null,
  };
}

/** dropout → classifier. */
export const plainClassifier = (pooling: ClassifierSpec['pooling'], dropout: number): ClassifierSpec => ({ pooling, dropoutBefore: 0, dense: null, activation: 'linear', norm: null, dropout });

/** first token → dropout → dense → activation → dropout → classifier. */
export const denseClassifier = (activation: ActivationName, dropout: number): ClassifierSpec => ({
  pooling: 'first', dropoutBefore: dropout, dense: { bias: true }, activation, norm: null, dropout,
});

/** BERT's head for masked tokens. */
export function maskedLm(fields: Fields, { embeddingSize, norm, feedForward }: EncoderConfig, activation = feedForward.activation): MaskedLmSpec {
  return {
    transform: { width: embeddingSize, activation, bias: true, norm },
    bias: true, biasBeside: true, tied: fields.flag('tie_word_embeddings', true), sparseIgnore: null,
  };
}

/** The heads of BERT and its kind: classifiers of sequences on the pooler. */
export function bertHeads(fields: Fields, encoder: EncoderConfig, classifierDropout: number): HeadSpecs {
  return {
    ...labels(fields),
    pooler: true,
    maskedLm: maskedLm(fields, encoder),
    pretraining: { kind: 'pair', dropout: 0 },
    sequence: plainClassifier('pooler', classifierDropout),
    choice: plainClassifier('pooler', classifierDropout),
    token: plainClassifier('tokens', classifierDropout),
    question: plainClassifier('tokens', 0),
  };
}

/** Attention in BERT's names, without norms. */
export const attentionKeys: KeyTemplates = [
  ['encoder.layer.{i}.attention.self.query.{p}', 'encoder.layers.{i}.attention.query.{p}'],
  ['encoder.layer.{i}.attention.self.key.{p}', 'encoder.layers.{i}.attention.key.{p}'],
  ['encoder.layer.{i}.attention.self.value.{p}', 'encoder.layers.{i}.attention.value.{p}'],
  ['encoder.layer.{i}.attention.output.dense.{p}', 'encoder.layers.{i}.attention.output.{p}'],
  ['encoder.layer.{i}.crossattention.self.query.{p}', 'encoder.layers.{i}.crossAttention.query.{p}'],
  ['encoder.layer.{i}.crossattention.self.key.{p}', 'encoder.layers.{i}.crossAttention.key.{p}'],
  ['encoder.layer.{i}.crossattention.self.value.{p}', 'encoder.layers.{i}.crossAttention.value.{p}'],
  ['encoder.layer.{i}.crossattention.output.dense.{p}', 'encoder.layers.{i}.crossAttention.output.{p}'],
];

/** A layer of the published BERT, in its names. */
export const bertLayerKeys: KeyTemplates = [
  ...attentionKeys,
  ['encoder.layer.{i}.attention.output.LayerNorm.{p}', 'encoder.layers.{i}.attentionNorm.{p}'],
  ['encoder.layer.{i}.crossattention.output.LayerNorm.{p}', 'encoder.layers.{i}.crossAttentionNorm.{p}'],
  ['encoder.layer.{i}.intermediate.dense.{p}', 'encoder.layers.{i}.feedForward.input.{p}'],
  ['encoder.layer.{i}.output.dense.{p}', 'encoder.layers.{i}.feedForward.output.{p}'],
  ['encoder.layer.{i}.output.LayerNorm.{p}', 'encoder.layers.{i}.feedForwardNorm.{p}'],
];

export const bertEmbeddingKeys: KeyTemplates = [
  ['embeddings.word_embeddings.{p}', 'encoder.embedding.token.{p}'],
  ['embeddings.position_embeddings.{p}', 'encoder.embedding.position.{p}'],
  ['embeddings.token_type_embeddings.{p}', 'encoder.embedding.segment.{p}'],
  ['embeddings.task_type_embeddings.{p}', 'encoder.embedding.task.{p}'],
  ['embeddings.LayerNorm.{p}', 'encoder.embedding.norm.{p}'],
];

export const poolerKeys: KeyTemplates = [['pooler.dense.{p}', 'pooler.dense.{p}']];

export const bertBodyKeys: KeyTemplates = [...bertEmbeddingKeys, ...bertLayerKeys, ...poolerKeys];

export const clsPredictionKeys: KeyTemplates = [
  ['cls.predictions.bias', 'lmHead.bias'],
  ['cls.predictions.transform.dense.{p}', 'lmHead.dense.{p}'],
  ['cls.predictions.transform.LayerNorm.{p}', 'lmHead.norm.{p}'],
  ['cls.predictions.decoder.{p}', 'lmHead.decoder.{p}'],
];

export const lmHeadKeys: KeyTemplates = [
  ['lm_head.bias', 'lmHead.bias'],
  ['lm_head.dense.{p}', 'lmHead.dense.{p}'],
  ['lm_head.layer_norm.{p}', 'lmHead.norm.{p}'],
  ['lm_head.decoder.{p}', 'lmHead.decoder.{p}'],
];

const pairKeys: KeyTemplates = [['cls.seq_relationship.{p}', 'pairHead.classifier.{p}']];

export const classifierKeys: KeyTemplates = [['classifier.{p}', 'classificationHead.classifier.{p}']];
export const questionKeys: KeyTemplates = [['qa_outputs.{p}', 'classificationHead.classifier.{p}']];
/** A classifier with a layer of its own before it. */
export const denseClassifierKeys: KeyTemplates = [
  ['classifier.dense.{p}', 'classificationHead.dense.{p}'],
  ['classifier.out_proj.{p}', 'classificationHead.classifier.{p}'],
];

/** The heads of BERT and its kind. */
export const bertHeadKeys = {
  maskedLm: clsPredictionKeys,
  causalLm: clsPredictionKeys,
  pretraining: [...clsPredictionKeys, ...pairKeys],
  nextSentence: pairKeys,
  sequence: classifierKeys,
  choice: classifierKeys,
  token: classifierKeys,
  question: questionKeys,
} as const;

/** The heads of RoBERTa and its kind. */
export const robertaHeadKeys = {
  maskedLm: lmHeadKeys,
  causalLm: lmHeadKeys,
  sequence: denseClassifierKeys,
  choice: classifierKeys,
  token: classifierKeys,
  question: questionKeys,
} as const;
