import { ArgumentError } from '@strided/tensor';
import type { Fields } from '../fields.ts';

/** How text is generated: the options of transformers' `generate`, with its defaults. */
export interface GenerationSettings {
  /** How many tokens are added at most. Default 20. */
  readonly maxNewTokens?: number | null;
  /** How long a text may become, what it begins with included; `maxNewTokens` comes first. */
  readonly maxLength?: number | null;
  /** How many tokens come before an end is allowed. */
  readonly minNewTokens?: number | null;
  readonly minLength?: number | null;
  /** Draw each token by its probability. Default false: take the most likely one. */
  readonly doSample?: boolean;
  /** Divides the logits before drawing: below 1 likely tokens become more likely. Default 1. */
  readonly temperature?: number;
  /** Draw among this many of the most likely tokens; 0: among all. Default 50. */
  readonly topK?: number;
  /** Draw among the fewest tokens that together have this probability. Default 1: among all. */
  readonly topP?: number;
  /** Draw among tokens that are at least this much as likely as the most likely one. */
  readonly minP?: number | null;
  /** Above 1 tokens that the text already has become less likely (Keskar et al., arXiv 1909.05858). Default 1. */
  readonly repetitionPenalty?: number;
  /** No run of this many tokens comes twice. Default 0: any may. */
  readonly noRepeatNgramSize?: number;
  /** Texts for each row, side by side; more than one needs `doSample`. Default 1. */
  readonly numReturnSequences?: number;
  /** Only 1: there is no beam search. */
  readonly numBeams?: number;
  /** Off, each step computes the whole text again, with the same result. Default true. */
  readonly useCache?: boolean;
  /** What a text begins with that is given no other beginning. */
  readonly bosTokenId?: number | null;
  /** What ends a text; one or several. */
  readonly eosTokenId?: number | readonly number[] | null;
  /** What follows the end in a batch; default: the (first) end itself. */
  readonly padTokenId?: number | null;
  /** What an encoder–decoder pair's text begins with. */
  readonly decoderStartTokenId?: number | null;
}

/** Settings that are complete and make sense. */
export interface ResolvedSettings {
  /** The length of the result. */
  readonly maxLength: number;
  /** No end before this length. */
  readonly minLength: number;
  readonly doSample: boolean;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly noRepeatNgramSize: number;
  readonly copies: number;
  readonly useCache: boolean;
  readonly eos: readonly number[];
  readonly pad: number;
}

const names = [
  'max_new_tokens', 'max_length', 'min_new_tokens', 'min_length', 'do_sample', 'temperature', 'top_k', 'top_p', 'min_p', 'repetition_penalty', 'no_repeat_ngram_size',
  'num_return_sequences', 'num_beams', 'use_cache', 'bos_token_id', 'eos_token_id', 'pad_token_id', 'decoder_start_token_id',
] as const;

const camelCase = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Settings of transformers that would change what is generated, with the values that change nothing. */
const foreign: Readonly<Record<string, readonly unknown[]>> = {
  typical_p: [1], epsilon_cutoff: [0], eta_cutoff: [0], top_h: [], encoder_repetition_penalty: [1], encoder_no_repeat_ngram_size: [0], bad_words_ids: [], suppress_tokens: [],
  begin_suppress_tokens: [], forced_bos_token_id: [], forced_eos_token_id: [], exponential_decay_length_penalty: [], guidance_scale: [1], sequence_bias: [],
};

/**
 * What generation_config.json (or in older models config.json) says of the settings; numbers are checked when they are used.
 * @throws CheckpointError for a field of another kind, or one that stands for what no setting here does.
 */
export function readSettings(fields: Fields): GenerationSettings {
  for (const [name, harmless] of Object.entries(foreign)) fields.only(name, harmless, 'generate() does not have it');
  const settings: Record<string, unknown> = {};
  for (const name of names) {
    const value = fields.raw(name);
    if (value === undefined) {
      if (name.endsWith('_token_id') && Object.hasOwn(fields.json, name)) settings[camelCase(name)] = null;
      continue;
    }
    const isFlag = name === 'do_sample' || name === 'use_cache';
    const fits = isFlag ? typeof value === 'boolean' : typeof value === 'number' || (name === 'eos_token_id' && Array.isArray(value) && value.every((id) => typeof id === 'number'));
    if (!fits) throw fields.wrong(name, isFlag ? 'true or false' : 'a number');
    settings[camelCase(name)] = value;
  }
  return settings as GenerationSettings;
}

/** The settings as generation_config.json has them. */
export function settingsToJson(settings: GenerationSettings): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== null).map(([name, value]) => [snakeCase(name), value as unknown]));
}

/** The numbers that generation_config.json writes with a point. */
export const fractions: ReadonlySet<string> = new Set(['temperature', 'top_p', 'min_p', 'repetition_penalty']);

function check(name: string, value: number, fits: boolean, rule: string): number {
  if (typeof value !== 'number' || !fits) throw new ArgumentError(`generate: ${name} must be ${rule}, not ${String(value)}`);
  return value;
}
const whole = (name: string, value: number, least: number): number => check(name, value, Number.isInteger(value) && value >= least, `a whole number from ${least} on`);

/** A sequence as it stands before the first step, and what limits it. */
export interface Beginning {
  /** Its length, padding included. */
  readonly length: number;
  /** The most tokens that the model can take in. */
  readonly longest: number;
  readonly vocabSize: number;
}

/**
 * The settings of one call over those of the model.
 * @throws ArgumentError naming the setting that is wrong, or a length that the positions of the model do not have.
 */
export function resolveSettings(call: GenerationSettings, model: GenerationSettings, beginning: Beginning): ResolvedSettings {
  const given = Object.fromEntries(Object.entries(call).filter(([, value]) => value !== undefined)) as GenerationSettings;
  const all: GenerationSettings = { ...model, ...given };
  const { temperature = 1, topK = 50, topP = 1, minP = null, repetitionPenalty = 1, noRepeatNgramSize = 0, numReturnSequences = 1, numBeams = 1, doSample = false } = all;
  if (numBeams !== 1) throw new ArgumentError(`generate: numBeams is ${numBeams}, but there is no beam search; give numBeams: 1 for the most likely token at each step, or doSample: true`);
  const copies = whole('numReturnSequences', numReturnSequences, 1);
  if (copies > 1 && !doSample) throw new ArgumentError(`generate: numReturnSequences ${copies} without doSample would be the same text ${copies} times; give doSample: true`);
  const eos = (typeof all.eosTokenId === 'number' ? [all.eosTokenId] : all.eosTokenId ?? []).map((id) => whole('eosTokenId', id, 0));
  const pad = whole('padTokenId', all.padTokenId ?? eos[0] ?? 0, 0);
  if (pad >= beginning.vocabSize) throw new ArgumentError(`generate: padTokenId ${pad} is not one of the ${beginning.vocabSize} ids of the vocabulary`);
  return {
    ...lengths(given, all, beginning),
    doSample, copies, eos, pad,
    temperature: check('temperature', temperature, temperature > 0 && temperature < Infinity, 'above 0 (without doSample there is no temperature)'),
    topK: whole('topK', topK, 0),
    topP: check('topP', topP, topP >= 0 && topP <= 1, 'from 0 to 1'),
    minP: check('minP', minP ?? 0, (minP ?? 0) >= 0 && (minP ?? 0) <= 1, 'from 0 to 1'),
    repetitionPenalty: check('repetitionPenalty', repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty < Infinity, 'above 0'),
    noRepeatNgramSize: whole('noRepeatNgramSize', noRepeatNgramSize, 0),
    useCache: all.useCache ?? true,
  };
}

/** What the call says of lengths comes before what the model's file says; new tokens come before whole lengths. */
function lengths(given: GenerationSettings, all: GenerationSettings, { length, longest }: Beginning): Pick<ResolvedSettings, 'maxLength' | 'minLength'> {
  const { maxNewTokens: added = null, maxLength: total = null } = (given.maxNewTokens ?? given.maxLength ?? null) === null ? all : given;
  const maxLength = added !== null ? length + whole('maxNewTokens', added, 1) : total !== null ? whole('maxLength', total, 1) : Math.min(length + 20, Math.max(length + 1, longest));
  if (maxLength <= length) throw new ArgumentError(`generate: the text begins with ${length} tokens already, but maxLength is ${maxLength}; give a larger one, or maxNewTokens`);
  // The last token is added but never taken in.
  if (maxLength - 1 > longest) {
    const rest = longest + 1 - length;
    throw new ArgumentError(`generate: a text of ${maxLength} tokens is above what the ${longest} positions of the model allow; ${rest > 0 ? `give a maxNewTokens of at most ${rest}` : 'begin with a shorter text'}`);
  }
  const { minNewTokens = null, minLength = 0 } = all;
  const least = minNewTokens === null ? whole('minLength', minLength ?? 0, 0) : length + whole('minNewTokens', minNewTokens, 0);
  return { maxLength, minLength: least };
}
