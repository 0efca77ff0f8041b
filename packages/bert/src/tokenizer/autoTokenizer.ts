import type { ModelSource } from '../modelFiles/modelFiles.ts';
import { BertTokenizer } from './bertTokenizer.ts';
import { FormatError } from './errors.ts';
import { isAbsent, type JsonObject, objectOf, parseJson, stringOf } from './json.ts';
import { readPretrainedTokenizer, type PretrainedTokenizerFiles, type PretrainedTokenizerOptions } from './pretrained.ts';

/** Model types whose tokenizer is WordPiece, with the class that transformers gives them. */
const WORD_PIECE: Readonly<Record<string, string>> = {
  bert: 'BertTokenizer', 'megatron-bert': 'BertTokenizer', ernie: 'BertTokenizer', nomic_bert: 'BertTokenizer',
  distilbert: 'DistilBertTokenizer', electra: 'ElectraTokenizer', mpnet: 'MPNetTokenizer', mobilebert: 'MobileBertTokenizer',
  convbert: 'ConvBertTokenizer', funnel: 'FunnelTokenizer', layoutlm: 'LayoutLMTokenizer', lxmert: 'LxmertTokenizer', squeezebert: 'SqueezeBertTokenizer',
};

/** What the tokenizers of other kinds are, to say more than "unknown". */
const OTHERS: Readonly<Record<string, string>> = {
  Roberta: 'byte-level BPE', Deberta: 'byte-level BPE', ModernBert: 'byte-level BPE', GPT2: 'byte-level BPE', EuroBert: 'byte-level BPE', BPE: 'BPE',
  XLMRoberta: 'Unigram', Camembert: 'Unigram', Albert: 'Unigram', DebertaV2: 'Unigram', T5: 'Unigram', Unigram: 'Unigram',
  RoFormer: 'WordPiece after Chinese word segmentation', WordLevel: 'whole words',
};
const OTHER_TYPES: Readonly<Record<string, string>> = {
  roberta: 'Roberta', 'roberta-prelayernorm': 'Roberta', 'xlm-roberta': 'XLMRoberta', camembert: 'Camembert', albert: 'Albert', deberta: 'Deberta',
  'deberta-v2': 'DebertaV2', modernbert: 'ModernBert', eurobert: 'EuroBert', roformer: 'RoFormer',
};

/** Classes that say nothing of the kind: tokenizer.json does. */
const GENERIC = new Set(['PreTrainedTokenizer', 'PreTrainedTokenizerFast', 'TokenizersBackend']);

/**
 * Picks a model's tokenizer by its files: {@link BertTokenizer} for BERT, DistilBERT, ELECTRA, MPNet and their like.
 *
 * @example
 * const tokenizer = await AutoTokenizer.fromPretrained('sentence-transformers/all-MiniLM-L6-v2');
 * tokenizer.encode('Hello, world!').tokens;    // ['[CLS]', 'hello', ',', 'world', '!', '[SEP]']
 */
export const AutoTokenizer = {
  /**
   * From a folder, hub id, base URL or record of files.
   *
   * @throws FormatError naming the kind where it is not supported, or the file that is damaged
   */
  async fromPretrained(source: ModelSource, options: PretrainedTokenizerOptions = {}): Promise<BertTokenizer> {
    return AutoTokenizer.fromFiles(await readPretrainedTokenizer(source, options));
  },

  /** From the contents of the tokenizer's files and, where tokenizer_config.json names no class, config.json. */
  fromFiles(files: PretrainedTokenizerFiles): BertTokenizer {
    const config = optionalObject(files, 'tokenizer_config.json');
    const tokenizerClass = namedClass(config, 'tokenizer_config.json') ?? classOfModel(optionalObject(files, 'config.json')) ?? 'BertTokenizer';
    const kind = GENERIC.has(tokenizerClass) ? null : tokenizerClass.replace(/Tokenizer(Fast)?$/, '');
    const type = modelKind(files['tokenizer.json']);
    if (kind !== null && Object.hasOwn(OTHERS, kind)) refuse(tokenizerClass, OTHERS[kind]);
    if (type !== null && type !== 'WordPiece') refuse(`tokenizer.json's model ${type}`, OTHERS[type] ?? 'another kind');
    return BertTokenizer.fromFiles({ ...files, 'tokenizer_config.json': { ...config, tokenizer_class: kind === null ? 'PreTrainedTokenizerFast' : tokenizerClass } });
  },
} as const;

function refuse(name: string, kind: string): never {
  throw new FormatError(`AutoTokenizer: ${name} is ${kind}, which is not supported; the tokenizers of BERT, DistilBERT, ELECTRA and MPNet (WordPiece) are`);
}

function optionalObject(files: PretrainedTokenizerFiles, name: 'tokenizer_config.json' | 'config.json'): JsonObject {
  return files[name] === undefined ? {} : objectOf(parseJson(files[name], name), name);
}

function namedClass(config: JsonObject, name: string): string | null {
  return isAbsent(config['tokenizer_class']) ? null : stringOf(config['tokenizer_class'], `${name}: tokenizer_class`);
}

function classOfModel(config: JsonObject): string | null {
  const named = namedClass(config, 'config.json');
  if (named !== null || isAbsent(config['model_type'])) return named;
  const type = stringOf(config['model_type'], 'config.json: model_type');
  if (Object.hasOwn(WORD_PIECE, type)) return WORD_PIECE[type];
  if (Object.hasOwn(OTHER_TYPES, type)) refuse(`the tokenizer of model type ${type}`, OTHERS[OTHER_TYPES[type]]);
  return null;
}

/** The model's type in a tokenizer.json; old files leave WordPiece out. */
function modelKind(content: unknown): string | null {
  if (content === undefined) return null;
  const { type } = objectOf(objectOf(parseJson(content, 'tokenizer.json'), 'tokenizer.json')['model'], 'tokenizer.json: model');
  return isAbsent(type) ? null : stringOf(type, 'tokenizer.json: model.type');
}
