import { manualSeed, randn, tensor } from '@strided/tensor';
import { describe, expect, it } from 'vitest';
import type { Dropouts, EncoderConfig } from '../config.ts';
import { BertModel } from '../families/bert.ts';
import { noDropout } from '../families/common.ts';
import { initialize } from '../models/initialize.ts';
import { Encoder } from './encoder.ts';

const base = new BertModel({ vocabSize: 13, hiddenSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, intermediateSize: 12, maxPositionEmbeddings: 8 }, { initialize: false }).config.encoder;
const inputIds = tensor([[1, 2, 3, 4]], { dtype: 'int32' });

function made(changes: Partial<EncoderConfig>): Encoder {
  manualSeed(3);
  const encoder = new Encoder({ ...base, ...changes });
  initialize(encoder, () => ({ std: 0.5, cutoff: null }));
  return encoder;
}

describe('dropout', () => {
  it.each(Object.keys(noDropout) as (keyof Dropouts)[])('of %s drops in training, and nowhere else', (place) => {
    const encoder = made({ dropout: { ...noDropout, [place]: 0.5 } });
    const run = (): unknown => encoder.forward({ inputIds }).lastHiddenState.toArray();
    const asked = (): unknown => encoder.forward({ inputIds, outputAttentions: true }).lastHiddenState.toArray();
    expect(run()).not.toEqual(run());
    expect(asked()).not.toEqual(asked());
    encoder.eval();
    expect(run()).toEqual(run());
  });

  it('of attention scales what is left: the mean over many draws is the value without', () => {
    const encoder = made({ dropout: { ...noDropout, layer: 0.25 } });
    const without = encoder.eval().forward({ inputIds }).lastHiddenState;
    encoder.train();
    let sum = encoder.forward({ inputIds }).lastHiddenState.mul(0);
    for (let i = 0; i < 400; i++) sum = sum.add(encoder.forward({ inputIds }).lastHiddenState.detach());
    expect(sum.div(400).sub(without).abs().max().item()).toBeLessThan(0.3);
  });
});

describe('a layer', () => {
  it('is what its branches make, norm first and last', () => {
    const x = randn([2, 3, 8]);
    for (const normPlace of ['first', 'last'] as const) {
      const { layers: [layer] } = made({ normPlace, dropout: noDropout });
      const context = { visibility: { mask: null, blind: null }, rotation: null, relative: null, needWeights: false };
      const { attentionNorm, attention, feedForwardNorm, feedForward } = layer;
      if (attentionNorm === null) throw new Error('this layer has a norm');
      const attended = normPlace === 'first' ? x.add(attention.forward(attentionNorm.forward(x), context).output) : attentionNorm.forward(x.add(attention.forward(x, context).output));
      const fed = normPlace === 'first' ? attended.add(feedForward.forward(feedForwardNorm.forward(attended))) : feedForwardNorm.forward(attended.add(feedForward.forward(attended)));
      expect(layer.forward(x, context, null).output.sub(fed).abs().max().item()).toBeLessThan(1e-5);
    }
  });

  it('with fewer heads of keys and values attends as with each of them repeated', () => {
    const few = made({ heads: 4, headSize: 2, keyValueHeads: 2, dropout: noDropout });
    const plain = few.forward({ inputIds }).lastHiddenState;
    const withWeights = few.forward({ inputIds, outputAttentions: true });
    expect(withWeights.attentions?.[0].shape).toEqual([1, 4, 4, 4]);
    expect(withWeights.lastHiddenState.sub(plain).abs().max().item()).toBeLessThan(1e-5);
  });
});
