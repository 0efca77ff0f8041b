import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { arange, crossEntropy, loadSafetensors, noGrad, type Tensor } from '@strided/tensor';
import { SentenceTransformer, type BertModel } from '@strided/bert';

/** A trained model as published, with what sentence-transformers makes of it: 91 MB that are not committed. */
const real = resolve(import.meta.dirname, '../../../shared/real');
const present = existsSync(join(real, 'all-MiniLM-L6-v2/model.safetensors'));

const largestError = (actual: Tensor, expected: Tensor): number => {
  expect(actual.shape).toEqual(expected.shape);
  return actual.sub(expected).abs().max().item() as number;
};

describe.skipIf(!present)(`all-MiniLM-L6-v2 ${present ? 'equals sentence-transformers' : `is not at ${real}: its tests did not run`}`, () => {
  const { sentences, ids } = present ? (JSON.parse(readFileSync(join(real, 'sentences.json'), 'utf8')) as { sentences: string[]; ids: number[][] }) : { sentences: [], ids: [] };
  let model: SentenceTransformer;
  let expected: Map<string, Tensor>;
  const golden = (name: string): Tensor => expected.get(name) as Tensor;

  beforeAll(async () => {
    model = await SentenceTransformer.fromPretrained(join(real, 'all-MiniLM-L6-v2'));
    expected = await loadSafetensors(join(real, 'embeddings.safetensors'));
    for (const [name, tensor] of await loadSafetensors(join(real, 'contrastive.safetensors'))) expected.set(name, tensor);
  });

  it('in every token id, cut at 256', () => {
    expect(model.maxSeqLength).toBe(256);
    expect(sentences.map((text) => (model.tokenize([text]).inputIds.toArray() as number[][])[0])).toEqual(ids);
  });

  it('in embeddings within 10⁻⁵', () => {
    // Few long texts among short ones: small batches pad little.
    expect(largestError(model.encode(sentences, { batchSize: 8 }), golden('embeddings'))).toBeLessThan(1e-5);
  }, 300_000);

  it('in every hidden state within 10⁻⁴', () => {
    const { inputIds, attentionMask } = model.tokenize([sentences[0]]);
    const { hiddenStates, poolerOutput } = noGrad(() => (model.encoder as BertModel).forward({ inputIds, attentionMask, outputHiddenStates: true }));
    expect(hiddenStates).toHaveLength(7);
    expect(largestError((poolerOutput as Tensor).squeeze(0), golden('pooler_output'))).toBeLessThan(1e-4);
    hiddenStates?.forEach((state, i) => expect(largestError(state.squeeze(0), golden(`hidden.${i}`))).toBeLessThan(1e-4));
  });

  it('in the contrastive loss within 10⁻⁵ and its gradients within 10⁻⁴ of each tensor\'s largest', () => {
    const embed = (from: number): Tensor => model.forward(model.tokenize(sentences.slice(from, from + 8)));
    const scores = embed(0).mul(20).matmul(embed(8).transpose());
    const loss = crossEntropy(scores, arange(0, 8, 1, { dtype: 'int32' }));
    loss.backward();
    expect(Math.abs((loss.item() as number) - (golden('loss').item() as number))).toBeLessThan(1e-5);
    const parameters = new Map((model.encoder as BertModel).parametersByKey());
    let compared = 0;
    for (const [name, { grad }] of parameters) {
      const [whole, norm] = [expected.get(`grad.${name}`), expected.get(`grad_norm.${name}`)];
      if (whole === undefined && norm === undefined) continue;
      compared++;
      const largest = whole?.abs().max().item() as number;
      // The true gradient of a key's bias is zero: softmax does not see what it adds to every score.
      if (name.endsWith('key.bias')) expect(grad?.abs().max().item(), name).toBeLessThan(1e-6);
      else if (whole !== undefined) expect(largestError(grad as Tensor, whole) / largest, name).toBeLessThan(1e-4);
      else expect(Math.abs(((grad as Tensor).norm().item() as number) / ((norm as Tensor).item() as number) - 1), name).toBeLessThan(1e-4);
    }
    expect(compared).toBe([...expected.keys()].filter((key) => /^grad(_norm)?\./.test(key)).length);
    const words = parameters.get('embeddings.word_embeddings.weight')?.grad as Tensor;
    const rows = words.indexSelect(0, golden('grad_rows'));
    expect(largestError(rows, golden('grad_words')) / (golden('grad_words').abs().max().item() as number)).toBeLessThan(1e-4);
  });
});
