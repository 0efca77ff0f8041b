import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeedBertForPreTraining } from '@strided/bert';
import { AdamW, nllLoss } from '@strided/nn';
import { add, loadSafetensors, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { beforeEach, describe, expect, it } from 'vitest';

/** The seed's own PyTorch code is the oracle: see generate_seed.py for how its numbers were made. */
const folder = join(import.meta.dirname, 'cases/seed.pretrain');
const { atol, rtol } = JSON.parse(await readFile(join(folder, 'case.json'), 'utf8')) as { atol: number; rtol: number };
const golden = await loadSafetensors(join(folder, 'case.safetensors'));

function of(name: string): Tensor {
  const tensor = golden.get(name);
  if (tensor === undefined) throw new Error(`the golden case has no ${name}`);
  return tensor;
}

/** Softmax cancels what a key's bias adds to every score: its true gradient is 0. */
const isKeyBias = (key: string) => key.endsWith('attention.linear_layers.1.bias');

let model: SeedBertForPreTraining;
beforeEach(async () => {
  model = (await SeedBertForPreTraining.fromPretrained(folder)).train();
});

const inputs = { inputIds: of('in.x'), segmentLabels: of('in.segment_label') };

function losses() {
  const output = model.forward(inputs);
  const vocabulary = output.maskedLm.shape[2];
  const nsp = nllLoss(output.nextSentence, of('in.is_next'));
  const mlm = nllLoss(output.maskedLm.reshape([-1, vocabulary]), of('in.bert_label').flatten(), { ignoreIndex: 0 });
  return { output, nsp, mlm, total: add(nsp, mlm) };
}

describe(`seed.pretrain equals PyTorch within ${atol} + ${rtol}·|expected|`, () => {
  it('in the encoder output, both heads and both losses', () => {
    const { output, nsp, mlm } = losses();
    expectClose(output.lastHiddenState, of('out.encoder'), { atol, rtol });
    expectClose(output.nextSentence, of('out.nsp'), { atol, rtol });
    expectClose(output.maskedLm, of('out.mlm'), { atol, rtol });
    expectClose(nsp, of('out.nsp_loss'), { atol, rtol });
    expectClose(mlm, of('out.mlm_loss'), { atol, rtol });
  });

  it('with attention weights asked for, which takes the other path through attention', () => {
    const { lastHiddenState, attentions } = model.forward({ ...inputs, outputAttentions: true });
    expectClose(lastHiddenState, of('out.encoder'), { atol, rtol });
    expect(attentions?.map((map) => map.shape)).toEqual([[4, 4, 10, 10], [4, 4, 10, 10]]);
  });

  it('in every gradient', () => {
    losses().total.backward();
    const gradients = new Map([...model.parametersByKey()].map(([key, parameter]) => [`grad.${key}`, parameter.grad]));
    expect([...gradients.keys()].sort()).toEqual([...golden.keys()].filter((key) => key.startsWith('grad.')).sort());
    for (const [key, gradient] of gradients) expectClose(gradient as Tensor, of(key), { atol, rtol });
  });

  it('in the loss over ten AdamW steps and the weights after them', () => {
    const before = new Map([...model.parametersByKey()].map(([key, parameter]) => [key, parameter.toTypedArray()]));
    const optimizer = new AdamW(model.parameters(), { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 });
    const curve = Array.from({ length: 10 }, () => {
      optimizer.zeroGrad();
      const { total } = losses();
      total.backward();
      optimizer.step();
      return total.item() as number;
    });
    expectClose(curve, of('out.losses'), { atol, rtol });
    for (const [key, parameter] of model.parametersByKey()) {
      if (isKeyBias(key)) {
        parameter.toTypedArray().forEach((value, i) => expect(Math.abs(value - (before.get(key)?.[i] ?? NaN))).toBeLessThan(1.1e-2));
      } else {
        expectClose(parameter, of(`after.${key}`), { atol, rtol });
      }
    }
  });
});

it('saves model.safetensors under the same names with the same values', async () => {
  const target = await mkdtemp(join(tmpdir(), 'strided-seed-'));
  await model.savePretrained(target);
  const [saved, original] = await Promise.all([target, folder].map((place) => loadSafetensors(join(place, 'model.safetensors'))));
  expect([...saved.keys()].sort()).toEqual([...original.keys()].sort());
  for (const [key, tensor] of saved) expect(tensor.toTypedArray()).toEqual(original.get(key)?.toTypedArray());
  expect(JSON.parse(await readFile(join(target, 'config.json'), 'utf8'))).toEqual(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
});

it('computes its own positions equal to those of the file', async () => {
  const fresh = new SeedBertForPreTraining({ vocabSize: 41, hidden: 16, layers: 2, heads: 4, dropout: 0 });
  expectClose(fresh.bert.embedding.position, model.bert.embedding.position, { atol: 1e-6, rtol: 0 });
});
