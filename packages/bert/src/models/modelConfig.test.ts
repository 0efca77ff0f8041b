import { CheckpointError } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families } from '../auto.ts';
import { formatConfig } from '../fields.ts';
import type { Family, ModelOptions } from './family.ts';
import { ModelConfig } from './modelConfig.ts';

const nasty = fc.oneof(
  fc.constantFrom<unknown>(null, -1, 0, 1, 0.5, 2.5, 1e9, 2 ** 31, 1e300, true, false, '', 'gelu', 'constructor', '__proto__', 'toString', [], {}, [1], ['c2p'], { rope_type: 'default' }, { rope_theta: -1 }),
  fc.jsonValue({ maxDepth: 2 }),
);

describe.each([...families])('%s', (_, family) => {
  const names = [...ModelConfig.fromJson(family, {}, 'config.json').fields.asked];

  it('reads any config.json, or refuses it by the file\'s name', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.tuple(fc.constantFrom(...names), nasty), { selector: ([name]) => name, maxLength: 4 }), (changes) => {
      try {
        const { encoder, heads } = ModelConfig.fromJson(family, Object.fromEntries(changes), 'some/config.json');
        for (const value of Object.values(encoder)) if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        expect(encoder.hiddenSize * encoder.vocabSize).toBeLessThan(8e9);
        expect(encoder.layerKinds.length).toBeGreaterThan(0);
        expect(heads.numLabels).toBeGreaterThan(0);
      } catch (error) {
        expect(error, String(error)).toBeInstanceOf(CheckpointError);
        expect((error as Error).message).toMatch(/^some\/config\.json: /);
        expect((error as Error).message).not.toContain('\n');
      }
    }));
  });

  it('is the same again after it was saved', () => {
    const config = ModelConfig.fromOptions(family, { numLabels: 4, problemType: 'regression' });
    const text = formatConfig(config.json, config.fields.fractions);
    const again = ModelConfig.fromJson(family, JSON.parse(text), 'config.json');
    expect(again.encoder).toEqual(config.encoder);
    expect(again.heads).toEqual(config.heads);
    expect(formatConfig(again.json, again.fields.fractions)).toBe(text);
  });
});

const familyOf = (type: string): Family => {
  const family = families.get(type);
  if (family === undefined) throw new Error(`no family ${type}`);
  return family;
};

it('refuses what is no object, and foreign families', () => {
  const bert = familyOf('bert');
  for (const json of [null, 1, 'x', []]) expect(() => ModelConfig.fromJson(bert, json, 'f')).toThrow('f: must hold a JSON object');
  expect(() => ModelConfig.fromJson(bert, { position_embedding_type: 'relative_key' }, 'f')).toThrow('f: position_embedding_type "relative_key" is not supported: only absolute positions are');
  expect(() => ModelConfig.fromJson(bert, { quantization_config: { bits: 4 } }, 'f')).toThrow('load weights of float16');
});

it('writes whole fractions with a point, as transformers demands', () => {
  expect(formatConfig({ a: 2, b: 2, c: { a: 1e-12, d: [3] }, e: -0.5 }, new Set(['a', 'e']))).toBe('{\n  "a": 2.0,\n  "b": 2,\n  "c": {\n    "a": 1e-12,\n    "d": [\n      3\n    ]\n  },\n  "e": -0.5\n}\n');
});

/** Where each family drops out: embedding, attention weights, attention's output, inside and after the network, after the layer. */
const common = { hiddenDropoutProb: 0.1, attentionProbsDropoutProb: 0.2 } as const;
const bertPlaces = [0.1, 0.2, 0.1, 0, 0.1, 0] as const;
const places: readonly (readonly [string, ModelOptions, readonly number[]])[] = [
  ...['bert', 'roberta', 'xlm-roberta', 'camembert', 'electra', 'mpnet', 'deberta-v2', 'roformer', 'ernie', 'megatron-bert', 'roberta-prelayernorm'].map((type) => [type, common, bertPlaces] as const),
  ['nomic_bert', common, bertPlaces],
  ['albert', common, [0.1, 0.2, 0.1, 0, 0, 0]],
  ['distilbert', { dropout: 0.1, attentionDropout: 0.2 }, [0.1, 0.2, 0, 0, 0.1, 0]],
  ['modernbert', { embeddingDropout: 0.1, attentionDropout: 0.2, mlpDropout: 0.3 }, [0.1, 0.2, 0.2, 0.3, 0, 0]],
  ['eurobert', { attentionDropout: 0.2 }, [0, 0.2, 0, 0, 0, 0]],
];
it.each(places)('%s drops out where transformers does', (type, options, expected) => {
  const { dropout: p } = ModelConfig.fromOptions(familyOf(type), options).encoder;
  expect([p.embedding, p.attention, p.attentionOutput, p.feedForwardInner, p.feedForwardOutput, p.layer]).toEqual(expected);
});
