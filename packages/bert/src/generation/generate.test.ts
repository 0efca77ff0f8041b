import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, Generator, manualSeed, tensor, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BertLMHeadModel } from '../families/bert.ts';
import { RobertaForCausalLM } from '../families/roberta.ts';
import type { CausalInputs, CausalOutput, ForCausalLM } from '../models/causalLm.ts';
import { initialize } from '../models/initialize.ts';
import { drawn, likeliest } from './choice.ts';
import { noRepeatNgram, topK, topP } from './processors.ts';

const options = { vocabSize: 23, hiddenSize: 12, numHiddenLayers: 2, numAttentionHeads: 3, intermediateSize: 16, maxPositionEmbeddings: 40, isDecoder: true } as const;
const seeded = <T extends ForCausalLM>(model: T, seed = 3): T => {
  manualSeed(seed);
  initialize(model, (name) => ({ std: name.includes('position') ? 1 : 0.4, cutoff: null }));
  return model.eval();
};
const model = seeded(new BertLMHeadModel(options));
const ids = (...rows: readonly (readonly number[])[]): Tensor => tensor(rows.map((row) => [...row]), { dtype: 'int32' });
const inputIds = ids([5, 6, 7], [8, 9, 10]);

describe('generate', () => {
  it('draws the same tokens from the same seed, others from others', () => {
    const run = (seed: number): unknown => model.generate({ inputIds, doSample: true, maxNewTokens: 12, seed }).toArray();
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
    manualSeed(4);
    const free = model.generate({ inputIds, doSample: true }).toArray();
    expect(model.generate({ inputIds, doSample: true }).toArray()).not.toEqual(free);
    manualSeed(4);
    expect(model.generate({ inputIds, doSample: true }).toArray()).toEqual(free);
    expect(model.generate({ inputIds, doSample: true, generator: new Generator(1), maxNewTokens: 12 }).toArray()).toEqual(run(1));
  });

  it('draws nothing without doSample', () => {
    const greedy = model.generate({ inputIds, temperature: 0.1, topP: 0.2, seed: 3 }).toArray();
    expect(greedy).toEqual(model.generate({ inputIds }).toArray());
    expect(model.generate({ inputIds, doSample: true, topK: 1, temperature: 3 }).toArray()).toEqual(greedy);
    expect(model.generate({ inputIds, doSample: true, topP: 0 }).toArray()).toEqual(greedy);
  });

  it('gives a text in a padded batch what it gives the text alone', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 22 }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }), fc.constantFrom(null, 5), fc.boolean(), (texts, eosTokenId, found) => {
      const length = Math.max(...texts.map((text) => text.length));
      const padded = ids(...texts.map((text) => [...Array.from({ length: length - text.length }, () => 0), ...text]));
      const attentionMask = found ? {} : { attentionMask: padded.ne(0) };
      const batch = model.generate({ inputIds: padded, ...attentionMask, eosTokenId, maxNewTokens: 8 }).toArray() as number[][];
      texts.forEach((text, row) => {
        const alone = (model.generate({ inputIds: ids(text), attentionMask: ids(text.map(() => 1)), eosTokenId, maxNewTokens: 8 }).toArray() as number[][])[0];
        const own = batch[row].slice(length - text.length);
        expect(own.slice(0, alone.length)).toEqual(alone);
        expect(own.slice(alone.length).every((id) => id === 0)).toBe(true);
      });
    }));
  });

  it('ends rows at any of the ends, the batch with the last of them, and pads', () => {
    const long = model.generate({ inputIds, maxNewTokens: 15 }).toArray() as number[][];
    const eosTokenId = [long[0][6], long[1][9]];
    const sequences = model.generate({ inputIds, maxNewTokens: 15, eosTokenId, padTokenId: 21 }).toArray() as number[][];
    const end = (row: number): number => 3 + long[row].slice(3).findIndex((id) => eosTokenId.includes(id));
    expect(sequences[0].length).toBe(Math.max(end(0), end(1)) + 1);
    for (const row of [0, 1]) {
      expect(sequences[row].slice(0, end(row) + 1)).toEqual(long[row].slice(0, end(row) + 1));
      expect(sequences[row].slice(end(row) + 1).every((id) => id === 21)).toBe(true);
    }
    const late = model.generate({ inputIds, maxNewTokens: 15, eosTokenId, minNewTokens: 14 }).toArray() as number[][];
    expect(late.some((row) => row.slice(3, 17).some((id) => eosTokenId.includes(id)))).toBe(false);
    // Without a padding id it is the first of the ends.
    model.generationConfig = {};
    expect((model.generate({ inputIds, maxNewTokens: 15, eosTokenId }).toArray() as number[][]).flatMap((row, i) => row.slice(end(i) + 1)).every((id) => id === eosTokenId[0])).toBe(true);
    model.generationConfig = { padTokenId: 0 };
  });

  it('what a row draws does not hang on when others end', () => {
    const eosTokenId = (model.generate({ inputIds, doSample: true, seed: 6, maxNewTokens: 10 }).toArray() as number[][])[0][4];
    const [free, ended] = [{}, { eosTokenId }].map((more) => (model.generate({ inputIds, doSample: true, seed: 6, maxNewTokens: 10, ...more }).toArray() as number[][])[1]);
    const end = free.indexOf(eosTokenId, 3);
    expect(ended.slice(0, end < 0 ? 13 : end)).toEqual(free.slice(0, end < 0 ? 13 : end));
  });

  it('writes several texts for each row, side by side', () => {
    const sequences = model.generate({ inputIds, doSample: true, numReturnSequences: 3, seed: 1, maxNewTokens: 10 });
    expect(sequences.shape).toEqual([6, 13]);
    expect(sequences.narrow(1, 0, 3).toArray()).toEqual([0, 0, 0, 1, 1, 1].map((row) => inputIds.select(0, row).toArray()));
    expect(new Set(sequences.unbind(0).map((row) => row.toTypedArray().join())).size).toBe(6);
  });

  it('goes on from what an earlier call remembers', () => {
    const whole = model.generate({ inputIds, maxNewTokens: 10 });
    const first = model.generate({ inputIds, maxNewTokens: 4, returnDictInGenerate: true });
    expect(first.pastKeyValues?.length).toBe(6);
    const next = model.generate({ inputIds: first.sequences, pastKeyValues: first.pastKeyValues, maxNewTokens: 6, returnDictInGenerate: true });
    expect(next.sequences.toArray()).toEqual(whole.toArray());
    expect(next.pastKeyValues).toBe(first.pastKeyValues);
    expect(() => model.generate({ inputIds, pastKeyValues: first.pastKeyValues })).toThrow('pastKeyValues hold 12 tokens, but inputIds have 3; give all tokens');
  });

  it('gives each token as it comes', () => {
    const columns = [...model.stream({ inputIds, maxNewTokens: 5 })];
    expect(columns.map((column) => [...column])).toEqual((model.generate({ inputIds, maxNewTokens: 5 }).transpose().toArray() as number[][]).slice(3));
    const [first] = model.stream({ inputIds });
    expect([...first]).toEqual([...columns[0]]);
  });

  it('takes in each token once: the whole text at first, then one at a time; without a cache all of it', () => {
    const lengths: number[] = [];
    class Counting extends BertLMHeadModel {
      override forward(inputs: CausalInputs): CausalOutput {
        lengths.push(inputs.inputIds?.shape[1] ?? 0);
        const output = super.forward(inputs);
        expect([output.logits.shape[1], output.logits.requiresGrad]).toEqual([1, false]);
        return output;
      }
    }
    const counting = new Counting(options).eval();
    counting.generate({ inputIds, maxNewTokens: 3 });
    counting.generate({ inputIds, maxNewTokens: 3, useCache: false });
    expect(lengths).toEqual([3, 1, 1, 3, 4, 5]);
  });

  it('reproduces transformers\' positions for RoBERTa where they are given, and has the model\'s own otherwise', () => {
    const roberta = seeded(new RobertaForCausalLM({ ...options, padTokenId: 1 }));
    const given = roberta.generate({ inputIds, positionIds: ids([2, 3, 4], [2, 3, 4]), eosTokenId: null, maxNewTokens: 6 });
    expect(roberta.generate({ inputIds, eosTokenId: null, maxNewTokens: 6 }).toArray()).toEqual(given.toArray());
    expect(roberta.generate({ inputIds, positionIds: ids([0, 1, 2], [0, 1, 2]), eosTokenId: null, maxNewTokens: 6 }).toArray()).not.toEqual(given.toArray());
  });

  it('begins with bosTokenId where nothing is given', () => {
    expect(model.generate({ bosTokenId: 4, maxNewTokens: 3 }).toArray()).toEqual(model.generate({ inputIds: ids([4]), maxNewTokens: 3 }).toArray());
    expect(() => model.generate()).toThrow('give inputIds, what each text begins with, or bosTokenId');
  });

  it('has processors of the caller\'s own between', () => {
    const sequences = model.generate({ inputIds, maxNewTokens: 6, logitsProcessor: [(scores, tokens) => scores.fill(-Infinity).fill(tokens.length, tokens.length, tokens.length + 1)] });
    expect(sequences.narrow(1, 3, 6).toArray()).toEqual([[3, 4, 5, 6, 7, 8], [3, 4, 5, 6, 7, 8]]);
    expect(() => model.generate({ inputIds, logitsProcessor: [(scores) => scores.fill(-Infinity)] })).toThrow('no token can come next');
    expect(() => model.generate({ inputIds, logitsProcessor: [(scores) => scores.fill(NaN, 7)] })).toThrow('the score of token 7 is NaN');
  });

  it.each<[object, string]>([
    [{ maxNewTokens: 0 }, 'maxNewTokens must be a whole number from 1 on, not 0'],
    [{ maxLength: 3 }, 'begins with 3 tokens already, but maxLength is 3'],
    [{ maxNewTokens: 39 }, 'a text of 42 tokens is above what the 40 positions of the model allow; give a maxNewTokens of at most 38'],
    [{ temperature: 0 }, 'temperature must be above 0'],
    [{ topK: 1.5 }, 'topK must be a whole number from 0 on, not 1.5'],
    [{ topP: 1.1 }, 'topP must be from 0 to 1, not 1.1'],
    [{ minP: -1 }, 'minP must be from 0 to 1'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty must be above 0, not 0'],
    [{ numReturnSequences: 2 }, 'without doSample would be the same text 2 times'],
    [{ numBeams: 4 }, 'there is no beam search; give numBeams: 1'],
    [{ padTokenId: 23 }, 'padTokenId 23 is not one of the 23 ids'],
    [{ eosTokenId: -1 }, 'eosTokenId must be a whole number from 0 on'],
    [{ seed: -1 }, 'a seed must be an integer'],
    [{ attentionMask: ids([1, 1, 0], [1, 1, 1]) }, 'a row ends in padding, but the next token comes after its last one; pad on the left'],
    [{ attentionMask: ids([1, 1]) }, 'attentionMask must be [2, 3] as inputIds, not [1, 2]'],
    [{ positionIds: ids([1, 1]) }, 'positionIds must be [2, 3] as inputIds, not [1, 2]'],
    [{ inputIds: tensor([1, 2]) }, 'inputIds must be [batch, length]'],
  ])('refuses %j before it computes anything', (wrong, message) => {
    class Idle extends BertLMHeadModel {
      override forward(): never {
        throw new TypeError('computed');
      }
    }
    const idle = new Idle(options);
    expect(() => idle.generate({ inputIds, ...wrong })).toThrow(ArgumentError);
    expect(() => idle.generate({ inputIds, ...wrong })).toThrow(message);
  });

  it('is what decoders do, up to the last of their positions', () => {
    expect(() => new BertLMHeadModel({ ...options, isDecoder: false }).generate({ inputIds })).toThrow('set is_decoder in its config');
    expect(model.generate({ inputIds, maxNewTokens: 38 }).shape).toEqual([2, 41]);
    expect(model.generate({ inputIds: ids(Array.from({ length: 39 }, () => 4)) }).shape).toEqual([1, 40]);
  });
});

describe('generation_config.json', () => {
  it('is read and saved; without it config.json counts, as in older models', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'strided-generation-'));
    try {
      const file = join(folder, 'generation_config.json');
      model.generationConfig = { eosTokenId: [3, 4], padTokenId: 2, maxNewTokens: 2, temperature: 2 };
      await model.savePretrained(folder);
      expect(await readFile(file, 'utf8')).toBe('{\n  "eos_token_id": [\n    3,\n    4\n  ],\n  "pad_token_id": 2,\n  "max_new_tokens": 2,\n  "temperature": 2.0\n}\n');
      const again = await BertLMHeadModel.fromPretrained(folder);
      expect(again.generationConfig).toEqual(model.generationConfig);
      expect(again.generate({ inputIds }).shape).toEqual([2, 5]);
      expect(again.generate({ inputIds, maxLength: 4 }).shape).toEqual([2, 4]);
      await writeFile(file, '{"top_k": 4, "num_beams": 3, "typical_p": 1.0, "length_penalty": 2.0}');
      expect((await BertLMHeadModel.fromPretrained(folder)).generationConfig).toEqual({ topK: 4, numBeams: 3 });
      await writeFile(file, '{"typical_p": 0.5}');
      await expect(BertLMHeadModel.fromPretrained(folder)).rejects.toThrow('generation_config.json: typical_p 0.5 is not supported');
      await writeFile(file, '{"do_sample": "yes"}');
      await expect(BertLMHeadModel.fromPretrained(folder)).rejects.toThrow('do_sample must be true or false, not "yes"');
      await rm(file);
      expect((await BertLMHeadModel.fromPretrained(folder)).generationConfig).toEqual({ padTokenId: 0 });
    } finally {
      model.generationConfig = { padTokenId: 0 };
      await rm(folder, { recursive: true });
    }
  });

  it('ids that begin and end texts come from the family or the options', () => {
    expect(new RobertaForCausalLM({ ...options, padTokenId: 1 }).generationConfig).toEqual({ bosTokenId: 0, eosTokenId: 2, padTokenId: 1 });
    expect(new RobertaForCausalLM({ ...options, padTokenId: 1, eosTokenId: null }).generationConfig).toEqual({ bosTokenId: 0, eosTokenId: null, padTokenId: 1 });
    expect(new BertLMHeadModel({ ...options, eosTokenId: [4, 5], bosTokenId: 3 }).generationConfig).toEqual({ bosTokenId: 3, eosTokenId: [4, 5], padTokenId: 0 });
  });
});

const scoresOf = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 30 }).map((values) => Float32Array.from(values));

describe('choosing', () => {
  it('draws each token as often as softmax says', () => {
    const generator = new Generator(9);
    const scores = Float32Array.of(1, -Infinity, 2, 0.5, -3);
    const counts = new Float64Array(5);
    for (let i = 0; i < 20000; i++) counts[drawn(scores, generator.uniform())]++;
    const parts = [...scores].map((score) => Math.exp(score));
    const total = parts.reduce((sum, part) => sum + part, 0);
    // Five standard deviations.
    parts.forEach((part, i) => expect(Math.abs(counts[i] / 20000 - part / total)).toBeLessThanOrEqual(5 * Math.sqrt(part / total / 20000)));
    expect(counts[1]).toBe(0);
  });

  it('always gives a token that is allowed, at both ends of the range', () => {
    fc.assert(fc.property(scoresOf, fc.array(fc.boolean(), { maxLength: 29 }), fc.constantFrom(0, 0.5, 1 - 2 ** -53), (scores, out, share) => {
      out.forEach((gone, i) => {
        if (gone && i < scores.length - 1) scores[i] = -Infinity;
      });
      expect(scores[drawn(scores, share)]).toBeGreaterThan(-Infinity);
      expect(scores.some((score) => score > scores[likeliest(scores, 0)])).toBe(false);
    }));
  });

  it('topK and topP keep the likeliest, as many as are asked for', () => {
    fc.assert(fc.property(scoresOf, fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (scores, k, p) => {
      const kept = (filter: (scores: Float32Array, tokens: Int32Array) => void): number[] => {
        const own = scores.slice();
        filter(own, new Int32Array(0));
        own.forEach((score, i) => expect(score === scores[i] || score === -Infinity).toBe(true));
        return [...own].filter((score) => score > -Infinity).sort((a, b) => a - b);
      };
      const sorted = [...scores].sort((a, b) => a - b);
      expect(new Set(kept(topK(k)))).toEqual(new Set(sorted.slice(-k)));
      const nucleus = kept(topP(p));
      const weight = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.exp(value), 0) / sorted.reduce((sum, value) => sum + Math.exp(value), 0);
      expect(nucleus.length).toBeGreaterThan(0);
      expect(weight(nucleus)).toBeGreaterThanOrEqual(p - 1e-9);
      // One fewer would not do.
      expect(weight(nucleus.filter((value) => value > nucleus[0]))).toBeLessThanOrEqual(p + 1e-9);
    }));
  });

  it('noRepeatNgram leaves no run that is there twice', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 }), (size, tokens) => {
      const scores = new Float32Array(4);
      noRepeatNgram(size)(scores, Int32Array.from(tokens));
      const runs = new Set(tokens.flatMap((_, i) => (i + size <= tokens.length ? [tokens.slice(i, i + size).join()] : [])));
      scores.forEach((score, token) => {
        const next = [...tokens, token];
        expect(score === -Infinity).toBe(next.length >= size && runs.has(next.slice(next.length - size).join()));
      });
    }));
  });
});
