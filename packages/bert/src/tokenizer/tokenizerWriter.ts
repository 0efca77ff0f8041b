import type { TemplatePiece } from './postProcessor.ts';
import type { TokenizerParts } from './tokenizerFiles.ts';

/** Contents of the files that a tokenizer is saved as. */
export interface WrittenTokenizerFiles {
  readonly 'tokenizer.json': string;
  readonly 'tokenizer_config.json': string;
  readonly 'special_tokens_map.json': string;
  /** Missing where a token does not fit on a line of its own, or ids have holes. */
  readonly 'vocab.txt'?: string;
}

/** The files in Hugging Face's form. */
export function writeTokenizerFiles(parts: TokenizerParts): WrittenTokenizerFiles {
  const special: Record<string, string> = {};
  for (const role of ['unk', 'sep', 'pad', 'cls', 'mask'] as const) {
    const token = parts.roles[role];
    if (token !== undefined) special[`${role}_token`] = token.token;
  }
  const files = {
    'tokenizer.json': text(tokenizerJson(parts)),
    'tokenizer_config.json': text({ ...special, ...config(parts) }),
    'special_tokens_map.json': text(special),
  };
  try {
    return { ...files, 'vocab.txt': parts.vocabulary.toText() };
  } catch {
    return files; // tokenizer.json holds such a vocabulary too.
  }
}

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function tokenizerJson(parts: TokenizerParts): object {
  const { normalizer, wordPiece, decoder } = parts;
  const vocab = Object.create(null) as Record<string, number>;
  for (const [token, id] of parts.vocabulary.entries()) vocab[token] = id;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...parts.addedTokens].sort((a, b) => a[0] - b[0]).map(([id, token]) => ({
      id,
      content: token.content,
      single_word: token.singleWord,
      lstrip: token.lstrip,
      rstrip: token.rstrip,
      normalized: token.normalized,
      special: token.special,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: normalizer.cleanText ?? true,
      handle_chinese_chars: normalizer.handleChineseChars ?? true,
      strip_accents: normalizer.stripAccents ?? null,
      lowercase: normalizer.lowercase ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: postProcessor(parts),
    decoder: decoder === null ? null : { type: 'WordPiece', ...decoder },
    model: {
      type: 'WordPiece',
      unk_token: wordPiece.unkToken ?? '[UNK]',
      continuing_subword_prefix: wordPiece.continuingSubwordPrefix ?? '##',
      max_input_chars_per_word: wordPiece.maxInputCharsPerWord ?? 100,
      vocab,
    },
  };
}

function postProcessor(parts: TokenizerParts): object {
  const { single, pair, overflowTypes, trimOffsets, addPrefixSpace } = parts.postProcessor;
  // Only RobertaProcessing reaches overflows, and it is nothing but two tokens: the ends of its template.
  const [first, , last] = single;
  if (overflowTypes === 'template' && first.kind === 'special' && last.kind === 'special') {
    return {
      type: 'RobertaProcessing',
      sep: [last.tokens[0], last.ids[0]],
      cls: [first.tokens[0], first.ids[0]],
      trim_offsets: trimOffsets,
      add_prefix_space: addPrefixSpace,
    };
  }
  const special: Record<string, object> = {};
  const write = (piece: TemplatePiece): object => {
    if (piece.kind === 'sequence') return { Sequence: { id: piece.sequence === 0 ? 'A' : 'B', type_id: piece.typeId } };
    const id = piece.tokens.join(' ');
    special[id] = { id, ids: piece.ids, tokens: piece.tokens };
    return { SpecialToken: { id, type_id: piece.typeId } };
  };
  return { type: 'TemplateProcessing', single: single.map(write), pair: pair.map(write), special_tokens: special };
}

function config(parts: TokenizerParts): object {
  const { normalizer } = parts;
  return {
    do_lower_case: normalizer.lowercase ?? true,
    strip_accents: normalizer.stripAccents ?? null,
    tokenize_chinese_chars: normalizer.handleChineseChars ?? true,
    tokenizer_class: parts.tokenizerClass,
    padding_side: parts.paddingSide,
    truncation_side: parts.truncationSide,
    pad_token_type_id: parts.padTypeId,
    ...(parts.cleanUpByDefault ? { clean_up_tokenization_spaces: true } : {}),
    ...(parts.modelMaxLength === Number.POSITIVE_INFINITY ? {} : { model_max_length: parts.modelMaxLength }),
  };
}
