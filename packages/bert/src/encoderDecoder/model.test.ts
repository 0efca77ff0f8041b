import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdamW } from '@strided/nn';
import { ArgumentError, CheckpointError, encodeSafetensors, loadSafetensors, manualSeed, noGrad, scope, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BertForMaskedLM, BertLMHeadModel, BertModel } from '../families/bert.ts';
import { DistilBertModel } from '../families/distilbert.ts';
import { RobertaForCausalLM } from '../families/roberta.ts';
import { EncoderDecoderModel } from './model.ts';

const sizes = { vocabSize: 23, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 12, maxPositionEmbeddings: 20 } as const;
const decoderSizes = { ...sizes, isDecoder: true, addCrossAttention: true } as const;
const ids = (...rows: readonly (readonly number[])[]): Tensor => tensor(rows.map((row) => [...row]), { dtype: 'int32' });
const inputIds = ids([5, 6, 7, 8], [9, 10, 0, 0]);
const attentionMask = inputIds.ne(0);
const labels = ids([11, 12, 13], [14, 15, -100]);
const exact = { rtol: 0, atol: 0 };

let root = '';
const at = (name: string): string => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'strided-pair-'));
  manualSeed(1);
  await new BertForMaskedLM(sizes).savePretrained(at('masked'));
  await new BertModel(sizes).savePretrained(at('plain'));
  await new BertLMHeadModel(decoderSizes).savePretrained(at('decoder'));
  await new DistilBertModel({ vocabSize: 23, dim: 12, nLayers: 1, nHeads: 2, hiddenDim: 12, maxPositionEmbeddings: 20 }).savePretrained(at('distilbert'));
});
afterAll(async () => rm(root, { recursive: true, force: true }));

const cross = [0, 1].flatMap((layer) => ['self.query', 'self.key', 'self.value', 'output.dense', 'output.LayerNorm'].flatMap((part) =>
  ['weight', 'bias'].map((kind) => `decoder.bert.encoder.layer.${layer}.crossattention.${part}.${kind}`)));

describe('a pair of two checkpoints', () => {
  it('has their weights, and names what is drawn anew', async () => {
    const pair = await EncoderDecoderModel.fromEncoderDecoderPretrained(at('plain'), at('masked'), { decoderStartTokenId: 3 });
    expect([...pair.loading?.initialized ?? []].sort()).toEqual([...cross].sort());
    const weights = new Map(pair.parametersByKey());
    for (const [key, value] of await loadSafetensors(join(at('plain'), 'model.safetensors'))) expectClose(weights.get(`encoder.${key}`) as Tensor, value, exact);
    for (const [key, value] of await loadSafetensors(join(at('masked'), 'model.safetensors'))) expectClose(weights.get(`decoder.${key}`) as Tensor, value, exact);
    const query = weights.get(cross[0]) as Tensor;
    expect(query.std().item()).toBeGreaterThan(0.005);
    expect(query.std().item()).toBeLessThan(0.05);
    expect(pair.training).toBe(false);
    expect(pair.generate({ inputIds, attentionMask, maxNewTokens: 4 }).shape).toEqual([2, 5]);
  });

  it('draws a pooler or a head that is missing, and says what it left out', async () => {
    const pair = await EncoderDecoderModel.fromEncoderDecoderPretrained(at('masked'), at('plain'));
    const { initialized = [], unused = [] } = pair.loading ?? {};
    expect(initialized).toEqual(expect.arrayContaining(['encoder.pooler.dense.weight', 'decoder.cls.predictions.transform.dense.weight', cross[0]]));
    expect(unused).toEqual(expect.arrayContaining(['encoder.cls.predictions.bias', 'decoder.pooler.dense.weight']));
  });

  it('reads a decoder\'s checkpoint as an encoder, without its cross-attention; one that has it keeps it', async () => {
    const pair = await EncoderDecoderModel.fromEncoderDecoderPretrained(at('decoder'), at('decoder'));
    expect([pair.encoder.config.encoder.causal, pair.decoder.config.encoder.causal]).toEqual([false, true]);
    expect(pair.loading?.unused.filter((key) => key.includes('crossattention')).length).toBe(20);
    expect(pair.loading?.initialized).toEqual(['encoder.pooler.dense.weight', 'encoder.pooler.dense.bias']);
  });

  it('of another width, and another family, projects the encoder\'s states', async () => {
    const pair = await EncoderDecoderModel.fromEncoderDecoderPretrained(at('distilbert'), at('masked'), { decoderStartTokenId: 3 });
    expect([...pair.parametersByKey()].find(([key]) => key === 'enc_to_dec_proj.weight')?.[1].shape).toEqual([8, 12]);
    pair.forward({ inputIds, attentionMask, labels }).loss?.backward();
    expect(pair.gradientsByKey().get('enc_to_dec_proj.bias')?.norm().item()).toBeGreaterThan(0);
  });

  it('needs a second half that decodes', async () => {
    await expect(EncoderDecoderModel.fromEncoderDecoderPretrained(at('plain'), at('distilbert'))).rejects.toThrow('AutoModelForCausalLM has no class for distilbert; it has bert');
    const halves = { encoder: new BertModel(sizes), decoder: new BertLMHeadModel(sizes) };
    expect(() => new EncoderDecoderModel(halves)).toThrow('the decoder must see its own past and the encoder; set is_decoder and add_cross_attention');
  });
});

describe('a checkpoint of one half alone', () => {
  it('lacks cross-attention, which is drawn where that is asked for', async () => {
    const config = { isDecoder: true, addCrossAttention: true };
    await expect(BertLMHeadModel.fromPretrained(at('masked'), { config })).rejects.toThrow(CheckpointError);
    const { loading } = await BertLMHeadModel.fromPretrained(at('masked'), { config, initializeMissing: true });
    expect([...loading?.initialized ?? []].map((key) => `decoder.${key}`).sort()).toEqual([...cross].sort());
  });
});

describe('EncoderDecoderModel', () => {
  manualSeed(2);
  const pair = new EncoderDecoderModel({ encoder: new BertModel({ ...sizes, hiddenSize: 12 }), decoder: new BertLMHeadModel(decoderSizes), decoderStartTokenId: 3 }).eval();

  it('shifts labels to the right, and sees no padding among them', () => {
    const { loss, logits } = pair.forward({ inputIds, attentionMask, labels });
    const given = pair.forward({ inputIds, attentionMask, labels, decoderInputIds: ids([3, 11, 12], [3, 14, 15]) });
    expectClose(logits, given.logits, exact);
    expectClose(loss as Tensor, given.loss as Tensor, exact);
    const padded = pair.forward({ inputIds, attentionMask, labels: ids([11, -100, 13], [14, 15, -100]) });
    const seen = ids([1, 1, 0], [1, 1, 1]);
    const predicted = pair.forward({ inputIds, attentionMask, decoderInputIds: ids([3, 11, 0], [3, 14, 15]), decoderAttentionMask: seen }).logits;
    // Without labels nothing is computed for padding.
    expectClose(predicted, padded.logits.mul(seen.unsqueeze(-1)), { rtol: 1e-5, atol: 1e-6 });
    const rows = logits.logSoftmax();
    const wanted = [[0, 0, 11], [0, 1, 12], [0, 2, 13], [1, 0, 14], [1, 1, 15]].reduce((sum, [b, t, id]) => sum - Number(rows.select(0, b).select(0, t).select(0, id).item()), 0) / 5;
    expect(loss?.item()).toBeCloseTo(wanted, 5);
  });

  it('takes what the encoder made before, and with a cache needs neither that nor the text', () => {
    const decoderInputIds = ids([3, 4], [3, 5]);
    const first = noGrad(() => pair.forward({ inputIds, attentionMask, decoderInputIds }));
    const encoderOutputs = pair.encoder.forward({ inputIds, attentionMask });
    expectClose(noGrad(() => pair.forward({ encoderOutputs, attentionMask, decoderInputIds })).logits, first.logits, exact);
    const whole = noGrad(() => pair.forward({ inputIds, attentionMask, decoderInputIds: ids([3, 4, 6], [3, 5, 7]) }));
    const next = noGrad(() => pair.forward({ attentionMask, decoderInputIds: ids([6], [7]), pastKeyValues: first.pastKeyValues }));
    expectClose(next.logits, whole.logits.narrow(1, 2, 1), { rtol: 1e-5, atol: 1e-5 });
    expect([next.encoderLastHiddenState, next.pastKeyValues?.length]).toEqual([null, 3]);
    expect(() => pair.forward({ decoderInputIds })).toThrow('give either inputIds or inputsEmbeds');
  });

  it('reads each text once when it writes, and finds its padding', () => {
    const { encoder } = pair;
    let runs = 0;
    const { forward } = encoder;
    Object.defineProperty(encoder, 'forward', { configurable: true, value: (inputs: Parameters<typeof forward>[0]) => (runs++, forward.call(encoder, inputs)) });
    const sequences = pair.generate({ inputIds, maxNewTokens: 6 });
    expect(runs).toBe(1);
    Reflect.deleteProperty(encoder, 'forward');
    expect(pair.generate({ inputIds, attentionMask, maxNewTokens: 6 }).toArray()).toEqual(sequences.toArray());
    expect([...pair.stream({ inputIds, maxNewTokens: 6 })].map((column) => column[0])).toEqual((sequences.toArray() as number[][])[0].slice(1));
    const alone = pair.generate({ inputIds: ids([9, 10]), maxNewTokens: 6 }).toArray() as number[][];
    expect((sequences.toArray() as number[][])[1]).toEqual(alone[0]);
  });

  it.each([true, false])('each step can be a scope of its own, with a cache: %s', (useCache) => {
    const options = { inputIds: inputIds.repeatInterleave(64, 0), maxNewTokens: 12, useCache };
    const steps = pair.stream(options);
    const columns: number[][] = [];
    for (let more = true; more;) {
      more = scope(() => {
        const { value, done } = steps.next();
        if (done !== true) columns.push([...value as Int32Array]);
        return done !== true;
      });
    }
    expect(columns).toEqual((pair.generate(options).transpose().toArray() as number[][]).slice(1));
  });

  it('begins with what is given, behind the start token', () => {
    const free = pair.generate({ inputIds, attentionMask, decoderInputIds: ids([4], [5]), maxNewTokens: 3 });
    expect(free.narrow(1, 0, 2).toArray()).toEqual([[3, 4], [3, 5]]);
    expect(pair.generate({ inputIds, attentionMask, decoderInputIds: ids([3, 4], [3, 5]), maxNewTokens: 3 }).toArray()).toEqual(free.toArray());
    const padded = pair.generate({ inputIds, attentionMask, decoderInputIds: ids([3, 0, 4], [3, 8, 5]), decoderAttentionMask: ids([1, 0, 1], [1, 1, 1]), maxNewTokens: 3 });
    expect(padded.shape).toEqual([2, 6]);
    expect(pair.generate({ inputIds, attentionMask, decoderStartTokenId: 8, maxNewTokens: 1 }).select(1, 0).toArray()).toEqual([8, 8]);
    expect(() => pair.generate({ inputIds, decoderInputIds: ids([4]) })).toThrow('decoderInputIds must be [2, length], a row for each text, not [1, 1]');
  });

  it('says what is not set, before it computes anything', () => {
    const bare = new EncoderDecoderModel({ encoder: pair.encoder, decoder: pair.decoder });
    expect(() => bare.forward({ inputIds, labels })).toThrow('decoderStartTokenId, which is not set; set model.config.decoderStartTokenId');
    expect(() => bare.generate({ inputIds })).toThrow(ArgumentError);
    expect(() => bare.generate({ inputIds })).toThrow('what texts begin with is not set; give decoderStartTokenId');
    expect(() => pair.generate({ maxNewTokens: 3 })).toThrow('give inputIds, the text that the encoder reads');
    expect(() => pair.generate({ inputIds, maxNewTokens: 21 })).toThrow('above what the 20 positions of the model allow; give a maxNewTokens of at most 20');
    bare.config.decoderStartTokenId = 3;
    expect(bare.generate({ inputIds, maxNewTokens: 2 }).toArray()).toEqual(pair.generate({ inputIds, maxNewTokens: 2 }).toArray());
  });

  it('comes back from its folder as it was, in one file or several', async () => {
    pair.generationConfig = { ...pair.generationConfig, eosTokenId: 6 };
    const wanted = pair.forward({ inputIds, attentionMask, labels });
    for (const maxShardSize of [1e9, 2000]) {
      await pair.savePretrained(at('saved'), { maxShardSize });
      const again = await EncoderDecoderModel.fromPretrained(at('saved'));
      const { loss, logits } = again.forward({ inputIds, attentionMask, labels });
      expectClose(logits, wanted.logits, exact);
      expectClose(loss as Tensor, wanted.loss as Tensor, exact);
      expect(again.loading).toEqual({ initialized: [], unused: [] });
      expect(again.generationConfig).toEqual({ eosTokenId: 6, padTokenId: 0, decoderStartTokenId: 3 });
      expect(again.config.decoderStartTokenId).toBe(3);
    }
    const config = JSON.parse(await readFile(join(at('saved'), 'config.json'), 'utf8')) as Record<string, Record<string, unknown>>;
    expect(config).toMatchObject({ model_type: 'encoder-decoder', is_encoder_decoder: true, architectures: ['EncoderDecoderModel'], encoder: { model_type: 'bert' }, decoder: { is_decoder: true, add_cross_attention: true } });
  });

  it('refuses files that do not fit, by name', async () => {
    await pair.savePretrained(at('broken'));
    const weights = await loadSafetensors(join(at('broken'), 'model.safetensors'));
    const config = JSON.parse(await readFile(join(at('broken'), 'config.json'), 'utf8')) as Record<string, unknown>;
    const open = async (changes: Record<string, unknown>, change: (weights: Map<string, Tensor>) => void = () => {}, options = {}): Promise<EncoderDecoderModel> => {
      const own = new Map(weights);
      change(own);
      return EncoderDecoderModel.fromPretrained({ 'config.json': new TextEncoder().encode(JSON.stringify({ ...config, ...changes })), 'model.safetensors': encodeSafetensors(own) }, options);
    };
    await expect(open({}, (own) => own.delete('enc_to_dec_proj.bias'))).rejects.toThrow('missing: enc_to_dec_proj.bias');
    expect((await open({}, (own) => own.delete('enc_to_dec_proj.bias'), { initializeMissing: true })).loading?.initialized).toEqual(['enc_to_dec_proj.bias']);
    await expect(open({}, (own) => own.set('other.weight', tensor([1])))).rejects.toThrow('unexpected: other.weight');
    await expect(open({}, (own) => own.set('decoder.other', tensor([1])))).rejects.toThrow(/\(decoder\.\*\).*unexpected: other/);
    await expect(open({}, (own) => own.delete('encoder.embeddings.LayerNorm.bias'))).rejects.toThrow(/\(encoder\.\*\).*missing: embeddings\.LayerNorm\.bias/);
    await expect(open({ model_type: 'bert' })).rejects.toThrow('model_type is "bert", not encoder-decoder');
    await expect(open({ encoder: null })).rejects.toThrow('has no encoder; a pair\'s config.json holds the configs of both');
    await expect(open({ decoder: { ...(config['decoder'] as object), is_decoder: false, add_cross_attention: false } })).rejects.toThrow('set is_decoder and add_cross_attention');
    await expect(open({ decoder: { ...(config['decoder'] as object), model_type: 'gpt2' } })).rejects.toThrow('config.json: decoder: model_type "gpt2" is not supported');
    await expect(open({ decoder: { ...(config['decoder'] as object), cross_attention_hidden_size: 12 } })).rejects.toThrow('cross_attention_hidden_size 12 is not supported');
    await expect(open({ tie_encoder_decoder: true })).rejects.toThrow('tie_encoder_decoder true is not supported');
    await expect(open({ decoder_start_token_id: 23 })).rejects.toThrow('decoder_start_token_id must be a whole number from 0 to 22, not 23');
    await writeFile(join(at('broken'), 'generation_config.json'), '{"forced_eos_token_id": 4}');
    await expect(EncoderDecoderModel.fromPretrained(at('broken'))).rejects.toThrow('forced_eos_token_id 4 is not supported');
  });

  it('learns to write what it read, backwards', () => {
    manualSeed(4);
    const learner = new EncoderDecoderModel({
      encoder: new BertModel({ ...sizes, padTokenId: 1 }), decoder: new RobertaForCausalLM({ ...decoderSizes, padTokenId: 1 }), decoderStartTokenId: 0,
    });
    const texts = ids([5, 6, 7, 2], [8, 9, 2, 1], [7, 5, 8, 2], [6, 8, 2, 1]);
    const backwards = ids([7, 6, 5, 2], [9, 8, 2, -100], [8, 5, 7, 2], [8, 6, 2, -100]);
    const optimizer = new AdamW(learner.parameters(), { lr: 0.02 });
    learner.eval();
    for (let step = 0; step < 60; step++) {
      optimizer.zeroGrad();
      learner.forward({ inputIds: texts, attentionMask: texts.ne(1), labels: backwards }).loss?.backward();
      optimizer.step();
    }
    expect(learner.generate({ inputIds: texts, attentionMask: texts.ne(1), maxNewTokens: 5 }).toArray()).toEqual([[0, 7, 6, 5, 2], [0, 9, 8, 2, 1], [0, 8, 5, 7, 2], [0, 8, 6, 2, 1]]);
  });
});
