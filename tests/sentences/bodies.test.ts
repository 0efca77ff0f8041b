import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { families, SentenceTransformer, type FileRecord } from '@strided/bert';
import { tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { describe, expect, it } from 'vitest';

/** Sentence models whose encoders are of other families than BERT: the weights of tests/golden/cases with a tokenizer of their size. */

interface Bodies {
  readonly texts: readonly string[];
  readonly tokenizers: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly cases: readonly { readonly case: string; readonly tokenizer: string; readonly normalize: boolean; readonly ids: number[][]; readonly embeddings: number[][] }[];
}

const golden = resolve(import.meta.dirname, '../golden');
const { texts, tokenizers, cases } = JSON.parse(readFileSync(join(golden, 'bodies.json'), 'utf8')) as Bodies;
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const modules = ['Transformer', 'Pooling', 'Normalize'].map((kind, i) => ({ idx: i, name: String(i), path: i === 0 ? '' : `${i}_${kind}`, type: `sentence_transformers.models.${kind}` }));

const filesOf = (name: string, tokenizer: string, normalize: boolean): FileRecord => ({
  'config.json': new Uint8Array(readFileSync(join(golden, 'cases', name, 'config.json'))),
  'model.safetensors': new Uint8Array(readFileSync(join(golden, 'cases', name, 'model.safetensors'))),
  ...Object.fromEntries(Object.entries(tokenizers[tokenizer]).map(([file, content]) => [file, json(content)])),
  'modules.json': json(normalize ? modules : modules.slice(0, 2)),
  '1_Pooling/config.json': json({ pooling_mode: 'mean' }),
  'sentence_bert_config.json': json({ max_seq_length: 24 }),
});

describe('sentence models of every family equal sentence-transformers 6', () => {
  it.each(cases)('$case', async ({ case: name, tokenizer, normalize, ids, embeddings }) => {
    const model = await SentenceTransformer.fromPretrained(filesOf(name, tokenizer, normalize));
    expect(texts.map((text) => (model.tokenize([text]).inputIds.toArray() as number[][])[0])).toEqual(ids);
    for (const batchSize of [1, 4, 32]) expectClose(model.encode(texts, { batchSize }), tensor(embeddings), { atol: 1e-5, rtol: 0 });
  });

  it('leave no family out', () => {
    const tried = new Set(cases.map(({ case: name }) => (JSON.parse(readFileSync(join(golden, 'cases', name, 'config.json'), 'utf8')) as { readonly model_type: string }).model_type));
    expect([...families.keys()].filter((type) => !tried.has(type))).toEqual([]);
  });
});

it('names a model type that has no family', async () => {
  const files = { ...filesOf('bert.Model', 'bert', false), 'config.json': json({ model_type: 'gpt2' }) };
  await expect(SentenceTransformer.fromPretrained(files)).rejects.toThrow(/config\.json: model_type "gpt2" is not supported; there are albert, bert, /);
});
