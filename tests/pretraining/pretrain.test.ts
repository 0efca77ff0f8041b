import { initTiny } from './tiny.ts';
import { describe, expect, it } from 'vitest';
import { evaluateHeldOut, heldOutBatches, pretrain } from '@strided/bert';

describe('pretrain', () => {
  it('gives the same model bit for bit for the same seed and steps, and another for another seed', async () => {
    const { options } = await initTiny();
    const [a, b, c] = [await pretrain({ ...options, seed: 1 }), await pretrain({ ...options, seed: 1 }), await pretrain({ ...options, seed: 2 })];
    expect(b.curve.loss).toEqual(a.curve.loss);
    const weights = ({ model }: typeof a) => [...model.stateDict()].map(([name, tensor]) => [name, tensor.toTypedArray()]);
    expect(weights(b)).toEqual(weights(a));
    expect(c.curve.loss).not.toEqual(a.curve.loss);
  });

  it('starts at the unigram baseline and learns: 60 steps on sentences of one pattern end below it', async () => {
    const { options } = await initTiny();
    const { heldOut, curve } = await pretrain({ ...options, steps: 60, lr: 1e-2, seed: 1 });
    if (heldOut === null) throw new Error('there was held-out text');
    expect(curve.metrics['maskedLm'][0]).toBeLessThan(heldOut.unigramLoss + 0.7);
    expect(heldOut.loss).toBeLessThan(heldOut.unigramLoss - 0.3);
    expect(heldOut.accuracy).toBeGreaterThan(heldOut.unigramAccuracy);
  });

  it('measures in evaluation mode and leaves the model as it was', async () => {
    const { options, corpus, lexicon } = await initTiny();
    const { model } = await pretrain({ ...options, dropout: 0.5 });
    const batches = await heldOutBatches(corpus, lexicon, { seqLen: 16, batchSize: 8, batches: 3 });
    expect(batches).toHaveLength(3);
    const baseline = { logProbabilities: new Float32Array(lexicon.size).fill(-2), mostFrequent: 5 };
    model.train();
    const first = evaluateHeldOut(model, batches, baseline);
    expect(evaluateHeldOut(model, batches, baseline)).toEqual(first);
    expect(model.training).toBe(true);
    expect(first.unigramLoss).toBeCloseTo(2, 12);
  });

  it('refuses sizes that do not divide', async () => {
    const { options } = await initTiny();
    await expect(pretrain({ ...options, heads: 3 })).rejects.toThrow(/multiple of the 3 attention heads/);
  });
});
