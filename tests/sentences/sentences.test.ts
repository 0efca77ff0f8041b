import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '@strided/tensor';
import { openModelFiles, SentenceTransformer, type FileRecord } from '@strided/bert';
import { readTransformer } from '../../packages/bert/src/pipelines/sentenceTransformer/transformer.ts';

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, unknown>>;
  /** Weights in hexadecimal. */
  readonly bytes: Readonly<Record<string, string>>;
  readonly options: { readonly prompt?: string; readonly prompt_name?: string };
  readonly texts: readonly string[];
  readonly embeddings: readonly (readonly number[])[];
}

const golden = resolve(import.meta.dirname, '../golden/sentences');
const { ids, cases } = JSON.parse(readFileSync(join(golden, 'cases.json'), 'utf8')) as { ids: number[][]; cases: Case[] };
const model = join(golden, 'model');
const base = Object.fromEntries(['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'modules.json', '1_Pooling/config.json'].map((name) => [name, new Uint8Array(readFileSync(join(model, name)))]));
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const [published] = cases;

const load = (files: FileRecord | string): Promise<SentenceTransformer> => SentenceTransformer.fromPretrained(files);
const filesOf = ({ files, bytes }: Pick<Case, 'files' | 'bytes'>): FileRecord => ({
  ...base,
  ...Object.fromEntries(Object.entries(files).map(([name, value]) => [name, json(value)])),
  ...Object.fromEntries(Object.entries(bytes).map(([name, hex]) => [name, new Uint8Array(Buffer.from(hex, 'hex'))])),
});
const withFiles = (files: Readonly<Record<string, unknown>>): Promise<SentenceTransformer> => load(filesOf({ files, bytes: {} }));
const largestError = (actual: Tensor, expected: readonly (readonly number[])[]): number => {
  expect(actual.shape).toEqual([expected.length, expected[0].length]);
  const rows = actual.toArray() as number[][];
  return Math.max(...rows.flatMap((row, i) => row.map((value, j) => Math.abs(value - expected[i][j]))));
};

describe('a small sentence model equals sentence-transformers 6', () => {
  it('in token ids, cut at its length', async () => {
    const small = await load(model);
    expect(small.maxSeqLength).toBe(20);
    expect(published.texts.map((text) => small.tokenize([text]).inputIds.toArray())).toEqual(ids.map((one) => [one]));
  });

  it.each(cases)('in embeddings within 10⁻⁵: $name', async (one) => {
    const { prompt, prompt_name: promptName } = one.options;
    const options = { ...(prompt === undefined ? {} : { prompt }), ...(promptName === undefined ? {} : { promptName }) };
    const small = await load(filesOf(one));
    for (const batchSize of [1, 3, 32]) expect(largestError(small.encode(one.texts, { ...options, batchSize }), one.embeddings)).toBeLessThan(1e-5);
  });
});

describe('the old format', () => {
  const flags = ['cls_token', 'max_tokens', 'mean_tokens', 'mean_sqrt_len_tokens', 'weightedmean_tokens', 'lasttoken'];
  const modes = ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'];
  const old = [{ type: 'sentence_transformers.models.Transformer', path: '' }, { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' }];
  const pooling = (on: readonly string[]): Record<string, unknown> => ({ word_embedding_dimension: 16, ...Object.fromEntries(flags.map((flag) => [`pooling_mode_${flag}`, on.includes(flag)])) });

  it.each(flags.map((flag, i) => [flag, modes[i]]))('pooling_mode_%s is %s', async (flag, mode) => {
    const expected = cases.find(({ name }) => name === mode) as Case;
    const small = await withFiles({ 'modules.json': old, '1_Pooling/config.json': pooling([flag]) });
    expect(largestError(small.encode(expected.texts), expected.embeddings)).toBeLessThan(1e-5);
  });

  it('joins what is switched on in its own order, and takes the mean where nothing is', async () => {
    expect((await withFiles({ 'modules.json': old, '1_Pooling/config.json': pooling(['mean_tokens', 'cls_token']) })).pooling.modes).toEqual(['cls', 'mean']);
    expect((await withFiles({ 'modules.json': old, '1_Pooling/config.json': pooling([]) })).pooling.modes).toEqual(['mean']);
  });

  it('has Dense, Normalize and prompts too, under the names of their old modules', async () => {
    const { files, bytes, texts, embeddings } = cases.find(({ name }) => name === 'dense') as Case;
    const types = ['Transformer', 'Pooling', 'Dense', 'Dense', 'Normalize'];
    const modules = (files['modules.json'] as { readonly path: string }[]).map(({ path }, i) => ({ idx: i, name: String(i), path, type: `sentence_transformers.models.${types[i]}` }));
    const dense = await load(filesOf({ files: { ...files, 'modules.json': modules, '1_Pooling/config.json': pooling(['mean_tokens']) }, bytes }));
    expect(largestError(dense.encode(texts), embeddings)).toBeLessThan(1e-5);
    const prompted = cases.find(({ name }) => name === 'prompt by name') as Case;
    const small = await withFiles({ 'modules.json': old, '1_Pooling/config.json': pooling(['mean_tokens']), 'config_sentence_transformers.json': { __version__: { sentence_transformers: '2.4.0' }, prompts: { query: 'query: ' }, default_prompt_name: 'query' } });
    expect(largestError(small.encode(prompted.texts), prompted.embeddings)).toBeLessThan(1e-5);
  });

  it('may have the encoder in a folder of its own', async () => {
    const { 'modules.json': _list, '1_Pooling/config.json': _pooling, ...encoder } = base;
    const within = Object.fromEntries(Object.entries(encoder).map(([name, content]) => [`0_Transformer/${name}`, content]));
    const list = [{ idx: 0, name: '0', path: '0_Transformer', type: 'sentence_transformers.models.Transformer' }, old[1], { type: 'sentence_transformers.models.Normalize', path: '2_Normalize' }];
    const small = await load({ ...within, 'modules.json': json(list), '1_Pooling/config.json': json(pooling(['mean_tokens'])), '0_Transformer/sentence_bert_config.json': json({ max_seq_length: 20 }) });
    expect(largestError(small.encode(published.texts), published.embeddings)).toBeLessThan(1e-5);
  });

  it('without modules.json it is the mean', async () => {
    const { 'modules.json': _none, ...rest } = base;
    expect((await load(rest)).pooling.modes).toEqual(['mean']);
  });
});

describe('the length', () => {
  it.each([
    [{ max_seq_length: 8 }, { model_max_length: 12 }, 8],
    [{}, { model_max_length: 12 }, 12],
    [{ max_seq_length: 100 }, { model_max_length: 12 }, 32],
    [{}, { model_max_length: 1e30 }, 32],
    [{}, {}, 32],
  ])('of %j and %j is %i', async (sentence, tokenizer, length) => {
    const small = await withFiles({ 'sentence_bert_config.json': sentence, 'tokenizer_config.json': { tokenizer_class: 'BertTokenizer', ...tokenizer } });
    expect(small.maxSeqLength).toBe(length);
    expect(small.tokenize(['the '.repeat(200)]).inputIds.shape).toEqual([1, length]);
  });

  it.each([['mpnet', 1, 30], ['roberta', 0, 31], ['distilbert', 0, 32]])('leaves out the rows that no text of a %s reaches', async (type, padding, length) => {
    const config = { ...(JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as object), model_type: type, pad_token_id: padding };
    const files = filesOf({ files: { 'config.json': config, 'sentence_bert_config.json': { max_seq_length: 100 } }, bytes: {} });
    expect((await readTransformer(await openModelFiles(files), '')).maxLength).toBe(length);
  });
});

describe('encode', () => {
  it('keeps the order, tells its progress, takes one text or none', async () => {
    const small = await load(model);
    const seen: unknown[] = [];
    const all = small.encode(published.texts, { batchSize: 3, progress: (one) => seen.push(one) });
    expect(seen).toEqual([{ done: 3, total: 8 }, { done: 6, total: 8 }, { done: 8, total: 8 }]);
    expect(small.encode(published.texts[3]).shape).toEqual([16]);
    expect(small.encode([]).shape).toEqual([0, 16]);
    expect(all.requiresGrad).toBe(false);
  });

  it('normalises on request', async () => {
    const small = await withFiles({ ...(cases.find(({ name }) => name === 'max') as Case).files });
    const lengths = small.encode(published.texts, { normalize: true }).norm(-1).toArray() as number[];
    for (const length of lengths) expect(length).toBeCloseTo(1, 6);
  });

  it('leaves training as it was', async () => {
    const small = (await load(model)).train();
    small.encode('peace');
    expect([...small.modules()].every(({ training }) => training)).toBe(true);
    expect((await load(model)).training).toBe(false);
  });

  it('has gradients through forward', async () => {
    const small = await load(model);
    small.forward(small.tokenize(['the state', 'war'])).square().mean().backward();
    expect([...small.parameters()].filter(({ grad }) => grad !== null).length).toBeGreaterThan(30);
  });

  it('lower-cases where the sentence config says so and the tokenizer does not, and keeps accents', async () => {
    const { 'tokenizer.json': _none, ...rest } = base;
    const files = { ...rest, 'vocab.txt': new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nécole\nEcole\n'), 'tokenizer_config.json': json({ do_lower_case: false }), 'sentence_bert_config.json': json({ do_lower_case: true }) };
    expect((await load(files)).tokenize(['École [MASK]']).inputIds.toArray()).toEqual([[2, 5, 4, 3]]);
  });

  it.each([[{ batchSize: 0 }, /batchSize/], [{ promptName: 'none' }, /no prompt "none"; it has/]])('refuses %j', async (options, message) => {
    const small = await load(model);
    expect(() => small.encode(['a'], options)).toThrow(message);
  });
});

describe('what is not supported is refused by name', () => {
  const modules = (...types: string[]): unknown => types.map((type, i) => ({ idx: i, name: String(i), path: i === 0 ? '' : `${i}_${type.slice(type.lastIndexOf('.') + 1)}`, type }));
  const dense = { in_features: 16, out_features: 4, bias: true, activation_function: 'torch.nn.modules.activation.Tanh' };
  it.each([
    [{ 'modules.json': modules('x.Transformer', 'x.Pooling', 'x.LSTM') }, /modules\.json: the module LSTM is not supported/],
    [{ 'modules.json': modules('x.CLIPModel') }, /the first module CLIPModel is not supported/],
    [{ 'modules.json': modules('x.Transformer', 'x.WordWeights', 'x.Pooling') }, /must be Pooling, not WordWeights/],
    [{ 'modules.json': {} }, /must be a list/],
    [{ '1_Pooling/config.json': { pooling_mode: 'median' } }, /1_Pooling\/config\.json: pooling_mode "median" is not supported; known are cls/],
    [{ '1_Pooling/config.json': { pooling_mode_span: true } }, /pooling_mode_span is not supported/],
    [{ 'modules.json': [...(modules('x.Transformer', 'x.Pooling') as object[]), { type: 'x.Dense', path: '../d' }] }, /not a file within the model's folder/],
    [{ 'modules.json': modules('x.Transformer', 'x.Pooling', 'x.Dense'), '2_Dense/config.json': { ...dense, activation_function: 'my.Own' } }, /2_Dense\/config\.json: activation_function "my\.Own" is not supported/],
    [{ 'modules.json': modules('x.Transformer', 'x.Pooling', 'x.Dense'), '2_Dense/config.json': { ...dense, in_features: 1e9 } }, /in_features must be a whole number/],
    [{ 'modules.json': modules('x.Transformer', 'x.Pooling', 'x.Dense'), '2_Dense/config.json': dense }, /has no file 2_Dense\/model\.safetensors/],
    [{ 'sentence_bert_config.json': { max_seq_length: -1 } }, /max_seq_length must be a whole number/],
    [{ 'sentence_bert_config.json': { transformer_task: 'fill-mask' } }, /transformer_task "fill-mask" is not supported/],
    [{ 'config_sentence_transformers.json': { prompts: { q: 'q: ' }, default_prompt_name: 'other' } }, /default_prompt_name "other" is none of the prompts q/],
  ])('%#: %j', async (files, message) => {
    await expect(withFiles(files)).rejects.toThrow(message);
  });
});

it('the golden files fit in 100 KB', () => {
  const sizes = readdirSync(golden, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).map((one) => readFileSync(join(one.parentPath, one.name)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
});
