import { AdamW, crossEntropy, DataLoader, Embedding, Linear, Module, TransformerEncoderLayer, Trainer } from '@strided/nn';
import { configure, engineInfo, manualSeed, ready, tensor, type Tensor } from '@strided/tensor';
import { afterAll, expect, it } from 'vitest';

/** Wide enough that threads share its products. */
class Wide extends Module {
  readonly embedding = new Embedding(50, 256);
  readonly layer = new TransformerEncoderLayer(256, 4, { feedForwardWidth: 512 });
  readonly output = new Linear(256, 50);

  forward(ids: Tensor): Tensor {
    return this.output.forward(this.layer.forward(this.embedding.forward(ids), { causal: true }));
  }
}

async function train(threads: number) {
  configure({ threads });
  await ready();
  manualSeed(5);
  const model = new Wide();
  const data = new DataLoader(Array.from({ length: 64 }, (_, i) => Array.from({ length: 33 }, (__, j) => (i * j + 7 * i) % 50)), {
    batchSize: 16, collate: (rows) => tensor(rows.map((row) => [...row]), { dtype: 'int32' }),
  });
  const before = engineInfo().workerParts;
  const { curve } = await new Trainer({
    model, data, optimizer: new AdamW(model.parameters()), clipNorm: 1, steps: 3,
    step: (ids) => ({ loss: crossEntropy(model.forward(ids.narrow(1, 0, 32)).reshape([-1, 50]), ids.narrow(1, 1, 32).reshape([-1])) }),
  }).run();
  return { shared: engineInfo().workerParts > before, loss: curve.loss, norm: curve.gradientNorm, weights: Array.from(model.parameters(), (weight) => weight.toTypedArray()) };
}

afterAll(() => configure({ threads: 'auto' }));

it('training has the same losses and weights at one, two and three threads, bit for bit', async () => {
  const { shared, ...one } = await train(1);
  expect(shared).toBe(false);
  for (const threads of [2, 3]) {
    const { shared: split, ...more } = await train(threads);
    // On a host without shared memory there is nothing to split among.
    if (engineInfo().memory === 'shared') expect(split).toBe(true);
    expect(more).toEqual(one);
  }
});
