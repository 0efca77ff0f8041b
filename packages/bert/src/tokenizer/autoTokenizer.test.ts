import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AutoTokenizer } from './autoTokenizer.ts';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const bertVocab = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nworld\n##s\n';
const mpnetVocab = '<s>\n<pad>\n</s>\n[UNK]\n<mask>\nhello\nworld\n##s\n';
const bert = { 'vocab.txt': bytes(bertVocab) };
const tokens = async (files: Record<string, Uint8Array>, pair?: string): Promise<readonly string[]> =>
  (await AutoTokenizer.fromPretrained(files)).encode('Hello worlds', pair === undefined ? {} : { pair }).tokens;

describe('AutoTokenizer', () => {
  it.each(['bert', 'distilbert', 'electra', 'nomic_bert', 'ernie', 'megatron-bert', 'something_new'])('reads the vocabulary of a %s by config.json', async (type) => {
    expect(await tokens({ ...bert, 'config.json': bytes({ model_type: type }) })).toEqual(['[CLS]', 'hello', 'world', '##s', '[SEP]']);
  });

  it.each(['BertTokenizer', 'BertTokenizerFast', 'DistilBertTokenizer', 'ElectraTokenizerFast', 'PreTrainedTokenizerFast', 'TokenizersBackend'])('reads that of a %s by tokenizer_config.json', async (name) => {
    const config = bytes({ tokenizer_class: name, cls_token: '[CLS]', sep_token: '[SEP]', unk_token: '[UNK]' });
    expect(await tokens({ ...bert, 'tokenizer_config.json': config, 'config.json': bytes({ model_type: 'roberta' }) })).toEqual(['[CLS]', 'hello', 'world', '##s', '[SEP]']);
  });

  it.each([{ 'config.json': bytes({ model_type: 'mpnet' }) }, { 'tokenizer_config.json': bytes({ tokenizer_class: 'MPNetTokenizer' }) }])('puts <s> and </s> around MPNet\'s texts', async (config) => {
    const files = { 'vocab.txt': bytes(mpnetVocab), ...config };
    expect(await tokens(files)).toEqual(['<s>', 'hello', 'world', '##s', '</s>']);
    expect(await tokens(files, 'world')).toEqual(['<s>', 'hello', 'world', '##s', '</s>', '</s>', 'world', '</s>']);
  });

  it('reads a folder, and the tokenizer that it wrote', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strided-tokenizer-'));
    try {
      const tokenizer = await AutoTokenizer.fromPretrained(bert);
      for (const [name, content] of Object.entries(tokenizer.toFiles())) writeFileSync(join(folder, name), content);
      expect((await AutoTokenizer.fromPretrained(folder)).encode('Hello worlds [MASK]')).toEqual(tokenizer.encode('Hello worlds [MASK]'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [{ 'tokenizer_config.json': { tokenizer_class: 'RobertaTokenizerFast' } }, /RobertaTokenizerFast is byte-level BPE, which is not supported/],
    [{ 'config.json': { model_type: 'xlm-roberta' } }, /model type xlm-roberta is Unigram/],
    [{ 'config.json': { model_type: 'albert' } }, /model type albert is Unigram/],
    [{ 'tokenizer.json': { model: { type: 'BPE' } } }, /tokenizer\.json's model BPE is BPE/],
    [{ 'tokenizer.json': { model: { type: 'Unigram' } }, 'tokenizer_config.json': { tokenizer_class: 'PreTrainedTokenizerFast' } }, /Unigram/],
    [{ 'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizer' } }, /LlamaTokenizer/],
    [{ 'config.json': { model_type: 'bert' } }, /neither tokenizer\.json nor vocab\.txt/],
    [{ 'tokenizer_config.json': [] }, /tokenizer_config\.json must be an object/],
  ])('names what it does not support: %j', async (files, message) => {
    const vocab = 'tokenizer.json' in files || 'config.json' in files && files['config.json']?.model_type === 'bert' ? {} : bert;
    await expect(AutoTokenizer.fromPretrained({ ...vocab, ...Object.fromEntries(Object.entries(files).map(([name, value]) => [name, bytes(value)])) })).rejects.toThrow(message);
  });
});
