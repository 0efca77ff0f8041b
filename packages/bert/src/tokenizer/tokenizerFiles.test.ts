import { describe, expect, it } from 'vitest';
import { BertTokenizer, type TokenizerFiles } from './index.ts';

const vocab = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nHello\n##o\nhell\n';
const json = {
  added_tokens: [{ id: 1, content: '[CLS]', special: true }, { id: 2, content: '[SEP]', special: true }],
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: false },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: { type: 'WordPiece', unk_token: '[UNK]', vocab: { '[UNK]': 0, '[CLS]': 1, '[SEP]': 2, Hello: 3, hello: 4 } },
};
const without = (key: string): object => ({ ...json, [key]: undefined });

describe('BertTokenizer.fromFiles', () => {
  it('lets tokenizer_config.json outrank tokenizer.json where it speaks', () => {
    const ids = (config?: object): readonly number[] =>
      BertTokenizer.fromFiles({ 'tokenizer.json': json, ...(config === undefined ? {} : { 'tokenizer_config.json': config }) }).encode('Hello').inputIds;
    expect(ids()).toEqual([1, 3, 2]);
    expect(ids({})).toEqual([1, 3, 2]);
    expect(ids({ do_lower_case: true })).toEqual([1, 4, 2]);
  });

  it('reads CRLF, a byte order mark, and a last line without end', () => {
    const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': `\ufeff${vocab.replaceAll('\n', '\r\n')}more` });
    expect([tokenizer.vocabSize, tokenizer.tokenToId('more'), tokenizer.padTokenId]).toEqual([10, 9, 0]);
  });

  it('frames MPNet with doubled </s>, and its <mask> takes the space before it', () => {
    const mpnet = BertTokenizer.fromFiles({
      'vocab.txt': '<s>\n<pad>\n</s>\n[UNK]\n<mask>\na\n',
      'tokenizer_config.json': { tokenizer_class: 'MPNetTokenizer', model_max_length: 512 },
    });
    expect(mpnet.encode('a <mask>', { pair: 'a' }).inputIds).toEqual([0, 5, 4, 2, 2, 5, 2]);
    expect(mpnet.encode('a <mask>').offsets[2]).toEqual([1, 8]);
    expect([mpnet.modelMaxLength, mpnet.maskTokenId, mpnet.padTokenId]).toEqual([512, 4, 1]);
  });

  it('sets the type ids of overflows with RobertaProcessing, while special tokens are added', () => {
    const roberta = BertTokenizer.fromFiles({ 'tokenizer.json': { ...json, post_processor: { ...json.post_processor, type: 'RobertaProcessing' } } });
    const types = (addSpecialTokens: boolean): unknown => {
      const options = { pair: 'hello hello', truncation: 'only_second', maxLength: addSpecialTokens ? 6 : 2, addSpecialTokens } as const;
      return roberta.encode('hello', options).overflowing.map(({ tokenTypeIds }) => tokenTypeIds);
    };
    expect([types(true), types(false)]).toEqual([[[0, 0, 0, 0, 0, 0]], [[0, 1]]]);
  });

  it('gives special tokens that the vocabulary lacks the next free id', () => {
    const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': vocab, 'tokenizer_config.json': JSON.stringify({ additional_special_tokens: ['<e1>', { content: '<e2>' }], model_max_length: 1e30 }) });
    expect(tokenizer.encodeIds('hello<e2><e1>')).toEqual([5, 10, 9]);
    expect(tokenizer.modelMaxLength).toBe(Number.POSITIVE_INFINITY);
  });

  it('saves what it reads back', () => {
    for (const files of [{ 'tokenizer.json': json }, { 'vocab.txt': vocab, 'tokenizer_config.json': { do_lower_case: false, model_max_length: 99, padding_side: 'left' } }] as TokenizerFiles[]) {
      const tokenizer = BertTokenizer.fromFiles(files);
      const again = BertTokenizer.fromFiles(tokenizer.toFiles());
      expect(again.toFiles()).toEqual(tokenizer.toFiles());
      expect(again.encode('Hello hello', { pair: 'x' })).toEqual(tokenizer.encode('Hello hello', { pair: 'x' }));
      expect(again.modelMaxLength).toBe(tokenizer.modelMaxLength);
    }
  });

  const refused: [string, TokenizerFiles, string][] = [
    ['nothing', {}, 'neither tokenizer.json nor vocab.txt was given'],
    ['an empty vocabulary', { 'vocab.txt': '' }, 'vocab.txt: the file is empty'],
    ['a vocabulary without [CLS]', { 'vocab.txt': '[UNK]\na\n' }, 'vocab.txt: the classifier token [CLS] is not in it'],
    ['no unknown token', { 'vocab.txt': '[CLS]\n[SEP]\n' }, 'the unknown token "[UNK]" is not in the vocabulary'],
    ['half a file', { 'tokenizer.json': JSON.stringify(json).slice(0, 99) }, 'tokenizer.json: not valid JSON'],
    ['no model', { 'tokenizer.json': without('model') }, 'tokenizer.json: model must be an object, not missing'],
    ['another model', { 'tokenizer.json': { ...json, model: { type: 'BPE' } } }, 'tokenizer.json: model "BPE" is not one of BERT\'s'],
    ['another normaliser', { 'tokenizer.json': { ...json, normalizer: { type: 'NFKC' } } }, 'normalizer "NFKC" is not one of BERT\'s'],
    ['another pre-tokenizer', { 'tokenizer.json': { ...json, pre_tokenizer: { type: 'ByteLevel' } } }, 'pre_tokenizer "ByteLevel"'],
    ['another post-processor', { 'tokenizer.json': { ...json, post_processor: { type: 'ByteLevel' } } }, 'post_processor "ByteLevel"'],
    ['another decoder', { 'tokenizer.json': { ...json, decoder: { type: 'BPEDecoder' } } }, 'decoder "BPEDecoder"'],
    ['two tokens with one id', { 'tokenizer.json': { ...json, model: { ...json.model, vocab: { '[UNK]': 0, a: 1, b: 1 } } } }, '"a" and "b" both have id 1'],
    ['an id that is no id', { 'tokenizer.json': { ...json, model: { ...json.model, vocab: { '[UNK]': -1 } } } }, '"[UNK]" has -1'],
    ['an id beyond reason', { 'tokenizer.json': { ...json, model: { ...json.model, vocab: { '[UNK]': 1e9 } } } }, '"[UNK]" has 1000000000'],
    ['another class', { 'vocab.txt': vocab, 'tokenizer_config.json': { tokenizer_class: 'RobertaTokenizerFast' } }, 'tokenizer_class "RobertaTokenizerFast" is not WordPiece'],
    ['a wrong type', { 'vocab.txt': vocab, 'tokenizer_config.json': { do_lower_case: 'yes' } }, 'tokenizer_config.json: do_lower_case must be true or false, not "yes"'],
    ['a wrong side', { 'vocab.txt': vocab, 'tokenizer_config.json': { padding_side: 'up' } }, 'padding_side must be left or right, not "up"'],
    ['a template of an unknown token', { 'tokenizer.json': { ...json, post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: 'X', type_id: 0 } }], pair: [], special_tokens: {} } } }, 'post_processor.special_tokens: "X" must be an object, not missing'],
  ];
  it.each(refused)('refuses %s', (_, files, message) => {
    expect(() => BertTokenizer.fromFiles(files)).toThrow(message);
  });
});
