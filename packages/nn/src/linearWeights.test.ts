import { engineInfo, linear, manualSeed, noGrad, randn, tensor } from '@strided/tensor';
import { expect, it } from 'vitest';
import { Embedding } from './embedding.ts';
import { Linear } from './linear.ts';
import { linearWeights, persistWeights } from './linearWeights.ts';
import { Module } from './module.ts';
import type { Parameter } from './parameter.ts';

class Tied extends Module {
  readonly embedding = new Embedding(500, 96);
  readonly inner = new Linear(96, 96);
  readonly shared = new Linear(96, 96);
  readonly other: Parameter = this.shared.weight;
  readonly decoder = new Linear(96, 500);

  constructor() {
    super();
    (this.decoder as { weight: Parameter }).weight = this.embedding.weight;
  }
}

it('are those of Linear layers, embeddings that are tied to one among them, and none that another layer reads', () => {
  const model = new Tied();
  expect(linearWeights(model)).toEqual(new Set([model.inner.weight, model.decoder.weight]));
  expect(linearWeights(new Embedding(5, 4)).size).toBe(0);
});

it('a table that is tied to a decoder is kept packed, and embeds and decodes the same', () => {
  manualSeed(3);
  const model = new Tied();
  const table = model.embedding.weight.detach().clone();
  const [ids, hidden] = [tensor([[0, 499, 17], [3, 17, 250]], { dtype: 'int32' }), randn([40, 96])];
  noGrad(() => {
    persistWeights(model);
    const isFolded = engineInfo().level !== 'js';
    expect(model.embedding.weight.storage.isFolded).toBe(isFolded);
    expect(model.embedding.forward(ids).toArray()).toEqual(table.indexSelect(0, ids.flatten()).reshape([2, 3, 96]).toArray());
    expect(linear(hidden, model.decoder.weight).toTypedArray()).toEqual(linear(hidden, table).toTypedArray());
    expect(model.embedding.weight.storage.isFolded).toBe(isFolded);
  });
});
