import { ArgumentError, CheckpointError } from '@strided/tensor';
import { checkSizes, type EncoderConfig } from '../config.ts';
import { Fields, type Json } from '../fields.ts';
import type { HeadSpecs } from '../heads/spec.ts';
import type { Family, ModelOptions } from './family.ts';

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Options of code as config.json has them. */
export function optionsToJson(options: ModelOptions): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined).map(([name, value]) => [snakeCase(name), value]));
}

/** A model's config, read and checked: what config.json says, and what it means. */
export class ModelConfig {
  readonly family: Family;
  /** All fields, as they are saved. */
  readonly json: Json;
  readonly encoder: EncoderConfig;
  readonly heads: HeadSpecs;
  readonly outputHiddenStates: boolean;
  readonly outputAttentions: boolean;
  /** Decoders return `pastKeyValues` unless the call says otherwise. */
  readonly useCache: boolean;
  /** The standard deviation that weights start with. */
  readonly initializerRange: number;
  readonly fields: Fields;

  private constructor(family: Family, fields: Fields) {
    this.family = family;
    this.fields = fields;
    const { encoder, heads } = family.parse(fields);
    this.encoder = checkSizes(fields.file, encoder);
    this.heads = heads;
    this.outputHiddenStates = fields.flag('output_hidden_states', false);
    this.outputAttentions = fields.flag('output_attentions', false);
    // What generating reads.
    for (const name of ['bos_token_id', 'eos_token_id']) fields.raw(name);
    this.useCache = this.encoder.causal && (fields.optionalFlag('use_cache') ?? true);
    this.initializerRange = fields.number('initializer_range', 0, 1e3, 0.02);
    this.json = { ...withoutDefaults(fields), ...fields.json, model_type: family.modelType };
  }

  /** The `model_type`, for example `bert`. */
  get modelType(): string {
    return this.family.modelType;
  }

  /**
   * A parsed config.json, which is untrusted; `overrides` stand for its fields.
   * @throws CheckpointError naming the file and the field that is wrong or not supported.
   */
  static fromJson(family: Family, json: unknown, file: string, overrides: ModelOptions = {}): ModelConfig {
    const given = new Fields(json, file).json;
    const { model_type: type = family.modelType } = given;
    if (type !== family.modelType) throw new CheckpointError(`${file}: model_type is ${JSON.stringify(type)}, not ${family.modelType}; use the classes of that family, or AutoModel`);
    const own = optionsToJson(overrides);
    const config = new ModelConfig(family, new Fields({ ...('num_labels' in own ? withoutLabels(given) : given), ...own }, file));
    refuseUnknown(config, own);
    return config;
  }

  /** Options of code. @throws ArgumentError for a name that the family does not know. */
  static fromOptions(family: Family, options: ModelOptions): ModelConfig {
    const own = optionsToJson(options);
    const config = new ModelConfig(family, new Fields(own, `${family.name}Config`));
    refuseUnknown(config, own);
    return config;
  }
}

function refuseUnknown({ fields, family }: ModelConfig, own: Json): void {
  const unknown = Object.keys(own).filter((name) => !fields.asked.has(name));
  if (unknown.length > 0) {
    throw new ArgumentError(`${family.name}Config: ${unknown.join(', ')} ${unknown.length === 1 ? 'is no option' : 'are no options'} of ${family.modelType}; it has ${[...fields.asked].sort().join(', ')}`);
  }
}

/** Labels that a new number of them replaces. */
function withoutLabels({ id2label: _names, label2id: _ids, ...rest }: Json): Json {
  return rest;
}

/** What a complete config.json says besides what is given: the defaults, as far as transformers writes them. */
function withoutDefaults({ resolved }: Fields): Record<string, unknown> {
  const quiet = new Set(['output_hidden_states', 'output_attentions', 'num_labels', 'problem_type']);
  return Object.fromEntries([...resolved].filter(([name]) => !quiet.has(name)));
}
