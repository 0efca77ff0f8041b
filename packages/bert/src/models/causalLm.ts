import { ArgumentError, type Tensor } from '@strided/tensor';
import { longestText } from '../config.ts';
import type { DecoderCache } from '../encoder/decoderCache.ts';
import type { Reading, TokenStates } from '../encoder/tokenStates.ts';
import { Fields, formatConfig } from '../fields.ts';
import { writeText } from '../files.ts';
import { finishRun, startRun, type Decoder, type GenerateOptions, type GenerateOutput } from '../generation/generate.ts';
import { fractions, readSettings, settingsToJson, type GenerationSettings } from '../generation/settings.ts';
import { causalLoss } from '../heads/losses.ts';
import { readJsonIfAny, type ModelFiles } from '../modelFiles/modelFiles.ts';
import { pathInFolder } from '@strided/tensor/files';
import type { ModelOptions } from './family.ts';
import type { ModelConfig } from './modelConfig.ts';
import { extras, LanguageModel, type LabelledInputs, type LogitsOutput } from './models.ts';
import type { MakeOptions, SaveModelOptions } from './pretrained.ts';

export interface CausalInputs extends LabelledInputs {
  /** Logits of the last tokens only, this many of each row; 0, the default: of all. */
  readonly logitsToKeep?: number;
}

export interface CausalOutput extends LogitsOutput {
  /** For the tokens that come next; null where labels were given or `useCache` (in the call, else in the config) says so. */
  readonly pastKeyValues: DecoderCache | null;
}

/** The file of a model's settings for generating. */
export const generationFile = 'generation_config.json';

/** Predicts each next token; set `isDecoder`. `labels` [B, S] are the token ids themselves: the loss shifts them. */
export abstract class ForCausalLM extends LanguageModel {
  static override readonly head = 'causalLm';
  /** What `generate` goes by where a call says nothing: generation_config.json, else what config.json says of it. */
  generationConfig: GenerationSettings;

  constructor(config: ModelOptions | ModelConfig, options: MakeOptions = {}) {
    super(config, options);
    const { family, json, fields } = this.config;
    this.generationConfig = { ...family.tokens, ...readSettings(new Fields(json, fields.file)) };
  }

  forward(inputs: CausalInputs): CausalOutput {
    return this.#predict(inputs, (inputs.labels ?? null) === null ? 'tokens' : 'all');
  }

  /** As `forward`, with what becomes of padding: for who looks at it, as losses may. @internal */
  forwardWithPadding(inputs: CausalInputs): CausalOutput {
    return this.#predict(inputs, 'all');
  }

  #predict({ labels = null, logitsToKeep = 0, ...inputs }: CausalInputs, reading: Reading): CausalOutput {
    return this.run(inputs, () => {
      const output = this.encode({ ...inputs, useCache: labels === null && (inputs.useCache ?? this.config.useCache) }, reading);
      const logits = this.#logits(output.states, logitsToKeep);
      return { loss: labels === null ? null : causalLoss(logits, labels), logits, pastKeyValues: output.pastKeyValues, ...extras(output) };
    });
  }

  #logits(states: TokenStates, count: number): Tensor {
    const { hidden } = states;
    if (count === 0) return states.padded(this.lmHead.forward(hidden));
    return states.lastColumns(count, (x) => this.lmHead.forward(x));
  }

  /**
   * Goes on with texts, as transformers' `generate`: int32 [B, S + new tokens], with what they begin with. The likeliest
   * token at each step or, with `doSample`, one drawn after temperature, topK and topP, in this order. A row ends with
   * `eosTokenId` and is padded; rows that are shorter at the beginning are padded on the left. Puts no gradient on
   * anything; dropout is as the model is (`eval()` switches it off).
   *
   * RoBERTa's kind counts positions from its padding id, as in training. (transformers counts from 0 here; for its
   * tokens, give `positionIds`.)
   *
   * @throws ArgumentError for settings that make no sense and lengths above the model's positions, before anything is computed.
   * @example
   * const sequences = model.generate({ inputIds, attentionMask, maxNewTokens: 30, doSample: true, topP: 0.9, seed: 1 });
   * tokenizer.decode([...sequences.select(0, 0).toTypedArray()]);
   */
  generate(options: GenerateOptions & { readonly returnDictInGenerate: true }): GenerateOutput;
  generate(options?: GenerateOptions): Tensor<'int32'>;
  generate(options: GenerateOptions = {}): Tensor<'int32'> | GenerateOutput {
    const output = finishRun(startRun(this.#decoder(), options));
    return options.returnDictInGenerate === true ? output : output.sequences;
  }

  /**
   * As `generate`, step by step: the new token of each row, as soon as it is there.
   * @example
   * for (const [token] of model.stream({ inputIds, maxNewTokens: 30 })) process.stdout.write(tokenizer.decode([token]));
   */
  stream(options: GenerateOptions = {}): IterableIterator<Int32Array> {
    return startRun(this.#decoder(), options).steps;
  }

  #decoder(): Decoder {
    const { encoder } = this.config;
    if (!encoder.causal) throw new ArgumentError('generate: this model sees the whole text at once, so it cannot go on with it; set is_decoder in its config, for example fromPretrained(source, { config: { isDecoder: true } })');
    const { positions, vocabSize } = encoder;
    return {
      forward: (inputs) => this.forward(inputs), settings: this.generationConfig, longest: longestText(encoder), vocabSize,
      counted: positions.kind === 'learned' && !positions.fromPadding, findsPadding: true,
    };
  }

  protected override async loadBeside(files: ModelFiles): Promise<void> {
    const json = await readJsonIfAny(files, generationFile);
    if (json !== null) this.generationConfig = readSettings(new Fields(json, `${files.name}/${generationFile}`));
  }

  override async savePretrained(folder: string, options: SaveModelOptions = {}): Promise<void> {
    await super.savePretrained(folder, options);
    await writeText(pathInFolder(folder, generationFile), formatConfig(settingsToJson(this.generationConfig), fractions));
  }
}
