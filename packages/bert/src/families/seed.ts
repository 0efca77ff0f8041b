import { CheckpointError } from '@strided/tensor';
import { KeyMap } from '../checkpoint.ts';
import { checkSizes, probability, wholeNumber, type EncoderConfig } from '../config.ts';

/** The pre-norm BERT of codertimo/BERT-pytorch, this project's seed: its config.json and its names. */
export interface SeedConfig {
  readonly vocabSize: number;
  /** Default 768. */
  readonly hidden?: number;
  /** Default 12. */
  readonly layers?: number;
  /** Default 12. */
  readonly heads?: number;
  /** The longest sequence. Default 512. */
  readonly maxLength?: number;
  /** Default 0.1. */
  readonly dropout?: number;
}

const fields = ['vocab_size', 'hidden', 'n_layers', 'attn_heads', 'max_len', 'dropout'];

/** The options as config.json has them. */
export function seedToJson({ vocabSize, hidden, layers, heads, maxLength, dropout }: Required<SeedConfig>): Record<string, number> {
  return { vocab_size: vocabSize, hidden, n_layers: layers, attn_heads: heads, max_len: maxLength, dropout };
}

/** Options with the defaults of the original. */
export function seedDefaults(config: SeedConfig): Required<SeedConfig> {
  return { hidden: 768, layers: 12, heads: 12, maxLength: 512, dropout: 0.1, ...config };
}

/** config.json, which is untrusted, as options. */
export function seedFromJson(json: unknown, file: string): Required<SeedConfig> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new CheckpointError(`${file}: must hold a JSON object`);
  const config = json as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(config).filter((field) => !fields.includes(field));
  if (unknown.length > 0) throw new CheckpointError(`${file}: unknown fields ${unknown.join(', ')}; the seed's model has ${fields.join(', ')}`);
  return {
    vocabSize: wholeNumber(file, config, 'vocab_size', 1, 1 << 24),
    hidden: wholeNumber(file, config, 'hidden', 1, 1 << 16, 768),
    layers: wholeNumber(file, config, 'n_layers', 1, 1024, 12),
    heads: wholeNumber(file, config, 'attn_heads', 1, 1 << 16, 12),
    maxLength: wholeNumber(file, config, 'max_len', 1, 1 << 20, 512),
    dropout: probability(file, config, 'dropout', 0.1),
  };
}

/** The encoder that the options describe. */
export function seedEncoder(config: Required<SeedConfig>, file = 'SeedBert'): EncoderConfig {
  const { vocabSize, hidden, layers, heads, maxLength, dropout } = config;
  return checkSizes(file, {
    vocabSize, hiddenSize: hidden, layers, heads, intermediateSize: 4 * hidden, maxPositions: maxLength, segments: 3, dropout, paddingId: 0,
  });
}

const layer = 'bert.transformer_blocks.{i}';

export const seedKeys = new KeyMap([
  ['bert.embedding.token.weight', 'bert.embedding.token.weight'],
  ['bert.embedding.position.pe', 'bert.embedding.position'],
  ['bert.embedding.segment.weight', 'bert.embedding.segment.weight'],
  [`${layer}.attention.linear_layers.0.{p}`, 'bert.layers.{i}.attention.query.{p}'],
  [`${layer}.attention.linear_layers.1.{p}`, 'bert.layers.{i}.attention.key.{p}'],
  [`${layer}.attention.linear_layers.2.{p}`, 'bert.layers.{i}.attention.value.{p}'],
  [`${layer}.attention.output_linear.{p}`, 'bert.layers.{i}.attention.output.{p}'],
  [`${layer}.feed_forward.w_1.{p}`, 'bert.layers.{i}.feedForward.input.{p}'],
  [`${layer}.feed_forward.w_2.{p}`, 'bert.layers.{i}.feedForward.output.{p}'],
  [`${layer}.input_sublayer.norm.a_2`, 'bert.layers.{i}.attentionNorm.weight'],
  [`${layer}.input_sublayer.norm.b_2`, 'bert.layers.{i}.attentionNorm.bias'],
  [`${layer}.output_sublayer.norm.a_2`, 'bert.layers.{i}.feedForwardNorm.weight'],
  [`${layer}.output_sublayer.norm.b_2`, 'bert.layers.{i}.feedForwardNorm.bias'],
  ['next_sentence.linear.{p}', 'nextSentence.linear.{p}'],
  ['mask_lm.linear.{p}', 'maskedLm.linear.{p}'],
]);
