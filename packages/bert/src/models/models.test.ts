import { AdamW } from '@strided/nn';
import { ArgumentError, manualSeed, ones, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { describe, expect, it } from 'vitest';
import { AlbertModel } from '../families/albert.ts';
import { BertForSequenceClassification, BertModel } from '../families/bert.ts';
import { DebertaV2ForTokenClassification } from '../families/debertaV2.ts';
import { DistilBertForQuestionAnswering, DistilBertModel } from '../families/distilbert.ts';
import { ElectraForPreTraining } from '../families/electra.ts';
import { EuroBertForMaskedLM, EuroBertForSequenceClassification } from '../families/eurobert.ts';
import { ModernBertForMaskedLM } from '../families/modernbert.ts';
import { MPNetModel } from '../families/mpnet.ts';
import { RobertaModel } from '../families/roberta.ts';
import type { PretrainedModel } from './pretrained.ts';

const ids = (rows: number[][]): Tensor => tensor(rows, { dtype: 'int32' });
const tiny = { vocabSize: 31, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 12, maxPositionEmbeddings: 16 } as const;
const inputIds = ids([[5, 6, 7, 8], [9, 10, 11, 2]]);

describe('presets', () => {
  it.each([['tiny', 4_385_920], ['mini', 11_170_560], ['small', 28_763_648], ['medium', 41_373_184], ['base', 109_482_240], ['large', 335_141_888]])('BERT %s has the published %d parameters', (name, count) => {
    expect(new BertModel({ ...BertModel.family.presets?.[name] }, { initialize: false }).parameterCount()).toBe(count);
  });

  it('are made with random weights in one call', () => {
    const model = BertModel.fromPreset('tiny', { numHiddenLayers: 1 });
    const weights = new Map(model.parametersByKey());
    expect(weights.get('encoder.layer.0.output.dense.weight')?.std().item()).toBeCloseTo(0.02, 3);
    expect(weights.get('embeddings.word_embeddings.weight')?.select(0, 0).norm().item()).toBe(0);
    expect(weights.get('embeddings.LayerNorm.weight')?.sum().item()).toBe(128);
    expect(() => BertModel.fromPreset('giant')).toThrow("bert has no preset 'giant'; it has tiny, mini, small, medium, base, large");
    expect(() => RobertaModel.fromPreset('base')).toThrow('it has none');
  });

  it('start with sines where the config asks for them, and train those', () => {
    const model = new DistilBertModel({ vocabSize: 9, dim: 4, nLayers: 1, nHeads: 1, hiddenDim: 4, maxPositionEmbeddings: 3, sinusoidalPosEmbds: true });
    const table = new Map(model.parametersByKey()).get('embeddings.position_embeddings.weight') as Tensor;
    expectClose(table, tensor([0, 1, 2].map((p) => [Math.sin(p), Math.cos(p), Math.sin(p / 100), Math.cos(p / 100)])), { atol: 1e-6 });
    expect(table.requiresGrad).toBe(true);
  });

  it('of other families are their published base models', () => {
    expect(new DistilBertModel({}, { initialize: false }).parameterCount()).toBe(66_362_880);
    expect(new AlbertModel({ hiddenSize: 768, numAttentionHeads: 12, intermediateSize: 3072 }, { initialize: false }).parameterCount()).toBe(11_683_584);
  });
});

describe('options', () => {
  it('that a family does not know are refused by name', () => {
    expect(() => new BertModel({ ...tiny, dim: 8 })).toThrow(ArgumentError);
    expect(() => new BertModel({ ...tiny, dim: 8 })).toThrow(/^BertConfig: dim is no option of bert; it has add_cross_attention, /);
  });

  it('that no model computes are refused by name', () => {
    expect(() => new BertModel({ ...tiny, hiddenAct: 'maxout' })).toThrow('BertConfig: hidden_act must be one of gelu, ');
    expect(() => new BertModel({ ...tiny, hiddenSize: 9 })).toThrow('the hidden size 9 is not a multiple of the 2 attention heads');
    expect(() => new BertModel({ ...tiny, addCrossAttention: true })).toThrow('add_cross_attention needs is_decoder');
    expect(() => new BertModel({ ...tiny, padTokenId: 31 })).toThrow('the padding id 31 is not one of the 31 ids');
    expect(() => new EuroBertForMaskedLM({ ...tiny, padTokenId: 0, ropeParameters: { rope_type: 'yarn', rope_theta: 1e4 } })).toThrow('rope_type "yarn" is not supported: rotary positions are not scaled');
    expect(() => new EuroBertForMaskedLM({ ...tiny, padTokenId: 0, numAttentionHeads: 4, numKeyValueHeads: 3 })).toThrow('the 4 attention heads are not a multiple of the 3 heads');
    expect(() => new EuroBertForMaskedLM({ ...tiny, padTokenId: 0, ropeParameters: { rope_theta: 1e4, factor: 8 } })).toThrow('rope_parameters: factor is not supported; known are rope_theta, rope_type');
    expect(() => new ModernBertForMaskedLM({ ...tiny, padTokenId: 0, ropeParameters: { rope_theta: 1e4 } })).toThrow('rope_parameters: rope_theta is not supported; known are full_attention, sliding_attention');
    expect(() => new BertModel({ ...tiny, id2label: { yes: 'a' } })).toThrow('id2label must be a name for each number of a label');
    expect(() => new BertModel({ ...tiny, label2id: { a: 0.5 } })).toThrow('label2id must be a number for each name of a label');
    expect(() => new ModernBertForMaskedLM({ ...tiny, padTokenId: 0, layerTypes: ['full_attention'] })).toThrow('layer_types must be a list of the kind of each of the 2 layers');
  });
});

describe('forward', () => {
  it('refuses sequences longer than the positions, in RoBERTa less those before the first', () => {
    const long = ids([Array.from({ length: 17 }, () => 5)]);
    expect(() => new BertModel(tiny).forward({ inputIds: long })).toThrow('a sequence of 17 tokens is longer than the 16 positions of the model; truncate it');
    expect(() => new RobertaModel({ ...tiny, padTokenId: 1 }).forward({ inputIds: long.narrow(1, 0, 15) })).toThrow('a sequence of 15 tokens is longer than the 14 positions');
  });

  it('refuses inputs that the model has no use for', () => {
    expect(() => new MPNetModel(tiny).forward({ inputIds, tokenTypeIds: ids([[1, 0, 0, 0], [0, 0, 0, 0]]) })).toThrow('this model has no tokenTypeIds');
    expect(() => new BertModel(tiny).forward({})).toThrow('give either inputIds or inputsEmbeds');
    expect(() => new BertModel(tiny).forward({ inputIds, encoderHiddenStates: inputIds.cast('float32') })).toThrow('this model has no cross-attention');
    expect(() => new BertModel(tiny).forward({ inputIds, attentionMask: ids([[1, 1, 1]]) })).toThrow('attentionMask: must be [batch, length] = [2, 4]');
  });

  it('takes embeddings instead of ids, and a mask for each query', () => {
    const model = new BertModel(tiny).eval();
    const wanted = model.forward({ inputIds }).lastHiddenState.toArray();
    expect(model.forward({ inputsEmbeds: model.encoder.embedding.token.forward(inputIds) }).lastHiddenState.toArray()).toEqual(wanted);
    const all = tensor(Array.from({ length: 2 }, () => Array.from({ length: 4 }, () => [1, 1, 0, 0])), { dtype: 'int32' });
    const rows = ids([[1, 1, 0, 0], [1, 1, 0, 0]]);
    const real = (attentionMask: Tensor) => model.forward({ inputIds, attentionMask }).lastHiddenState.narrow(1, 0, 2);
    expectClose(real(all), real(rows), { atol: 1e-6 });
  });

  it('takes a mask for each head, and refuses one that could mean two things', () => {
    const model = new BertModel(tiny).eval();
    const forward = (attentionMask: Tensor): Tensor => model.forward({ inputIds, attentionMask }).lastHiddenState;
    const causal = tensor([[[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]], { dtype: 'int32' }).expand([2, 4, 4]);
    expect(forward(causal.unsqueeze(1)).toArray()).toEqual(forward(causal).toArray());
    expect(forward(causal.unsqueeze(1).expand([2, 2, 4, 4]).ne(0)).toArray()).toEqual(forward(causal).toArray());
    expect(forward(causal.narrow(1, 1, 1).unsqueeze(1)).toArray()).toEqual(forward(causal.narrow(1, 1, 1)).toArray());
    expect(() => forward(causal.unsqueeze(1).cast('float32'))).toThrow('attentionMask: a float32 mask of four axes could mean');
    for (const wrong of [[2, 3, 4, 4], [2, 2, 3, 4], [2, 3, 4], [1, 1, 4, 4], [2, 1, 1, 4, 4], [4]]) {
      expect(() => forward(ones(wrong, { dtype: 'int32' })), String(wrong)).toThrow(`[batch, heads, queries, 4] with 2 heads; both may be 1), not [${wrong.join(', ')}]`);
    }
  });

  it('says which heads need a mask of tokens', () => {
    const mask = ones([2, 4, 4], { dtype: 'int32' });
    for (const classifierPooling of ['late', 'mean'] as const) expect(() => new EuroBertForSequenceClassification({ ...tiny, padTokenId: 0, classifierPooling }).forward({ inputIds, attentionMask: mask })).toThrow('this head looks at the tokens that a mask [batch, length] shows, and [2, 4, 4]');
  });

  it('returns hidden states and maps when the call or the config asks for them', () => {
    const asked = new BertModel({ ...tiny, outputHiddenStates: true }).eval().forward({ inputIds, outputAttentions: true });
    expect(asked.hiddenStates?.length).toBe(3);
    expect(asked.attentions?.map(({ shape }) => shape)).toEqual([[2, 2, 4, 4], [2, 2, 4, 4]]);
    expect(asked.crossAttentions).toBeNull();
    expect(new BertModel(tiny).eval().forward({ inputIds })).toMatchObject({ hiddenStates: null, attentions: null });
  });

  it('of a decoder does not look ahead', () => {
    const model = new BertModel({ ...tiny, isDecoder: true }).eval();
    const first = (rows: Tensor) => model.forward({ inputIds: rows }).lastHiddenState.narrow(1, 0, 3).toArray();
    expect(first(ids([[5, 6, 7, 8]]))).toEqual(first(ids([[5, 6, 7, 20]])));
  });
});

describe('training', () => {
  const losses: Readonly<Record<string, () => { readonly model: PretrainedModel; readonly loss: () => Tensor }>> = {
    BERT: () => {
      const model = new BertForSequenceClassification({ ...tiny, numLabels: 3 });
      return { model, loss: () => model.forward({ inputIds, labels: tensor([0, 2], { dtype: 'int32' }) }).loss as Tensor };
    },
    DistilBERT: () => {
      const model = new DistilBertForQuestionAnswering({ vocabSize: 31, dim: 8, nLayers: 2, nHeads: 2, hiddenDim: 12, maxPositionEmbeddings: 16 });
      return { model, loss: () => model.forward({ inputIds, startPositions: tensor([0, 1], { dtype: 'int32' }), endPositions: tensor([3, 2], { dtype: 'int32' }) }).loss as Tensor };
    },
    ELECTRA: () => {
      const model = new ElectraForPreTraining({ ...tiny, embeddingSize: 4 });
      return { model, loss: () => model.forward({ inputIds, labels: ids([[0, 1, 0, 0], [1, 0, 0, 1]]) }).loss as Tensor };
    },
    DeBERTa: () => {
      const model = new DebertaV2ForTokenClassification({ ...tiny, relativeAttention: true, posAttType: ['c2p', 'p2c'], positionBuckets: 4 });
      return { model, loss: () => model.forward({ inputIds, attentionMask: ids([[1, 1, 1, 0], [1, 1, 1, 1]]), labels: ids([[0, 1, 0, -100], [1, 0, 0, 1]]) }).loss as Tensor };
    },
    ModernBERT: () => {
      const model = new ModernBertForMaskedLM({ ...tiny, padTokenId: 0, localAttention: 2, numHiddenLayers: 3, attentionDropout: 0.1, mlpDropout: 0.1, embeddingDropout: 0.1 });
      return { model, loss: () => model.forward({ inputIds, labels: inputIds }).loss as Tensor };
    },
  };

  it.each(Object.keys(losses))('%s drops in training only, and learns a batch by heart', (name) => {
    manualSeed(5);
    const { model, loss } = losses[name]();
    expect(loss().item()).not.toBe(loss().item());
    model.eval();
    const before = loss().item() as number;
    expect(loss().item()).toBe(before);
    model.train();
    const optimizer = new AdamW(model.parameters(), { lr: 0.02 });
    for (let step = 0; step < 60; step++) {
      optimizer.zeroGrad();
      loss().backward();
      optimizer.step();
    }
    expect(loss().item() as number).toBeLessThan(before);
    model.eval();
    expect(loss().item() as number).toBeLessThan(before / 2);
  });
});
