import type { AddedToken } from './addedTokens.ts';
import { FormatError } from './errors.ts';
import { arrayOf, booleanOf, type Json, type JsonObject, numberOf, objectOf, parseJson, stringOf, wholeOf, isAbsent } from './json.ts';
import type { NormalizerOptions } from './normalizer.ts';
import { bertTemplate, type PostProcessor, type TemplatePiece } from './postProcessor.ts';
import { readAddedToken } from './specialTokens.ts';
import type { Side } from './truncation.ts';
import { Vocabulary } from './vocabulary.ts';
import type { WordPieceOptions } from './wordPiece.ts';

/** What a tokenizer.json says. Its truncation and padding are defaults of the file's maker; only their sides and padding token are used. */
export interface TokenizerJson {
  readonly vocabulary: Vocabulary;
  readonly normalizer: NormalizerOptions;
  readonly wordPiece: WordPieceOptions;
  readonly addedTokens: ReadonlyMap<number, AddedToken>;
  readonly postProcessor: PostProcessor;
  readonly decoder: { readonly prefix: string; readonly cleanup: boolean } | null;
  readonly padding: { readonly id: number; readonly token: string; readonly typeId: number; readonly side: Side } | null;
  readonly truncationSide: Side | undefined;
}

const FILE = 'tokenizer.json';

/** @throws FormatError naming the part that is damaged or of a kind that BERT's tokenizers do not have */
export function readTokenizerJson(content: unknown): TokenizerJson {
  const root = objectOf(parseJson(content, FILE), FILE);
  const model = objectOf(root['model'], `${FILE}: model`);
  if (model['type'] !== undefined && model['type'] !== 'WordPiece') refuse('model', model['type'], 'WordPiece');
  const ids: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const [token, id] of Object.entries(objectOf(model['vocab'], `${FILE}: model.vocab`))) ids[token] = numberOf(id, `${FILE}: model.vocab: ${JSON.stringify(token)}`);
  const vocabulary = Vocabulary.fromIds(ids, `${FILE}: model.vocab`);
  checkPreTokenizer(root['pre_tokenizer']);
  return {
    vocabulary,
    normalizer: readNormalizer(root['normalizer']),
    wordPiece: {
      unkToken: stringOf(model['unk_token'] ?? '[UNK]', `${FILE}: model.unk_token`),
      continuingSubwordPrefix: stringOf(model['continuing_subword_prefix'] ?? '##', `${FILE}: model.continuing_subword_prefix`),
      maxInputCharsPerWord: wholeOf(model['max_input_chars_per_word'] ?? 100, `${FILE}: model.max_input_chars_per_word`),
    },
    addedTokens: readAddedTokens(root['added_tokens']),
    postProcessor: readPostProcessor(root['post_processor']),
    decoder: readDecoder(root['decoder']),
    padding: readPadding(root['padding']),
    truncationSide: isAbsent(root['truncation']) ? undefined : readSide(objectOf(root['truncation'], `${FILE}: truncation`)['direction'], 'truncation'),
  };
}

function refuse(part: string, kind: Json | undefined, known: string): never {
  throw new FormatError(`${FILE}: ${part} ${JSON.stringify(kind)} is not one of BERT's (${known}); another tokenizer class must read this file`);
}

function readNormalizer(value: Json | undefined): NormalizerOptions {
  if (isAbsent(value)) return { cleanText: false, handleChineseChars: false, stripAccents: false, lowercase: false };
  const object = objectOf(value, `${FILE}: normalizer`);
  if (object['type'] !== 'BertNormalizer') refuse('normalizer', object['type'], 'BertNormalizer');
  const flag = (key: string): boolean => (isAbsent(object[key]) ? true : booleanOf(object[key], `${FILE}: normalizer.${key}`));
  return {
    cleanText: flag('clean_text'),
    handleChineseChars: flag('handle_chinese_chars'),
    stripAccents: isAbsent(object['strip_accents']) ? null : flag('strip_accents'),
    lowercase: flag('lowercase'),
  };
}

function checkPreTokenizer(value: Json | undefined): void {
  const kind = isAbsent(value) ? null : objectOf(value, `${FILE}: pre_tokenizer`)['type'];
  if (kind !== 'BertPreTokenizer') refuse('pre_tokenizer', kind, 'BertPreTokenizer');
}

function readAddedTokens(value: Json | undefined): Map<number, AddedToken> {
  const tokens = new Map<number, AddedToken>();
  arrayOf(value ?? [], `${FILE}: added_tokens`).forEach((item, i) => {
    const what = `${FILE}: added_tokens[${i}]`;
    tokens.set(wholeOf(objectOf(item, what)['id'], `${what}.id`), readAddedToken(item, what));
  });
  return tokens;
}

function readPostProcessor(value: Json | undefined): PostProcessor {
  const rest = { overflowTypes: 'sequence', trimOffsets: false, addPrefixSpace: false } as const;
  if (isAbsent(value)) {
    const text = (sequence: 0 | 1): TemplatePiece => ({ kind: 'sequence', sequence, typeId: sequence });
    return { ...rest, single: [text(0)], pair: [text(0), text(1)] };
  }
  const object = objectOf(value, `${FILE}: post_processor`);
  if (object['type'] === 'TemplateProcessing') {
    const special = objectOf(object['special_tokens'] ?? {}, `${FILE}: post_processor.special_tokens`);
    return { ...rest, single: readTemplate(object['single'], special, 'single'), pair: readTemplate(object['pair'], special, 'pair') };
  }
  const ends = (): [{ id: number; token: string }, { id: number; token: string }] => [
    readTokenPair(object['cls'], 'cls'),
    readTokenPair(object['sep'], 'sep'),
  ];
  if (object['type'] === 'BertProcessing') return { ...rest, ...bertTemplate(...ends()) };
  if (object['type'] === 'RobertaProcessing') {
    return {
      ...bertTemplate(...ends(), { doubled: true, secondType: 0 }),
      overflowTypes: 'template',
      trimOffsets: booleanOf(object['trim_offsets'] ?? true, `${FILE}: post_processor.trim_offsets`),
      addPrefixSpace: booleanOf(object['add_prefix_space'] ?? true, `${FILE}: post_processor.add_prefix_space`),
    };
  }
  return refuse('post_processor', object['type'], 'TemplateProcessing, BertProcessing, RobertaProcessing');
}

function readTokenPair(value: Json | undefined, key: string): { id: number; token: string } {
  const pair = arrayOf(value, `${FILE}: post_processor.${key}`);
  return { token: stringOf(pair[0], `${FILE}: post_processor.${key}[0]`), id: wholeOf(pair[1], `${FILE}: post_processor.${key}[1]`) };
}

function readTemplate(value: Json | undefined, special: JsonObject, which: string): TemplatePiece[] {
  return arrayOf(value, `${FILE}: post_processor.${which}`).map((item, i) => {
    const what = `${FILE}: post_processor.${which}[${i}]`;
    const piece = objectOf(item, what);
    if (piece['Sequence'] !== undefined) {
      const sequence = objectOf(piece['Sequence'], what);
      if (sequence['id'] !== 'A' && sequence['id'] !== 'B') throw new FormatError(`${what}: a sequence must be A or B, not ${JSON.stringify(sequence['id'])}`);
      return { kind: 'sequence', sequence: sequence['id'] === 'A' ? 0 : 1, typeId: wholeOf(sequence['type_id'], `${what}.type_id`) };
    }
    const token = objectOf(piece['SpecialToken'], what);
    const name = stringOf(token['id'], `${what}.id`);
    const known = objectOf(special[name], `${FILE}: post_processor.special_tokens: ${JSON.stringify(name)}`);
    const ids = arrayOf(known['ids'], `${what}: ids`).map((id) => wholeOf(id, `${what}: ids`));
    const tokens = arrayOf(known['tokens'], `${what}: tokens`).map((text) => stringOf(text, `${what}: tokens`));
    if (ids.length !== tokens.length) throw new FormatError(`${what}: ${JSON.stringify(name)} has ${ids.length} ids but ${tokens.length} tokens`);
    return { kind: 'special', ids, tokens, typeId: wholeOf(token['type_id'], `${what}.type_id`) };
  });
}

function readDecoder(value: Json | undefined): TokenizerJson['decoder'] {
  if (isAbsent(value)) return null;
  const object = objectOf(value, `${FILE}: decoder`);
  if (object['type'] !== 'WordPiece') refuse('decoder', object['type'], 'WordPiece');
  return {
    prefix: stringOf(object['prefix'] ?? '##', `${FILE}: decoder.prefix`),
    cleanup: booleanOf(object['cleanup'] ?? true, `${FILE}: decoder.cleanup`),
  };
}

function readPadding(value: Json | undefined): TokenizerJson['padding'] {
  if (isAbsent(value)) return null;
  const object = objectOf(value, `${FILE}: padding`);
  return {
    id: wholeOf(object['pad_id'] ?? 0, `${FILE}: padding.pad_id`),
    token: stringOf(object['pad_token'] ?? '[PAD]', `${FILE}: padding.pad_token`),
    typeId: wholeOf(object['pad_type_id'] ?? 0, `${FILE}: padding.pad_type_id`),
    side: readSide(object['direction'], 'padding'),
  };
}

function readSide(value: Json | undefined, part: string): Side {
  if (isAbsent(value) || value === 'Right') return 'right';
  if (value === 'Left') return 'left';
  throw new FormatError(`${FILE}: ${part}.direction must be Left or Right, not ${JSON.stringify(value)}`);
}
