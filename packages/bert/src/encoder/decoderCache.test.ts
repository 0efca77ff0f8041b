import { AdamW } from '@strided/nn';
import { concat, Generator, manualSeed, noGrad, randn, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BertLMHeadModel, BertModel } from '../families/bert.ts';
import { ElectraForCausalLM } from '../families/electra.ts';
import { ErnieForCausalLM } from '../families/ernie.ts';
import { MegatronBertForCausalLM } from '../families/megatronBert.ts';
import { RobertaForCausalLM } from '../families/roberta.ts';
import { RobertaPreLayerNormForCausalLM } from '../families/robertaPreLayerNorm.ts';
import { RoFormerForCausalLM } from '../families/roformer.ts';
import type { CausalInputs, ForCausalLM } from '../models/causalLm.ts';
import type { ModelOptions } from '../models/family.ts';
import { initialize } from '../models/initialize.ts';
import { DecoderCache } from './decoderCache.ts';

const options = { vocabSize: 23, hiddenSize: 12, numHiddenLayers: 2, numAttentionHeads: 3, intermediateSize: 16, maxPositionEmbeddings: 48, isDecoder: true, addCrossAttention: true } as const;
const families: Readonly<Record<string, () => ForCausalLM>> = {
  BERT: () => new BertLMHeadModel(options),
  RoBERTa: () => new RobertaForCausalLM({ ...options, padTokenId: 1 }),
  ELECTRA: () => new ElectraForCausalLM({ ...options, embeddingSize: 8 }),
  ERNIE: () => new ErnieForCausalLM({ ...options, useTaskId: true, taskTypeVocabSize: 3 }),
  MegatronBERT: () => new MegatronBertForCausalLM(options),
  RoFormer: () => new RoFormerForCausalLM({ ...options, hiddenSize: 24, rotaryValue: true }),
  'RoBERTa-PreLayerNorm': () => new RobertaPreLayerNormForCausalLM({ ...options, padTokenId: 1 }),
};
const made = new Map(Object.entries(families).map(([name, make]) => {
  manualSeed(3);
  const model = make().eval();
  initialize(model, () => ({ std: 0.25, cutoff: null }));
  return [name, model];
}));

const ids = (rows: readonly (readonly number[])[]): Tensor => tensor(rows.map((row) => [...row]), { dtype: 'int32' });
const close = { rtol: 1e-5, atol: 1e-5 };

/** Pieces of a text, what of it is padding (left, right or in the middle), and what else is given. */
const setting = fc.record({
  seed: fc.nat({ max: 1000 }), batch: fc.integer({ min: 1, max: 3 }), pieces: fc.array(fc.constantFrom(1, 1, 1, 2, 5), { minLength: 1, maxLength: 8 }),
  padding: fc.constantFrom('none', 'left', 'right', 'random'), cross: fc.boolean(), crossPadding: fc.boolean(), positions: fc.boolean(), types: fc.boolean(), asked: fc.boolean(), recorded: fc.boolean(),
});

describe.each([...made])('a step of %s with pastKeyValues', (name, model) => {
  it('equals the pass of the whole text to 1e-5, whatever came before', () => {
    fc.assert(fc.property(setting, ({ seed, batch, pieces, padding, cross, crossPadding, positions, types, asked, recorded }) => {
      const length = pieces.reduce((sum, n) => sum + n, 0);
      const generator = new Generator(seed);
      const table = (draw: (row: number, i: number) => number): number[][] => Array.from({ length: batch }, (_, row) => Array.from({ length }, (__, i) => draw(row, i)));
      const hidden = Array.from({ length: batch }, () => generator.integer(length));
      const seen = table((row, i) => Number(padding === 'none' || (padding === 'left' ? i >= hidden[row] : padding === 'right' ? i < length - hidden[row] : generator.integer(3) > 0)));
      const { paddingId, hiddenSize } = model.config.encoder;
      const tokens = table((row, i) => (seen[row][i] === 1 ? generator.integer(23) : paddingId ?? 0));
      const [places, kinds] = [table(() => generator.integer(48)), table(() => generator.integer(2))];
      const states = randn([batch, 4, hiddenSize], { generator });
      const others: CausalInputs = {
        outputHiddenStates: asked, outputAttentions: asked,
        ...(cross ? { encoderHiddenStates: states, ...(crossPadding ? { encoderAttentionMask: ids(Array.from({ length: batch }, (_, row) => [1, 0, row % 2, 1])) } : {}) } : {}),
      };
      const part = (start: number, end: number): CausalInputs => {
        const cut = (rows: number[][], from = start): Tensor => ids(rows.map((row) => row.slice(from, end)));
        return {
          ...others, inputIds: cut(tokens), ...(padding === 'none' ? {} : { attentionMask: cut(seen, 0) }), ...(types ? { tokenTypeIds: cut(kinds) } : {}),
          ...(positions && name !== 'RoFormer' ? { positionIds: cut(places) } : {}),
        };
      };
      const run = <T>(fn: () => T): T => (recorded ? fn() : noGrad(fn));
      const whole = run(() => model.forward({ ...part(0, length), useCache: false }));
      expect(whole.pastKeyValues).toBeNull();
      let start = 0;
      let pastKeyValues: DecoderCache | null = null;
      for (const n of pieces) {
        const step = run(() => model.forward({ ...part(start, start + n), pastKeyValues }));
        for (let row = 0; row < batch; row++) {
          for (let i = 0; i < n; i++) {
            // What padding computes is nobody's concern.
            if (seen[row][start + i] === 0) continue;
            expectClose(step.logits.select(0, row).select(0, i), whole.logits.select(0, row).select(0, start + i), close);
            if (asked) expectClose(step.attentions?.[1].select(0, row).select(1, i) as Tensor, whole.attentions?.[1].select(0, row).select(1, start + i).narrow(-1, 0, start + n) as Tensor, close);
            if (asked && cross) expectClose(step.crossAttentions?.[1].select(0, row).select(1, i) as Tensor, whole.crossAttentions?.[1].select(0, row).select(1, start + i) as Tensor, close);
          }
        }
        pastKeyValues = step.pastKeyValues;
        start += n;
        expect(pastKeyValues?.length).toBe(start);
      }
    }));
  });
});

describe.each([...made])('padding of %s, which attends to other texts too', (_, model) => {
  it('is left out, of either text: logits as with it, 0 at padding, and the same cache', () => {
    const masks = fc.record({ seed: fc.nat(), batch: fc.integer({ min: 1, max: 4 }), length: fc.integer({ min: 1, max: 7 }), others: fc.integer({ min: 1, max: 5 }), kept: fc.integer({ min: 0, max: 8 }), crossed: fc.constantFrom('none', 'all', 'some', 'blind'), useCache: fc.boolean() });
    fc.assert(fc.property(masks, ({ seed, batch, length, others, kept, crossed, useCache }) => {
      const generator = new Generator(seed);
      const rows = (width: number, draw: () => number): number[][] => Array.from({ length: batch }, () => Array.from({ length: width }, draw));
      const seen = rows(length, () => generator.integer(2));
      if (!seen.flat().includes(1)) seen[0][0] = 1;
      const its = rows(others, () => (crossed === 'all' ? 1 : generator.integer(2)));
      if (crossed === 'some') for (const row of its) row[generator.integer(others)] = 1;
      const { paddingId, hiddenSize } = model.config.encoder;
      const inputs = {
        inputIds: ids(seen.map((row) => row.map((one) => (one === 1 ? 2 + generator.integer(20) : paddingId ?? 0)))), attentionMask: ids(seen), logitsToKeep: kept, useCache,
        encoderHiddenStates: randn([batch, others, hiddenSize], { generator }), ...(crossed === 'none' ? {} : { encoderAttentionMask: ids(its) }),
      };
      const [packed, padded] = noGrad(() => [model.forward(inputs), model.forward({ ...inputs, outputAttentions: true })]);
      const mask = tensor(seen, { dtype: 'float32' }).unsqueeze(-1);
      const last = kept === 0 ? length : Math.min(kept, length);
      const shown = mask.narrow(1, length - last, last);
      expect(packed.logits.shape).toEqual(padded.logits.shape);
      expectClose(packed.logits.mul(shown), padded.logits.mul(shown), close);
      if (seen.flat().includes(0)) expect(packed.logits.mul(shown.sub(1)).abs().max().item()).toBe(0);
      if (!useCache) return;
      // What comes next sees the same.
      const next = { inputIds: ids(rows(1, () => 2 + generator.integer(20))), attentionMask: ids(seen.map((row) => [...row, 1])), ...(crossed === 'none' ? {} : { encoderAttentionMask: ids(its) }) };
      const [after, wanted] = noGrad(() => [packed, padded].map(({ pastKeyValues }) => model.forward({ ...next, pastKeyValues }).logits));
      expectClose(after, wanted, close);
    }));
  });
});

describe('DecoderCache', () => {
  const model = made.get('BERT') as ForCausalLM;
  const roberta = made.get('RoBERTa') as ForCausalLM;
  const states = randn([2, 4, 12], { generator: new Generator(1) });
  const text = ids([[5, 6, 7, 8], [9, 10, 11, 12]]);

  it('computes the keys and values of the encoder\'s states once, and needs those no more', () => {
    const first = noGrad(() => model.forward({ inputIds: text, encoderHiddenStates: states }));
    expect(first.pastKeyValues?.crossLength).toBe(4);
    const cross = first.pastKeyValues?.layers[0].cross.keyRoom;
    const next = ids([[3], [4]]);
    const wanted = noGrad(() => model.forward({ inputIds: concat([text, next], 1), encoderHiddenStates: states })).logits.narrow(1, 4, 1);
    expectClose(noGrad(() => model.forward({ inputIds: next, pastKeyValues: first.pastKeyValues })).logits, wanted, close);
    expect(first.pastKeyValues?.layers[0].cross.keyRoom).toBe(cross);
    first.pastKeyValues?.crop(4);
    expectClose(noGrad(() => model.forward({ inputIds: next, pastKeyValues: first.pastKeyValues, encoderHiddenStates: states.mul(7) })).logits, wanted, close);
  });

  it.each([['BERT', model], ['RoBERTa', roberta]])('goes on from a cut, and with its rows in another order: %s', (_, decoder) => {
    const pad = decoder.config.encoder.paddingId ?? 0;
    const rows = [[5, 6, 7, 8], [pad, pad, 11, 12]];
    const past = noGrad(() => decoder.forward({ inputIds: ids(rows) })).pastKeyValues as DecoderCache;
    past.crop(3);
    past.reorder(tensor([1, 0, 1], { dtype: 'int32' }));
    expect([past.length, past.batch]).toEqual([3, 3]);
    const next = [3, 4, 5];
    const wanted = noGrad(() => decoder.forward({ inputIds: ids([1, 0, 1].map((row, i) => [...rows[row].slice(0, 3), next[i]])) })).logits.narrow(1, 3, 1);
    expectClose(noGrad(() => decoder.forward({ inputIds: ids(next.map((id) => [id])), pastKeyValues: past })).logits, wanted, close);
    expect(() => past.crop(5)).toThrow('from 0 to 4, not 5');
  });

  it('is bounded by the positions, and says so before anything is computed', () => {
    const past = noGrad(() => roberta.forward({ inputIds: ids([Array.from({ length: 46 }, () => 5)]) })).pastKeyValues as DecoderCache;
    const keys = past.layers[0].self.keyRoom;
    expect(() => roberta.forward({ inputIds: ids([[3]]), pastKeyValues: past })).toThrow('pastKeyValues: hold 46 tokens, and 1 more are above the 46 positions of the model; generate less');
    expect(past.layers[0].self.keyRoom).toBe(keys);
    expect(() => roberta.forward({ inputIds: text, pastKeyValues: past })).toThrow('hold 1 rows, but 2 come next');
  });

  it('is as it was after a step that failed', () => {
    const past = noGrad(() => model.forward({ inputIds: text })).pastKeyValues as DecoderCache;
    expect(() => model.forward({ inputIds: ids([[3], [4]]), encoderHiddenStates: randn([2, 4, 5]), pastKeyValues: past })).toThrow('linear: ');
    expect([past.length, past.crossLength, past.layers[0].self.length]).toEqual([4, 0, 4]);
  });

  it('is of decoders alone, and of one model', () => {
    const plain: ModelOptions = { ...options, isDecoder: false, addCrossAttention: false };
    const encoder = new BertModel(plain);
    expect(encoder.forward({ inputIds: text }).pastKeyValues).toBeNull();
    expect(() => encoder.forward({ inputIds: text, useCache: true })).toThrow('only a decoder keeps what it has computed; set is_decoder');
    expect(() => model.forward({ inputIds: text, pastKeyValues: new DecoderCache(3, 48) })).toThrow('are of a model with 3 layers, this one has 2');
    expect(new BertModel({ ...options, useCache: false }).forward({ inputIds: text }).pastKeyValues).toBeNull();
    expect(new BertModel(options).forward({ inputIds: text }).pastKeyValues?.length).toBe(4);
    expect(model.forward({ inputIds: text, labels: text }).pastKeyValues).toBeNull();
    expect(String(new DecoderCache(1, 7))).toMatch(/^DecoderCache\(0 tokens of 7/);
  });

  it('lets gradients flow through all steps as through the whole text', () => {
    const trained = new BertLMHeadModel(options).eval();
    const gradients = (run: () => Tensor): Map<string, Tensor> => {
      trained.zeroGrad();
      run().backward();
      return new Map([...trained.gradientsByKey()].map(([key, gradient]) => [key, gradient.clone()]));
    };
    const whole = gradients(() => trained.forward({ inputIds: text, encoderHiddenStates: states }).logits.square().mean());
    const stepped = gradients(() => {
      const first = trained.forward({ inputIds: text.narrow(1, 0, 2), encoderHiddenStates: states });
      const second = trained.forward({ inputIds: text.narrow(1, 2, 2), encoderHiddenStates: states, pastKeyValues: first.pastKeyValues });
      return concat([first.logits, second.logits], 1).square().mean();
    });
    for (const [key, gradient] of whole) expectClose(stepped.get(key) as Tensor, gradient, { rtol: 1e-3, atol: 1e-6 });
    new AdamW(trained.parameters(), { lr: 0.1 }).step();
  });

  it('logitsToKeep gives the last tokens\' logits', () => {
    const { logits } = model.forward({ inputIds: text });
    expectClose(model.forward({ inputIds: text, logitsToKeep: 1 }).logits, logits.narrow(1, 3, 1), close);
    expect(model.forward({ inputIds: text, logitsToKeep: 9 }).logits.shape).toEqual([2, 4, 23]);
  });
});
