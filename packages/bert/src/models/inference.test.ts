import { addLora, AdamW } from '@strided/nn';
import { configure, engineInfo, Generator, noGrad, ready, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { describe, expect, it } from 'vitest';
import { BertForSequenceClassification, BertLMHeadModel, BertModel } from '../families/bert.ts';
import { DebertaV2Model } from '../families/debertaV2.ts';
import { MPNetModel } from '../families/mpnet.ts';
import { initialize } from './initialize.ts';
import type { PretrainedModel } from './pretrained.ts';

const options = { vocabSize: 97, hiddenSize: 48, numHiddenLayers: 2, numAttentionHeads: 4, intermediateSize: 64, maxPositionEmbeddings: 80 } as const;
const generator = new Generator(7);
const tokens = (batch: number, length: number): Tensor => tensor(Array.from({ length: batch }, () => Array.from({ length }, () => 1 + generator.integer(96))), { dtype: 'int32' });

function drawn<T extends PretrainedModel>(model: T): T {
  initialize(model, () => ({ std: 0.2, cutoff: null }));
  return model.eval();
}

describe('a pass that is not recorded', () => {
  it('gives what the recorded one gives, in families with tables of distances at any order of lengths', () => {
    const models = [
      drawn(new BertModel(options)), drawn(new MPNetModel(options)),
      drawn(new DebertaV2Model({ ...options, relativeAttention: true, posAttType: ['c2p', 'p2c'], positionBuckets: 8 })),
    ];
    for (const model of models) {
      for (const length of [9, 40, 3, 40, 17]) {
        const inputIds = tokens(2, length);
        const actual = noGrad(() => model.forward({ inputIds })).lastHiddenState;
        const recorded = model.forward({ inputIds }).lastHiddenState;
        expect(recorded.requiresGrad).toBe(true);
        expectClose(actual, recorded.detach(), { atol: 1e-5 });
      }
    }
  });

  it('takes no more memory however often and at whatever lengths it is run', async () => {
    await ready();
    const model = drawn(new BertModel(options));
    const run = (length: number): void => void noGrad(() => model.forward({ inputIds: tokens(3, length), attentionMask: tensor([[...Array(length)].map((_, i) => Number(i < length - 1)), [...Array(length)].fill(1), [...Array(length)].fill(1)], { dtype: 'int32' }) }));
    run(80);
    const { memoryBytes } = engineInfo();
    for (let i = 0; i < 60; i++) run(2 + generator.integer(78));
    expect(engineInfo().memoryBytes).toBe(memoryBytes);
  });

  it('takes no more memory the deeper the model is: a layer uses again what the one before it used', async () => {
    await ready();
    const model = drawn(new BertModel({ ...options, numHiddenLayers: 40 }));
    const run = (length: number): void => void noGrad(() => model.forward({ inputIds: tokens(16, length) }));
    run(2);
    const { memoryBytes } = engineInfo();
    run(80);
    // A layer makes about 3 MB of tensors here.
    expect(engineInfo().memoryBytes - memoryBytes).toBeLessThan(32e6);
  });

  it('follows training, an adapter, another dtype and a change of kernels', () => {
    const model = drawn(new BertForSequenceClassification({ ...options, numLabels: 3 }));
    const inputIds = tokens(4, 6);
    const same = (atol = 1e-5): void => expectClose(noGrad(() => model.forward({ inputIds })).logits, model.forward({ inputIds }).logits.detach(), { atol });
    same();
    const before = noGrad(() => model.forward({ inputIds })).logits.toArray();
    const optimizer = new AdamW(model.parameters(), { lr: 0.05 });
    for (let step = 0; step < 3; step++) {
      optimizer.zeroGrad();
      model.train().forward({ inputIds, labels: tensor([0, 1, 2, 0], { dtype: 'int32' }) }).loss?.backward();
      optimizer.step();
      model.eval();
      same();
    }
    expect(noGrad(() => model.forward({ inputIds })).logits.toArray()).not.toEqual(before);
    addLora(model, { rank: 2 });
    for (const [name, parameter] of model.namedParameters()) if (name.endsWith('adapter.b')) noGrad(() => parameter.fill(0.1));
    same();
    const { kernels } = engineInfo();
    configure({ kernels: 'js' });
    same();
    configure({ kernels });
    model.to('float64');
    same(1e-12);
  });

  it('leaves a decoder its cache', () => {
    const model = drawn(new BertLMHeadModel({ ...options, isDecoder: true }));
    const text = tokens(2, 12);
    const whole = noGrad(() => model.forward({ inputIds: text, useCache: false })).logits;
    let { pastKeyValues } = noGrad(() => model.forward({ inputIds: text.narrow(1, 0, 5), useCache: true }));
    for (let at = 5; at < 12; at++) {
      const step = noGrad(() => model.forward({ inputIds: text.narrow(1, at, 1), pastKeyValues }));
      pastKeyValues = step.pastKeyValues;
      expectClose(step.logits.select(1, 0), whole.select(1, at), { atol: 1e-5 });
    }
  });

  it('of a decoder without padding between fills the same cache', () => {
    const model = drawn(new BertLMHeadModel({ ...options, isDecoder: true }));
    const [text, seen] = [tokens(2, 6), [[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]];
    const mask = (length: number): Tensor => tensor(seen.map((row) => row.slice(0, length)), { dtype: 'int32' });
    const whole = noGrad(() => model.forward({ inputIds: text, attentionMask: mask(6), useCache: false })).logits;
    expect(whole.select(0, 0).narrow(0, 0, 2).abs().max().item()).toBe(0);
    const { pastKeyValues } = noGrad(() => model.forward({ inputIds: text.narrow(1, 0, 4), attentionMask: mask(4) }));
    const rest = noGrad(() => model.forward({ inputIds: text.narrow(1, 4, 2), attentionMask: mask(6), pastKeyValues }));
    expectClose(rest.logits, whole.narrow(1, 4, 2), { atol: 1e-5 });
  });
});
