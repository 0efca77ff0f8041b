// What a user of the published packages does first: tensors, a gradient, a model from a folder and back.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BertTokenizer, SeedBertForPreTraining } from '@strided/bert';
import { AdamW, Linear, nllLoss } from '@strided/nn';
import { loadSafetensors, manualSeed, randn, ShapeError, tensor } from '@strided/tensor';

const folder = join(process.env.STRIDED_GOLDEN, 'cases/seed.pretrain');

function assertClose(actual, expected, atol = 2e-5, rtol = 1e-4) {
  assert.deepEqual(actual.shape, expected.shape);
  const [a, b] = [actual.toTypedArray(), expected.toTypedArray()];
  a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) <= atol + rtol * Math.abs(b[i]), `${value} instead of ${b[i]} at ${i}`));
}

test('tensors and one backward pass', () => {
  const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
  x.mul(x).sum().backward();
  assert.deepEqual(x.grad.toArray(), [[2, 4], [6, 8]]);
});

test('classes have their names, which messages say and configurations save', () => {
  assert.deepEqual([tensor(1), new Linear(1, 1), SeedBertForPreTraining.prototype].map((value) => value.constructor.name), ['Tensor', 'Linear', 'SeedBertForPreTraining']);
  assert.throws(() => tensor([1, 2]).matmul(tensor([1])), { name: 'ShapeError', constructor: ShapeError });
});

test('a layer learns', () => {
  manualSeed(1);
  const layer = new Linear(3, 1);
  const optimizer = new AdamW(layer.parameters(), { lr: 0.1 });
  const x = randn([32, 3]);
  const y = x.matmul(tensor([[1], [-2], [3]]));
  const losses = Array.from({ length: 60 }, () => {
    const loss = layer.forward(x).sub(y).square().mean();
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss.item();
  });
  assert.ok(losses[59] < losses[0] / 10, `${losses[0]} became ${losses[59]}`);
});

test('the golden seed model loads, computes, and saves what loads again', async () => {
  const golden = await loadSafetensors(join(folder, 'case.safetensors'));
  const model = await SeedBertForPreTraining.fromPretrained(folder);
  const inputs = { inputIds: golden.get('in.x'), segmentLabels: golden.get('in.segment_label') };
  model.train();
  const { lastHiddenState, nextSentence } = model.forward(inputs);
  assertClose(lastHiddenState, golden.get('out.encoder'));
  assertClose(nllLoss(nextSentence, golden.get('in.is_next')), golden.get('out.nsp_loss'));
  const target = await mkdtemp(join(tmpdir(), 'strided-smoke-'));
  await model.savePretrained(target);
  const again = await SeedBertForPreTraining.fromPretrained(target);
  assertClose(again.bert.forward(inputs).lastHiddenState, lastHiddenState, 0, 0);
});

test('text becomes ids and text again', () => {
  const tokenizer = BertTokenizer.fromFiles({ 'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nworld\n!\n' });
  const { inputIds } = tokenizer.encode('Hello world!');
  assert.deepEqual([...inputIds], [2, 5, 6, 7, 3]);
  assert.equal(tokenizer.decode(inputIds, { skipSpecialTokens: true }), 'hello world!');
});
