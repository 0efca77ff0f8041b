import type { AddedToken } from './addedTokens.ts';
import { FormatError } from './errors.ts';
import { booleanOf, type Json, numberOf, objectOf, parseJson, stringOf, isAbsent } from './json.ts';
import type { NormalizerOptions } from './normalizer.ts';
import type { SpecialTokenRole } from './options.ts';
import { bertTemplate, type PostProcessor } from './postProcessor.ts';
import { type ConfiguredTokens, configuredTokens, readAddedToken } from './specialTokens.ts';
import { readTokenizerJson, type TokenizerJson } from './tokenizerJson.ts';
import type { Side } from './truncation.ts';
import { Vocabulary } from './vocabulary.ts';
import type { WordPieceOptions } from './wordPiece.ts';

/** Contents of a model's tokenizer files, by name: text, or for JSON the parsed object. */
export interface TokenizerFiles {
  readonly 'vocab.txt'?: string;
  readonly 'tokenizer.json'?: unknown;
  readonly 'tokenizer_config.json'?: unknown;
  readonly 'special_tokens_map.json'?: unknown;
}

/** A token with the id that it has. */
export interface TokenWithId {
  readonly id: number;
  readonly token: string;
}

/** Everything that makes a tokenizer, read and checked. */
export interface TokenizerParts {
  readonly vocabulary: Vocabulary;
  readonly normalizer: NormalizerOptions;
  readonly wordPiece: WordPieceOptions;
  readonly addedTokens: ReadonlyMap<number, AddedToken>;
  readonly postProcessor: PostProcessor;
  readonly decoder: { readonly prefix: string; readonly cleanup: boolean } | null;
  readonly roles: Readonly<Partial<Record<SpecialTokenRole, TokenWithId>>>;
  readonly padTypeId: number;
  readonly paddingSide: Side;
  readonly truncationSide: Side;
  /** Infinity: not known. */
  readonly modelMaxLength: number;
  readonly cleanUpByDefault: boolean;
  /** `BertTokenizer` and the like, as tokenizer_config.json has it. */
  readonly tokenizerClass: string;
}

const CLASSES = ['Bert', 'DistilBert', 'Electra', 'MPNet', 'MobileBert', 'ConvBert', 'Funnel', 'LayoutLM', 'Lxmert', 'Retribert', 'SqueezeBert', 'PreTrained'];
const CONFIG = 'tokenizer_config.json';

/** @throws FormatError naming the file */
export function readTokenizerFiles(files: TokenizerFiles): TokenizerParts {
  const config = files[CONFIG] === undefined ? {} : objectOf(parseJson(files[CONFIG], CONFIG), CONFIG);
  const map = files['special_tokens_map.json'] === undefined ? {} : objectOf(parseJson(files['special_tokens_map.json'], 'special_tokens_map.json'), 'special_tokens_map.json');
  const tokenizerClass = isAbsent(config['tokenizer_class']) ? 'BertTokenizer' : stringOf(config['tokenizer_class'], `${CONFIG}: tokenizer_class`);
  const kind = tokenizerClass.replace(/Tokenizer(Fast)?$/, '');
  if (!CLASSES.includes(kind)) {
    throw new FormatError(`${CONFIG}: tokenizer_class ${JSON.stringify(tokenizerClass)} is not WordPiece; BertTokenizer reads those of BERT, DistilBERT, ELECTRA and MPNet`);
  }
  const json = files['tokenizer.json'] === undefined ? null : readTokenizerJson(files['tokenizer.json']);
  if (json === null && files['vocab.txt'] === undefined) {
    throw new FormatError('BertTokenizer: neither tokenizer.json nor vocab.txt was given; one of them holds the vocabulary');
  }
  const vocabulary = json?.vocabulary ?? Vocabulary.parse(files['vocab.txt'] as string);
  const added = new Map<number, AddedToken>(json?.addedTokens);
  addDecoderTokens(added, config);
  const configured = configuredTokens({ ...map, ...config }, kind, vocabulary, added);
  const unkToken = json?.wordPiece.unkToken ?? configured.roles.unk?.token ?? '[UNK]';
  return {
    vocabulary,
    normalizer: normalizerFrom(json, config),
    wordPiece: { ...json?.wordPiece, unkToken },
    addedTokens: added,
    postProcessor: json?.postProcessor ?? defaultPostProcessor(kind, configured),
    decoder: json === null ? { prefix: '##', cleanup: true } : json.decoder,
    roles: rolesWithPadding(configured.roles, json),
    padTypeId: isAbsent(config['pad_token_type_id']) ? (json?.padding?.typeId ?? 0) : numberOf(config['pad_token_type_id'], `${CONFIG}: pad_token_type_id`),
    paddingSide: sideFrom(config, 'padding_side') ?? json?.padding?.side ?? 'right',
    truncationSide: sideFrom(config, 'truncation_side') ?? json?.truncationSide ?? 'right',
    modelMaxLength: maxLengthFrom(config),
    cleanUpByDefault: config['clean_up_tokenization_spaces'] === true,
    tokenizerClass,
  };
}

/** tokenizer_config.json outranks tokenizer.json where it speaks, as in transformers. */
function normalizerFrom(json: TokenizerJson | null, config: Readonly<Record<string, Json>>): NormalizerOptions {
  const merged: { -readonly [K in keyof NormalizerOptions]: NormalizerOptions[K] } = { ...json?.normalizer };
  if (!isAbsent(config['do_lower_case'])) merged.lowercase = booleanOf(config['do_lower_case'], `${CONFIG}: do_lower_case`);
  if (!isAbsent(config['tokenize_chinese_chars'])) {
    merged.handleChineseChars = booleanOf(config['tokenize_chinese_chars'], `${CONFIG}: tokenize_chinese_chars`);
  }
  if (config['strip_accents'] !== undefined) {
    merged.stripAccents = config['strip_accents'] === null ? null : booleanOf(config['strip_accents'], `${CONFIG}: strip_accents`);
  }
  return merged;
}

function addDecoderTokens(added: Map<number, AddedToken>, config: Readonly<Record<string, Json>>): void {
  if (isAbsent(config['added_tokens_decoder'])) return;
  const decoder = objectOf(config['added_tokens_decoder'], `${CONFIG}: added_tokens_decoder`);
  for (const [key, value] of Object.entries(decoder)) {
    const id = Number(key);
    if (!Number.isSafeInteger(id) || id < 0) throw new FormatError(`${CONFIG}: added_tokens_decoder: ${JSON.stringify(key)} is not an id`);
    added.set(id, readAddedToken(value, `${CONFIG}: added_tokens_decoder: ${key}`));
  }
}

function defaultPostProcessor(kind: string, configured: ConfiguredTokens): PostProcessor {
  const { cls, sep } = configured.roles;
  if (cls === undefined || sep === undefined) {
    throw new FormatError(`vocab.txt: the ${cls === undefined ? 'classifier token [CLS]' : 'separator token [SEP]'} is not in it; name the model's own in tokenizer_config.json`);
  }
  const template = bertTemplate(cls, sep, { doubled: kind === 'MPNet' });
  return { ...template, overflowTypes: 'sequence', trimOffsets: false, addPrefixSpace: false };
}

function rolesWithPadding(roles: ConfiguredTokens['roles'], json: TokenizerJson | null): TokenizerParts['roles'] {
  const padding = json?.padding;
  return roles.pad === undefined && !isAbsent(padding) ? { ...roles, pad: { id: padding.id, token: padding.token } } : roles;
}

function sideFrom(config: Readonly<Record<string, Json>>, key: 'padding_side' | 'truncation_side'): Side | undefined {
  const side = config[key];
  if (isAbsent(side)) return undefined;
  if (side !== 'left' && side !== 'right') throw new FormatError(`${CONFIG}: ${key} must be left or right, not ${JSON.stringify(side)}`);
  return side;
}

/** transformers writes 10³⁰ where the length is not known. */
function maxLengthFrom(config: Readonly<Record<string, Json>>): number {
  if (isAbsent(config['model_max_length'])) return Number.POSITIVE_INFINITY;
  const length = numberOf(config['model_max_length'], `${CONFIG}: model_max_length`);
  if (!(length >= 1)) throw new FormatError(`${CONFIG}: model_max_length must be at least 1, not ${length}`);
  return length > 1e9 ? Number.POSITIVE_INFINITY : Math.floor(length);
}

