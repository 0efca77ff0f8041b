import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zoo from '@strided/bert';
import { loadSafetensors, openSafetensors, stack, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { describe, expect, it } from 'vitest';

/** Generated texts against those of transformers: the tokens of greedy runs, and the scores that they were chosen by. */

const root = join(import.meta.dirname, 'generation');
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const part = (tensors: ReadonlyMap<string, Tensor>, prefix: string): Record<string, Tensor> =>
  Object.fromEntries([...tensors].filter(([key]) => key.startsWith(prefix)).map(([key, tensor]) => [camel(key.slice(prefix.length)), tensor]));

interface Runs {
  readonly model_class: string;
  readonly calls: readonly { readonly settings: zoo.GenerationSettings; readonly sequences: readonly (readonly number[])[] }[];
}

const classes = zoo as unknown as Record<string, { fromPretrained(folder: string): Promise<zoo.ForCausalLM> }>;
const decoders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'pairs').map(({ name }) => name);

describe.each(decoders)('%s', async (name) => {
  const folder = join(root, name);
  const { model_class: model, calls } = JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8')) as Runs;
  const tensors = await loadSafetensors(join(folder, 'runs.safetensors'));
  const decoder = await classes[model].fromPretrained(folder);

  it.each(calls.map((call, i) => [i, JSON.stringify(call.settings)] as const))('writes what transformers writes: %i %s', (i) => {
    const { settings, sequences } = calls[i];
    const inputs = { ...part(tensors, `${i}.in.`), ...settings };
    const output = decoder.generate({ ...inputs, returnDictInGenerate: true, outputScores: true });
    expect(output.sequences.toArray()).toEqual(sequences);
    const [scores, wanted] = [stack([...output.scores ?? []]), tensors.get(`${i}.scores`) as Tensor];
    const ends = [settings.eosTokenId ?? []].flat();
    sequences.forEach((row, r) => {
      // Nothing is chosen any more where a row has come to its end.
      const steps = row.slice(5).findIndex((id) => ends.includes(id)) + 1 || scores.shape[0];
      expectClose(scores.select(1, r).narrow(0, 0, steps), wanted.select(1, r).narrow(0, 0, steps), { rtol: 1e-4, atol: 2e-5 });
    });
    expect(scores.shape).toEqual(wanted.shape);
    expect(decoder.generate({ ...inputs, useCache: false }).toArray()).toEqual(sequences);
    const { attentionMask: _, ...unmasked } = inputs as Record<string, unknown>;
    expect(decoder.generate(unmasked).toArray(), 'padding found by its id').toEqual(sequences);
  });
});

describe.each(readdirSync(join(root, 'pairs')))('%s', async (name) => {
  const folder = join(root, 'pairs', name);
  const { calls } = JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8')) as Runs;
  const tensors = await loadSafetensors(join(folder, 'runs.safetensors'));
  const pair = await zoo.EncoderDecoderModel.fromPretrained(folder);

  it('computes what transformers computes: outputs, loss and every gradient', () => {
    const inputs = part(tensors, 'in.');
    const fused = pair.forward(inputs);
    const full = pair.forward({ ...inputs, outputHiddenStates: true, outputAttentions: true });
    const seen = inputs['attentionMask'];
    for (const [key, expected] of Object.entries(part(tensors, 'out.'))) {
      const [field, index] = key.split('.');
      const value = full[field as keyof zoo.EncoderDecoderOutput];
      const actual = (index === undefined ? value : (value as readonly Tensor[])[Number(index)]) as Tensor;
      // What the encoder makes of padding is nobody's concern.
      const atTokens = (x: Tensor): Tensor => (field.startsWith('encoder') ? x.mul(seen.unsqueeze(-1)) : x);
      expectClose(atTokens(actual), atTokens(expected), { rtol: 1e-4, atol: 2e-5 });
    }
    expectClose(fused.logits, tensors.get('out.logits') as Tensor, { rtol: 1e-4, atol: 2e-5 });
    pair.zeroGrad();
    fused.loss?.backward();
    const own = pair.gradientsByKey();
    const wanted = [...tensors].filter(([key]) => key.startsWith('grad.')).map(([key, gradient]) => [key.slice(5), gradient] as const);
    expect(wanted.length).toBeGreaterThan(50);
    for (const [key, gradient] of wanted) expectClose(own.get(key) ?? gradient.mul(NaN), gradient, { rtol: 1e-3, atol: 2e-5 });
  });

  it.each(calls.map((call, i) => [i, JSON.stringify(call.settings)] as const))('writes what transformers writes: %i %s', (i) => {
    const { settings, sequences } = calls[i];
    const inputs = { ...part(tensors, `${i}.in.`), ...settings };
    const output = pair.generate({ ...inputs, returnDictInGenerate: true, outputScores: true });
    expect(output.sequences.toArray()).toEqual(sequences);
    expectClose(stack([...output.scores ?? []]).narrow(0, 0, 1), (tensors.get(`${i}.scores`) as Tensor).narrow(0, 0, 1), { rtol: 1e-4, atol: 2e-5 });
    expect(pair.generate({ ...inputs, useCache: false }).toArray()).toEqual(sequences);
  });
});

describe('logits processors', async () => {
  const tensors = await loadSafetensors(join(root, 'filters.safetensors'));
  const reader = await openSafetensors(join(root, 'filters.safetensors'));
  const all = JSON.parse(reader.metadata.get('settings') ?? '') as zoo.GenerationSettings[];
  await reader.close();
  const [logits, tokens] = [tensors.get('logits') as Tensor, tensors.get('tokens') as Tensor];

  /** A decoder whose next token has the scores that we say. */
  class Fixed extends zoo.BertLMHeadModel {
    override forward(inputs: zoo.CausalInputs): zoo.CausalOutput {
      return { ...super.forward(inputs), logits: logits.unsqueeze(1) };
    }
  }
  const decoder = new Fixed({ vocabSize: 60, hiddenSize: 4, numHiddenLayers: 1, numAttentionHeads: 1, intermediateSize: 4, maxPositionEmbeddings: 16, isDecoder: true }).eval();

  it.each(all.map((settings, i) => [JSON.stringify(settings), i] as const))('%s filters as transformers does', (_, i) => {
    const { scores } = decoder.generate({ topK: 0, ...all[i], inputIds: tokens, maxNewTokens: 1, doSample: true, seed: 1, padTokenId: 59, returnDictInGenerate: true, outputScores: true });
    expectClose(scores?.[0] as Tensor, tensors.get(`scores.${i}`) as Tensor, { rtol: 1e-6, atol: 1e-6 });
  });
});
