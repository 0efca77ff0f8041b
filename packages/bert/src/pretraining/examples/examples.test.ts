import { Generator } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildExample, collate } from './examples.ts';
import { Masker } from './masking.ts';

const ids = { pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 };
const masker = new Masker(ids, [], 100);
const sentence = fc.array(fc.integer({ min: 5, max: 99 }), { maxLength: 30 });

/** The example before masking. */
function unmask(example: ReturnType<typeof buildExample>): number[] {
  const tokens = [...example.inputIds];
  example.maskedPositions.forEach((position, i) => (tokens[position] = example.maskedLabels[i]));
  return tokens;
}

describe('buildExample', () => {
  it('is [CLS] A [SEP] B [SEP] with prefixes of both, cut from the longer first', () => {
    fc.assert(
      fc.property(sentence, sentence, fc.integer({ min: 5, max: 70 }), fc.boolean(), fc.nat(), (a, b, seqLen, isNext, seed) => {
        const example = buildExample({ a, b, isNext }, seqLen, ids, masker, new Generator(seed));
        // The slow way: one token after the other from the longer.
        let [p, q] = [a, b];
        while (p.length + q.length + 3 > seqLen) {
          if (p.length > q.length || (p.length === q.length && a.length <= b.length)) p = p.slice(0, -1);
          else q = q.slice(0, -1);
        }
        expect(unmask(example)).toEqual([2, ...p, 3, ...q, 3]);
        expect([...example.segmentLabels]).toEqual([...Array(p.length + 2).fill(1), ...Array(q.length + 1).fill(2)]);
        expect(example.isNext).toBe(isNext ? 1 : 0);
      }),
    );
  });

  it('refuses a length that holds no two sentences', () => {
    expect(() => buildExample({ a: [5], b: [6], isNext: true }, 4, ids, masker, new Generator(1))).toThrow('use at least 5');
  });
});

describe('collate', () => {
  it('pads ids and segments with 0 and points into the flat batch', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sentence, sentence), { minLength: 1, maxLength: 5 }), fc.nat(20), (pairs, more) => {
        const generator = new Generator(3);
        const examples = pairs.map(([a, b], i) => buildExample({ a, b, isNext: i % 2 === 0 }, 64, ids, masker, generator));
        const longest = Math.max(...examples.map((example) => example.inputIds.length));
        const batch = collate(examples, more === 0 ? {} : { seqLen: longest + more });
        expect([batch.batchSize, batch.seqLen]).toEqual([examples.length, longest + more]);
        examples.forEach((example, row) => {
          const at = (values: Int32Array): number[] => Array.from(values.subarray(row * batch.seqLen, (row + 1) * batch.seqLen));
          const padding = Array(batch.seqLen - example.inputIds.length).fill(0);
          expect(at(batch.inputIds)).toEqual([...example.inputIds, ...padding]);
          expect(at(batch.segmentLabels)).toEqual([...example.segmentLabels, ...padding]);
          expect(batch.isNext[row]).toBe(example.isNext);
        });
        const expected = examples.flatMap((example, row) => [...example.maskedPositions].map((position) => row * batch.seqLen + position));
        expect([...batch.maskedPositions]).toEqual(expected);
        expect([...batch.maskedLabels]).toEqual(examples.flatMap((example) => [...example.maskedLabels]));
        expect(batch.tokenCount).toBe(examples.reduce((sum, example) => sum + example.inputIds.length, 0));
      }),
    );
  });

  it('refuses nothing, and what does not fit', () => {
    expect(() => collate([])).toThrow('there is no example');
    const example = buildExample({ a: [5], b: [6], isNext: true }, 8, ids, masker, new Generator(1));
    expect(() => collate([example], { seqLen: 4 })).toThrow('5 tokens, more than seqLen 4');
  });
});
