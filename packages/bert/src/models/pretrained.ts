import { Module, persistWeights } from '@strided/nn';
import { ArgumentError, isGradEnabled, keep, saveShardedSafetensors, scope, type FloatDType, type Tensor, type TensorReader } from '@strided/tensor';
import { pathInFolder } from '@strided/tensor/files';
import { entriesOf, parametersByKey, savedTensors } from '../checkpoint/entries.ts';
import { KeyMap, underPrefix, type KeyTemplates } from '../checkpoint/keys.ts';
import { loadCheckpoint, type LoadingReport } from '../checkpoint/load.ts';
import { checkSizeOfFile, openWeights } from '../checkpoint/weights.ts';
import { DecoderCache } from '../encoder/decoderCache.ts';
import { Encoder, type Encoded, type EncoderInputs } from '../encoder/encoder.ts';
import type { Reading } from '../encoder/tokenStates.ts';
import { formatConfig, type Json } from '../fields.ts';
import { writeText } from '../files.ts';
import { Pooler } from '../heads/heads.ts';
import { openModelFiles, readJson, type FilesOptions, type ModelFiles, type ModelSource } from '../modelFiles/modelFiles.ts';
import type { Family, HeadKind, ModelOptions } from './family.ts';
import { initialize } from './initialize.ts';
import { ModelConfig } from './modelConfig.ts';

export interface MakeOptions {
  /** Draw random weights. Default true; without, they are 0 until a checkpoint fills them. */
  readonly initialize?: boolean;
  /** Whether the plain model has a pooler; default: what its family has. */
  readonly addPoolingLayer?: boolean;
}

export interface LoadModelOptions extends FilesOptions {
  /** Draw the weights of a head, a pooler or cross-attention that the checkpoint lacks, which is an error otherwise. `loading` names them. */
  readonly initializeMissing?: boolean;
  /** As for the constructor. */
  readonly addPoolingLayer?: boolean;
  /** Fields that stand for those of config.json, for example `{ numLabels: 3 }`. */
  readonly config?: ModelOptions;
}

export interface SaveModelOptions {
  /** The dtype in the file. Default: that of the model. */
  readonly storeAs?: 'float16' | 'bfloat16';
  /** Bytes of tensors that one file may hold. Default: 5 GB. */
  readonly maxShardSize?: number;
}

/** A class of models of one family, with one head. */
export interface ModelClass<T extends PretrainedModel = PretrainedModel> {
  new (config: ModelOptions | ModelConfig, options?: MakeOptions): T;
  readonly family: Family;
  readonly head: HeadKind;
}

/** A decoder's, which encoders' files lack. */
const crossAttention = /(^|\.)crossattention\./;

/** Stray buffers of old files. */
const strayBuffer = /(^|\.)(position_ids|token_type_ids|inv_freq|original_inv_freq)$|(^|\.)mask_predictions\./;

/**
 * What all models of the zoo have: an encoder, in some a pooler, and their ways to and from files. Subclasses add a head.
 * `ModelClass.fromPretrained` loads; the constructor makes random weights.
 */
export abstract class PretrainedModel extends Module {
  declare static readonly family: Family;
  declare static readonly head: HeadKind;

  readonly config: ModelConfig;
  readonly encoder: Encoder;
  readonly pooler: Pooler | null;
  #loading: LoadingReport | null = null;
  /** Whether the weights have been given a place in the kernels' memory since they were last trained or replaced. */
  #persisted = false;

  constructor(config: ModelOptions | ModelConfig, pooler: boolean) {
    super();
    const { family } = new.target as unknown as ModelClass;
    this.config = config instanceof ModelConfig ? config : ModelConfig.fromOptions(family, config);
    this.encoder = new Encoder(this.config.encoder);
    this.pooler = pooler ? new Pooler(this.config.encoder.hiddenSize) : null;
  }

  /** What the checkpoint and this model did not have in common; null for a model that was not loaded. */
  get loading(): LoadingReport | null {
    return this.#loading;
  }

  /**
   * A model from a folder, a hub id, a URL or its files, in evaluation mode (`train()` switches dropout on).
   *
   * @throws CheckpointError for a config.json that is not supported, or a checkpoint that does not fit it: one message
   * with all that is missing, unexpected or mis-shaped.
   * @example
   * const model = await BertForMaskedLM.fromPretrained('models/bert-base-uncased');
   * const { logits } = model.forward({ inputIds, attentionMask });
   */
  static async fromPretrained<T extends PretrainedModel>(this: ModelClass<T>, source: ModelSource, options: LoadModelOptions = {}): Promise<T> {
    const files = await openModelFiles(source, options);
    const config = ModelConfig.fromJson(this.family, await readJson(files, 'config.json'), `${files.name}/config.json`, options.config);
    const reader = await openWeights(files);
    try {
      const { addPoolingLayer, initializeMissing = false } = options;
      const classifies = this.head === 'sequence' || this.head === 'token';
      checkSizeOfFile(reader, config.encoder, config.fields.file, { head: classifies ? config.heads.numLabels * config.encoder.hiddenSize : 0, initializeMissing });
      const model = new this(config, { initialize: false, ...(addPoolingLayer === undefined ? {} : { addPoolingLayer }) });
      await model.load(reader, initializeMissing);
      await model.loadBeside(files);
      return model.eval();
    } finally {
      await reader.close();
    }
  }

  /**
   * A model of a published size with random weights.
   * @example
   * BertModel.fromPreset('tiny').parameterCount(); // 4385920
   */
  static fromPreset<T extends PretrainedModel>(this: ModelClass<T>, name: string, overrides: ModelOptions = {}): T {
    const presets = this.family.presets ?? {};
    if (!Object.hasOwn(presets, name)) throw new ArgumentError(`fromPreset: ${this.family.modelType} has no preset '${name}'; it has ${Object.keys(presets).join(', ') || 'none'}`);
    return new this({ ...presets[name], ...overrides });
  }

  /** Writes config.json and model.safetensors (above 5 GB in shards) into a folder, under the names that transformers reads. */
  async savePretrained(folder: string, { storeAs, maxShardSize = 5e9 }: SaveModelOptions = {}): Promise<void> {
    const tensors = this.checkpointTensors();
    // transformers asks for the format's name in the metadata.
    await saveShardedSafetensors(folder, tensors, { maxShardSize, metadata: { format: 'pt' }, ...(storeAs === undefined ? {} : { storeAs }) });
    const config = this.savedConfig(storeAs ?? [...tensors.values()][0].dtype);
    await writeText(pathInFolder(folder, 'config.json'), formatConfig(config, this.config.fields.fractions));
  }

  /** What is saved: each tensor once, under its first name. */
  checkpointTensors(): Map<string, Tensor> {
    return savedTensors(this, this.#keys());
  }

  /** What config.json says of a model whose file has this dtype. */
  savedConfig(dtype: string): Json {
    const { torch_dtype: _old, ...json } = this.config.json;
    return { ...json, architectures: [this.constructor.name], dtype };
  }

  /**
   * Parameters by their names in the checkpoint and in transformers. One that is tied comes under each of its names; one
   * that the file joins with others comes joined too, as a copy.
   */
  *parametersByKey(): IterableIterator<[string, Tensor]> {
    yield* parametersByKey(this, this.#keys());
    const { family, encoder } = this.config;
    if (family.parameterKeys === undefined) return;
    const own = new KeyMap(this.#prefixed(family.parameterKeys(encoder)));
    for (const [name, parameter] of this.namedParameters()) {
      const place = own.find(name);
      if (place !== null) yield [place.key, parameter];
    }
  }

  /** Gradients by the same names, of the parameters that have one. */
  gradientsByKey(): Map<string, Tensor> {
    return new Map([...this.parametersByKey()].flatMap(([key, { grad }]) => (grad === null ? [] : [[key, grad] as const])));
  }

  /** Fills the model from an open checkpoint. @throws CheckpointError, and nothing is changed, where it does not fit. */
  async load(reader: TensorReader, initializeMissing: boolean): Promise<LoadingReport> {
    const { family } = this.config;
    const { prefix, headKeys, otherKeys = [], stray } = family;
    const heads = new KeyMap([...Object.values(headKeys).flat(), ...otherKeys]);
    const isPooler = (key: string): boolean => (key.startsWith(`${prefix}.`) ? key.slice(prefix.length + 1) : key).startsWith('pooler.');
    const isHead = (key: string): boolean => heads.toModel(key) !== null || isPooler(key) || crossAttention.test(key);
    const keys = this.#keys();
    const report = await loadCheckpoint(this, reader, {
      keys, prefix, ignorable: (key) => isHead(key) || strayBuffer.test(key) || stray?.test(key) === true, optional: (key) => initializeMissing && isHead(key),
    });
    const entries = entriesOf(this, keys);
    this.initializeWeights(new Set(report.initialized.flatMap((key) => entries.get(key)?.tensors ?? [])));
    this.#loading = report;
    return report;
  }

  override train(on = true): this {
    // An optimiser gives the weights another place.
    if (on) this.#persisted = false;
    return super.train(on);
  }

  override to(dtype: FloatDType): this {
    this.#persisted = false;
    return super.to(dtype);
  }

  /** Reads what a class has in files of its own. */
  protected async loadBeside(_files: ModelFiles): Promise<void> {}

  /** Draws weights anew; all, or only some. */
  initializeWeights(only?: ReadonlySet<Tensor>): void {
    const { family, fields, encoder, initializerRange: std } = this.config;
    initialize(this, (name) => family.start?.(name, fields, encoder) ?? { std, cutoff: null }, only);
  }

  /** What subclasses call last in their constructors. */
  protected finish({ initialize: draws = true }: MakeOptions): void {
    if (draws) this.initializeWeights();
  }

  /** Runs the encoder with what the config has as defaults for its outputs. */
  protected encode(inputs: EncoderInputs, reading: Reading): Encoded {
    const { outputHiddenStates, outputAttentions } = this.config;
    return this.encoder.encode(
      { ...inputs, outputHiddenStates: inputs.outputHiddenStates ?? outputHiddenStates, outputAttentions: inputs.outputAttentions ?? outputAttentions },
      // A trainer may look at what becomes of padding, and what dropout draws must not depend on it.
      this.training && isGradEnabled() ? 'all' : reading,
    );
  }

  /**
   * Runs a pass. Where nothing is recorded its tensors lie in the kernels' memory, as the weights do from the first such
   * pass on, and what is not returned is gone at once.
   */
  protected run<T extends object>({ pastKeyValues = null }: EncoderInputs, pass: () => T): T {
    if (isGradEnabled()) return pass();
    if (!this.#persisted) persistWeights(this);
    this.#persisted = true;
    const roots = pastKeyValues === null ? [] : [pastKeyValues];
    return scope(() => {
      const output = pass();
      for (const value of Object.values(output)) if (value instanceof DecoderCache) for (const buffer of value.buffers()) keep(buffer);
      return output;
    }, { roots });
  }

  #keys(): KeyMap {
    const { family, encoder, fields } = this.config;
    const { head } = this.constructor as unknown as ModelClass;
    const own = head === 'model' ? [] : family.variantHeadKeys?.(fields)[head] ?? family.headKeys[head] ?? [];
    return new KeyMap([...own, ...this.#prefixed(family.bodyKeys(encoder))]);
  }

  /** Names of the body; beside a head they have a prefix. */
  #prefixed(templates: KeyTemplates): KeyTemplates {
    const { head } = this.constructor as unknown as ModelClass;
    return head === 'model' ? templates : underPrefix(this.config.family.prefix, templates);
  }
}
