import { init, Embedding, Linear, Module } from '@strided/nn';
import { CheckpointError, saveSafetensors, type Tensor } from '@strided/tensor';
import { makeFolder, pathInFolder } from '@strided/tensor/files';
import { parametersByKey, savedTensors } from '../checkpoint/entries.ts';
import { KeyMap } from '../checkpoint/keys.ts';
import { loadCheckpoint } from '../checkpoint/load.ts';
import { checkSizeOfFile, openWeights } from '../checkpoint/weights.ts';
import { checkSizes, longestSequence, plainEncoder, type EncoderConfig } from '../config.ts';
import { Encoder, type EncoderOutput } from '../encoder/encoder.ts';
import { Fields } from '../fields.ts';
import { writeText } from '../files.ts';
import { Dense } from '../layers.ts';
import { openModelFiles, readJson, type FilesOptions, type ModelSource } from '../modelFiles/modelFiles.ts';

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

const names = ['vocab_size', 'hidden', 'n_layers', 'attn_heads', 'max_len', 'dropout'];

/** Options with the defaults of the original. */
function seedDefaults(config: SeedConfig): Required<SeedConfig> {
  return { hidden: 768, layers: 12, heads: 12, maxLength: 512, dropout: 0.1, ...config };
}

/** The options as config.json has them. */
function seedToJson({ vocabSize, hidden, layers, heads, maxLength, dropout }: Required<SeedConfig>): Record<string, number> {
  return { vocab_size: vocabSize, hidden, n_layers: layers, attn_heads: heads, max_len: maxLength, dropout };
}

/** config.json, which is untrusted, as options. */
function seedFromJson(json: unknown, file: string): Required<SeedConfig> {
  const fields = new Fields(json, file);
  const unknown = Object.keys(fields.json).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new CheckpointError(`${file}: unknown fields ${unknown.join(', ')}; the seed's model has ${names.join(', ')}`);
  return {
    vocabSize: fields.whole('vocab_size', 1, 1 << 24),
    hidden: fields.whole('hidden', 1, 1 << 16, 768),
    layers: fields.whole('n_layers', 1, 1024, 12),
    heads: fields.whole('attn_heads', 1, 1 << 16, 12),
    maxLength: fields.whole('max_len', 1, longestSequence, 512),
    dropout: fields.probability('dropout', 0.1),
  };
}

/** The encoder that the options describe. */
function seedEncoder({ vocabSize, hidden, layers, heads, maxLength, dropout: p }: Required<SeedConfig>, file = 'SeedBert'): EncoderConfig {
  return checkSizes(file, {
    ...plainEncoder,
    vocabSize, hiddenSize: hidden, layers, heads, keyValueHeads: heads, headSize: Math.floor(hidden / heads), intermediateSize: 4 * hidden, embeddingSize: hidden,
    embeddingNorm: null,
    paddingId: 0,
    positions: { kind: 'sinusoidal', length: maxLength },
    // Rows: padding, first sentence, second sentence.
    segments: 3,
    segmentPadding: 0,
    normPlace: 'first',
    norm: { form: 'deviation', epsilon: 1e-6, bias: true },
    attention: { kind: 'dot', bias: true, fused: false, rotary: null, relativeBias: null },
    layerKinds: Array.from({ length: layers }, () => 'global'),
    feedForward: { kind: 'plain', activation: 'gelu_new', bias: true },
    dropout: { embedding: p, attention: p, attentionOutput: p, feedForwardInner: p, feedForwardOutput: p, layer: p },
  });
}

const layer = 'bert.transformer_blocks.{i}';

const keys = new KeyMap([
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

export interface SeedInputs {
  /** Token ids [B, S]; 0 is padding, which nothing attends to. */
  readonly inputIds: Tensor;
  /** Segment ids [B, S]: 0 where there is padding, 1 in the first sentence, 2 in the second. */
  readonly segmentLabels: Tensor;
  readonly outputHiddenStates?: boolean;
  readonly outputAttentions?: boolean;
}

/** The encoder under the original's inputs. */
export class SeedEncoder extends Module {
  readonly embedding: Encoder['embedding'] & { readonly segment: Embedding; readonly position: Tensor };
  readonly layers: Encoder['layers'];
  readonly #encoder: Encoder;

  constructor(config: EncoderConfig) {
    super();
    this.#encoder = new Encoder(config);
    this.embedding = this.#encoder.embedding as SeedEncoder['embedding'];
    this.layers = this.#encoder.layers;
  }

  forward({ inputIds, segmentLabels, ...rest }: SeedInputs): EncoderOutput {
    return this.#encoder.forward({ ...rest, inputIds, tokenTypeIds: segmentLabels, attentionMask: inputIds.ne(0) });
  }
}

/**
 * From hidden states [..., hidden] to the vocabulary [..., V]: a linear layer, not tied to the embedding, then
 * softmax, or in training log-softmax.
 */
export class SeedMaskedLmHead extends Module {
  readonly linear: Dense;

  constructor(hiddenSize: number, vocabSize: number) {
    super();
    this.linear = new Dense(hiddenSize, vocabSize);
  }

  /** Before the softmax, which `crossEntropy` takes. */
  logits(hidden: Tensor): Tensor {
    return this.linear.forward(hidden);
  }

  forward(hidden: Tensor): Tensor {
    return this.training ? this.logits(hidden).logSoftmax() : this.logits(hidden).softmax();
  }
}

/** Whether the second sentence follows the first: linear on position 0, then log-softmax. [B, S, hidden] → [B, 2]. */
export class SeedNextSentenceHead extends Module {
  readonly linear: Dense;

  constructor(hiddenSize: number) {
    super();
    this.linear = new Dense(hiddenSize, 2);
  }

  logits(hidden: Tensor): Tensor {
    return this.linear.forward(hidden.select(1, 0));
  }

  forward(hidden: Tensor): Tensor {
    return this.logits(hidden).logSoftmax();
  }
}

export interface SeedPretrainingOutput {
  /** [B, S, hidden] */
  readonly lastHiddenState: Tensor;
  /** Log-probabilities that the second sentence does not (0) or does (1) follow the first [B, 2]. */
  readonly nextSentence: Tensor;
  /** For every position, log-probabilities (in training) or probabilities of the vocabulary [B, S, V]. */
  readonly maskedLm: Tensor;
  readonly attentions: readonly Tensor[] | null;
}

/**
 * The seed's model, codertimo/BERT-pytorch's BERTLM: a norm-first encoder with a masked-word decoder and a
 * next-sentence head, of 768 hidden units, 12 layers and 12 heads unless told otherwise.
 *
 * @example
 * const model = new SeedBertForPreTraining({ vocabSize: 8000, hidden: 256, layers: 8, heads: 8 });
 * const { maskedLm } = model.forward({ inputIds, segmentLabels }); // [B, S, 8000]
 */
export class SeedBertForPreTraining extends Module {
  readonly config: Required<SeedConfig>;
  readonly bert: SeedEncoder;
  readonly nextSentence: SeedNextSentenceHead;
  readonly maskedLm: SeedMaskedLmHead;

  constructor(config: SeedConfig, { initialize = true }: { readonly initialize?: boolean } = {}) {
    super();
    this.config = seedDefaults(config);
    const encoder = seedEncoder(this.config);
    this.bert = new SeedEncoder(encoder);
    this.nextSentence = new SeedNextSentenceHead(encoder.hiddenSize);
    this.maskedLm = new SeedMaskedLmHead(encoder.hiddenSize, encoder.vocabSize);
    if (initialize) startLikePyTorch(this);
  }

  forward(inputs: SeedInputs): SeedPretrainingOutput {
    const { lastHiddenState, attentions } = this.bert.forward(inputs);
    return {
      lastHiddenState,
      nextSentence: this.nextSentence.forward(lastHiddenState),
      maskedLm: this.maskedLm.forward(lastHiddenState),
      attentions,
    };
  }

  /** A model from config.json and model.safetensors, under the original's names; in evaluation mode. */
  static async fromPretrained(source: ModelSource, options: FilesOptions = {}): Promise<SeedBertForPreTraining> {
    const files = await openModelFiles(source, options);
    const file = `${files.name}/config.json`;
    const config = seedFromJson(await readJson(files, 'config.json'), file);
    const encoder = seedEncoder(config, file);
    const reader = await openWeights(files);
    try {
      checkSizeOfFile(reader, encoder, file);
      const model = new SeedBertForPreTraining(config, { initialize: false });
      await loadCheckpoint(model, reader, { keys, prefix: null, ignorable: () => false, optional: () => false });
      return model.eval();
    } finally {
      await reader.close();
    }
  }

  /** Writes config.json and model.safetensors into a folder, each whole or not at all. */
  async savePretrained(folder: string): Promise<void> {
    await makeFolder(folder);
    await saveSafetensors(pathInFolder(folder, 'model.safetensors'), savedTensors(this, keys), { metadata: { format: 'pt' } });
    await writeText(pathInFolder(folder, 'config.json'), `${JSON.stringify(seedToJson(this.config), null, 2)}\n`);
  }

  /** Parameters by the checkpoint's names. */
  parametersByKey(): IterableIterator<[string, Tensor]> {
    return parametersByKey(this, keys);
  }
}

/** The starts of PyTorch's layers, which the original leaves as they are. */
function startLikePyTorch(model: Module): void {
  for (const module of model.modules()) {
    if (module instanceof Linear) {
      init.linearUniform(module.weight, module.weight.shape[1]);
      if (module.bias !== null) init.linearUniform(module.bias, module.weight.shape[1]);
    } else if (module instanceof Embedding) {
      init.normal(module.weight);
      module.clearPadding();
    }
  }
}
