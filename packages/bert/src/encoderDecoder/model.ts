import { Module } from '@strided/nn';
import { ArgumentError, saveShardedSafetensors, type Tensor } from '@strided/tensor';
import { pathInFolder } from '@strided/tensor/files';
import { AutoConfig, AutoModel, AutoModelForCausalLM } from '../auto.ts';
import type { LoadingReport } from '../checkpoint/load.ts';
import { checkSizeOfFile, openWeights } from '../checkpoint/weights.ts';
import { readerBeside, readerWithin } from '../checkpoint/within.ts';
import { longestText } from '../config.ts';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import { Fields, formatConfig } from '../fields.ts';
import { writeText } from '../files.ts';
import { finishRun, paddingMask, startRun, type GenerateOutput, type Run } from '../generation/generate.ts';
import { fractions, readSettings, settingsToJson, type GenerationSettings } from '../generation/settings.ts';
import { classLoss } from '../heads/losses.ts';
import { openModelFiles, readJson, readJsonIfAny, type FilesOptions, type ModelSource } from '../modelFiles/modelFiles.ts';
import { generationFile, type ForCausalLM } from '../models/causalLm.ts';
import { EncoderDecoderConfig, type PairOptions } from './config.ts';
import type { EncoderDecoderInputs, EncoderDecoderOutput, EncoderStates, PairGenerateOptions } from './inputs.ts';
import { Projection } from './projection.ts';
import { shiftRight, withStart } from './tokens.ts';
import type { BaseModel } from '../models/models.ts';
import type { LoadModelOptions, SaveModelOptions } from '../models/pretrained.ts';

export interface EncoderDecoderParts extends PairOptions {
  readonly encoder: BaseModel;
  /** With cross-attention (`isDecoder`, `addCrossAttention`). */
  readonly decoder: ForCausalLM;
}

export interface AssembleOptions extends FilesOptions, PairOptions {
  /** How the encoder is loaded, for example its `config` or `revision`. */
  readonly encoder?: LoadModelOptions;
  readonly decoder?: LoadModelOptions;
}

/**
 * An encoder that reads a text and a decoder that writes another, looking at the first through cross-attention (Rothe et
 * al., "Leveraging pre-trained checkpoints for sequence generation tasks", arXiv 1907.12461). Any two families of the
 * zoo go together, as long as the second has a decoder. Names and files are those of transformers' EncoderDecoderModel.
 *
 * @example
 * const model = await EncoderDecoderModel.fromEncoderDecoderPretrained('google-bert/bert-base-uncased', 'google-bert/bert-base-uncased', {
 *   decoderStartTokenId: tokenizer.clsTokenId,
 * });
 * model.loading?.initialized; // decoder.bert.encoder.layer.0.crossattention.self.query.weight, …
 * model.forward({ inputIds, attentionMask, labels }).loss?.backward();
 * model.generate({ inputIds, attentionMask, maxNewTokens: 40 });
 */
export class EncoderDecoderModel extends Module {
  readonly config: EncoderDecoderConfig;
  readonly encoder: BaseModel;
  readonly decoder: ForCausalLM;
  /** From the encoder's width to the decoder's, where they differ. */
  readonly projection: Projection;
  /** What `generate` goes by where a call says nothing. */
  generationConfig: GenerationSettings;
  #loading: LoadingReport | null = null;

  /** Joins two models; `config` instead of ids where a file says more. */
  constructor({ encoder, decoder, ...options }: EncoderDecoderParts, config: EncoderDecoderConfig = new EncoderDecoderConfig(encoder.config, decoder.config, new Fields({}, 'EncoderDecoderModel'), options)) {
    super();
    this.config = config;
    this.encoder = encoder;
    this.decoder = decoder;
    this.projection = new Projection(encoder.config.encoder.hiddenSize, decoder.config.encoder.hiddenSize);
    const own = Object.entries(readSettings(config.fields)).filter(([, value]) => value !== null);
    this.generationConfig = { ...decoder.generationConfig, ...Object.fromEntries(own) };
    this.projection.draw(decoder.config.initializerRange);
  }

  /** What the checkpoints and this pair did not have in common; null for a pair that was not loaded. */
  get loading(): LoadingReport | null {
    return this.#loading;
  }

  /**
   * A pair of two checkpoints, in evaluation mode. The decoder's cross-attention, which no encoder's checkpoint has, and
   * whatever heads or poolers are missing are drawn at random; `loading` names them. Train the pair before you use it.
   *
   * @throws CheckpointError for a checkpoint that does not fit its config.json, or a decoder of a family that has none.
   */
  static async fromEncoderDecoderPretrained(encoderSource: ModelSource, decoderSource: ModelSource, options: AssembleOptions = {}): Promise<EncoderDecoderModel> {
    const { encoder: forEncoder = {}, decoder: forDecoder = {}, decoderStartTokenId, padTokenId, ...files } = options;
    const { causal } = (await AutoConfig.fromPretrained(encoderSource, { ...files, ...forEncoder })).encoder;
    const plain = causal ? { isDecoder: false, addCrossAttention: false } : {};
    const encoder = await AutoModel.fromPretrained(encoderSource, { initializeMissing: true, ...files, ...forEncoder, config: { ...forEncoder.config, ...plain } });
    const decoder = await AutoModelForCausalLM.fromPretrained(decoderSource, {
      initializeMissing: true, ...files, ...forDecoder, config: { ...forDecoder.config, isDecoder: true, addCrossAttention: true },
    });
    const model = new EncoderDecoderModel({ encoder, decoder, ...(decoderStartTokenId === undefined ? {} : { decoderStartTokenId }), ...(padTokenId === undefined ? {} : { padTokenId }) });
    model.#report([]);
    return model.eval();
  }

  /**
   * A pair that was saved by `savePretrained`, here or in transformers, in evaluation mode.
   * @throws CheckpointError for a config.json that is not supported, or a checkpoint that does not fit it.
   */
  static async fromPretrained(source: ModelSource, options: FilesOptions & PairOptions & { readonly initializeMissing?: boolean } = {}): Promise<EncoderDecoderModel> {
    const { initializeMissing = false } = options;
    const files = await openModelFiles(source, options);
    const config = EncoderDecoderConfig.fromJson(await readJson(files, 'config.json'), `${files.name}/config.json`, options);
    const reader = await openWeights(files);
    try {
      const [ofEncoder, ofDecoder] = [readerWithin(reader, 'encoder.'), readerWithin(reader, 'decoder.')];
      checkSizeOfFile(ofEncoder, config.encoder.encoder, config.encoder.fields.file, { initializeMissing });
      checkSizeOfFile(ofDecoder, config.decoder.encoder, config.decoder.fields.file, { initializeMissing });
      const parts = { encoder: AutoModel.fromConfig(config.encoder, { initialize: false }), decoder: AutoModelForCausalLM.fromConfig(config.decoder, { initialize: false }) };
      const model = new EncoderDecoderModel(parts, config);
      await model.encoder.load(ofEncoder, initializeMissing);
      await model.decoder.load(ofDecoder, initializeMissing);
      const joint = await model.projection.load(readerBeside(reader, ['encoder.', 'decoder.']), initializeMissing);
      model.#report(joint.initialized);
      const json = await readJsonIfAny(files, generationFile);
      if (json !== null) model.generationConfig = readSettings(new Fields(json, `${files.name}/${generationFile}`));
      return model.eval();
    } finally {
      await reader.close();
    }
  }

  /** Writes config.json, generation_config.json and model.safetensors (above 5 GB in shards) as transformers does. */
  async savePretrained(folder: string, { storeAs, maxShardSize = 5e9 }: SaveModelOptions = {}): Promise<void> {
    const tensors = new Map<string, Tensor>();
    for (const [key, tensor] of this.encoder.checkpointTensors()) tensors.set(`encoder.${key}`, tensor);
    for (const [key, tensor] of this.decoder.checkpointTensors()) tensors.set(`decoder.${key}`, tensor);
    for (const [key, tensor] of this.projection.parametersByKey()) tensors.set(key, tensor);
    await saveShardedSafetensors(folder, tensors, { maxShardSize, metadata: { format: 'pt' }, ...(storeAs === undefined ? {} : { storeAs }) });
    const dtype = storeAs ?? [...tensors.values()][0].dtype;
    const { config, encoder, decoder } = this;
    const whole = new Set([...config.encoder.fields.fractions, ...config.decoder.fields.fractions]);
    await writeText(pathInFolder(folder, 'config.json'), formatConfig(config.toJson(encoder.savedConfig(dtype), decoder.savedConfig(dtype)), whole));
    const settings = { ...this.generationConfig, decoderStartTokenId: this.#startToken({}), padTokenId: this.#padToken({}) };
    await writeText(pathInFolder(folder, generationFile), formatConfig(settingsToJson(settings), fractions));
  }

  /** Reads a text and, with `decoderInputIds` or `labels`, predicts each next token of another. */
  forward(inputs: EncoderDecoderInputs): EncoderDecoderOutput {
    const { labels = null, decoderInputsEmbeds = null, outputHiddenStates, outputAttentions, pastKeyValues = null } = inputs;
    const asked = { ...(outputHiddenStates === undefined ? {} : { outputHiddenStates }), ...(outputAttentions === undefined ? {} : { outputAttentions }) };
    const encoded = this.#encoded({ ...inputs, ...asked }, pastKeyValues);
    const shifted = labels !== null && (inputs.decoderInputIds ?? null) === null && decoderInputsEmbeds === null ? shiftRight(labels, this.config.decoderStartTokenId, this.config.padTokenId) : null;
    const given = {
      ...asked, inputIds: shifted ?? inputs.decoderInputIds ?? null, inputsEmbeds: decoderInputsEmbeds,
      attentionMask: inputs.decoderAttentionMask ?? (shifted === null || this.config.padTokenId === null ? null : shifted.ne(this.config.padTokenId)),
      tokenTypeIds: inputs.decoderTokenTypeIds ?? null, positionIds: inputs.decoderPositionIds ?? null,
      encoderHiddenStates: encoded === null ? null : this.projection.forward(encoded.lastHiddenState), encoderAttentionMask: inputs.attentionMask ?? null,
      pastKeyValues, useCache: inputs.useCache ?? (labels === null && this.decoder.config.useCache),
    };
    const output = labels === null ? this.decoder.forward(given) : this.decoder.forwardWithPadding(given);
    return {
      loss: labels === null ? null : classLoss(output.logits, labels), logits: output.logits, pastKeyValues: output.pastKeyValues,
      decoderHiddenStates: output.hiddenStates, decoderAttentions: output.attentions, crossAttentions: output.crossAttentions,
      encoderLastHiddenState: encoded?.lastHiddenState ?? null, encoderHiddenStates: encoded?.hiddenStates ?? null, encoderAttentions: encoded?.attentions ?? null,
    };
  }

  /**
   * Writes a text for each one that is read, as transformers' `generate`: int32 [B, length], beginning with
   * `decoderStartTokenId`. See ForCausalLM.generate for the settings.
   *
   * @throws ArgumentError for settings that make no sense, before anything is computed.
   */
  generate(options: PairGenerateOptions & { readonly returnDictInGenerate: true }): GenerateOutput;
  generate(options: PairGenerateOptions): Tensor<'int32'>;
  generate(options: PairGenerateOptions): Tensor<'int32'> | GenerateOutput {
    const output = finishRun(this.#run(options));
    return options.returnDictInGenerate === true ? output : output.sequences;
  }

  /** As `generate`, step by step: the new token of each row, as soon as it is there. */
  stream(options: PairGenerateOptions): IterableIterator<Int32Array> {
    return this.#run(options).steps;
  }

  /** Parameters by their names in the checkpoint; one that is tied comes under each of its names. */
  *parametersByKey(): IterableIterator<[string, Tensor]> {
    for (const [key, parameter] of this.encoder.parametersByKey()) yield [`encoder.${key}`, parameter];
    for (const [key, parameter] of this.decoder.parametersByKey()) yield [`decoder.${key}`, parameter];
    yield* this.projection.parametersByKey();
  }

  /** Gradients by the same names, of the parameters that have one. */
  gradientsByKey(): Map<string, Tensor> {
    return new Map([...this.parametersByKey()].flatMap(([key, { grad }]) => (grad === null ? [] : [[key, grad] as const])));
  }

  #run(options: PairGenerateOptions): Run {
    const { inputIds = null, encoderOutputs = null, decoderInputIds = null, decoderAttentionMask = null, pastKeyValues = null, ...rest } = options;
    const source = inputIds ?? options.inputsEmbeds ?? encoderOutputs?.lastHiddenState;
    if (source === undefined) throw new ArgumentError('generate: give inputIds, the text that the encoder reads, or encoderOutputs');
    const [start, pad] = [this.#startToken(options), this.#padToken(options)];
    const eos = [options.eosTokenId === undefined ? this.generationConfig.eosTokenId ?? [] : options.eosTokenId ?? []].flat();
    const attentionMask = options.attentionMask ?? (inputIds === null ? null : paddingMask(inputIds, eos, pad));
    const { tokens, mask } = withStart(decoderInputIds, decoderAttentionMask, start, source.shape[0]);
    const { config: { encoder: config } } = this.decoder;
    return startRun(
      {
        forward: (inputs) => this.decoder.forward(inputs), settings: { ...this.generationConfig, padTokenId: pad }, longest: longestText(config), vocabSize: config.vocabSize,
        counted: false, findsPadding: false,
      },
      { ...rest, inputIds: tokens, attentionMask: mask, positionIds: null, tokenTypeIds: null, pastKeyValues, encoderAttentionMask: attentionMask },
      () => this.projection.forward(this.#encoded({ ...options, attentionMask }, null)?.lastHiddenState as Tensor),
    );
  }

  /** What the encoder makes of the text; null where only the cache knows it. */
  #encoded({ encoderOutputs = null, inputIds = null, inputsEmbeds = null, ...inputs }: EncoderDecoderInputs, cache: DecoderCache | null): EncoderStates | null {
    if (encoderOutputs !== null) return encoderOutputs;
    if (inputIds === null && inputsEmbeds === null && cache !== null && cache.crossLength > 0) return null;
    const { attentionMask = null, tokenTypeIds = null, positionIds = null, outputHiddenStates, outputAttentions } = inputs;
    return this.encoder.forward({
      inputIds, inputsEmbeds, attentionMask, tokenTypeIds, positionIds,
      ...(outputHiddenStates === undefined ? {} : { outputHiddenStates }), ...(outputAttentions === undefined ? {} : { outputAttentions }),
    });
  }

  #startToken({ decoderStartTokenId, bosTokenId }: GenerationSettings): number {
    const { generationConfig: own, config } = this;
    const start = decoderStartTokenId ?? own.decoderStartTokenId ?? config.decoderStartTokenId ?? bosTokenId ?? own.bosTokenId ?? null;
    if (start === null) throw new ArgumentError('generate: what texts begin with is not set; give decoderStartTokenId, or set model.config.decoderStartTokenId');
    return start;
  }

  #padToken({ padTokenId }: GenerationSettings): number | null {
    return padTokenId === undefined ? this.generationConfig.padTokenId ?? this.config.padTokenId : padTokenId;
  }

  #report(initialized: readonly string[]): void {
    const halves = [['encoder', this.encoder.loading], ['decoder', this.decoder.loading]] as const;
    const names = (what: keyof LoadingReport): string[] => halves.flatMap(([half, report]) => (report?.[what] ?? []).map((key) => `${half}.${key}`));
    this.#loading = { initialized: [...names('initialized'), ...initialized], unused: names('unused') };
  }
}
