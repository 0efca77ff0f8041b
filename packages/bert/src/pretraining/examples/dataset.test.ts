import { Generator } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCorpus } from '../corpus/memory.ts';
import type { PretrainingBatch } from './examples.ts';
import { PretrainingDataset, type PretrainingDatasetOptions } from './dataset.ts';

const specialIds = { pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 };
const tokenizer = { encodeIds: (text: string): number[] => Array.from(text, (character) => 5 + (character.codePointAt(0) as number) % 90) };

function corpusOf(documents: number, most: number): MemoryCorpus {
  const sentencesOf = (d: number): string[] => Array.from({ length: 1 + ((d * 7) % most) }, (_, s) => `doc ${d} sentence ${s}.`);
  return MemoryCorpus.fromDocuments(Array.from({ length: documents }, (_, d) => sentencesOf(d)));
}

function datasetOf(options: Partial<PretrainingDatasetOptions> = {}): PretrainingDataset {
  return new PretrainingDataset({
    corpus: corpusOf(12, 9), tokenizer, specialIds, vocabSize: 100, seqLen: 24, batchSize: 4, generator: new Generator(7), ...options,
  });
}

async function take(dataset: PretrainingDataset, count: number): Promise<PretrainingBatch[]> {
  const batches: PretrainingBatch[] = [];
  for (let i = 0; i < count; i++) {
    const batch = await dataset.next();
    if (batch === null) break;
    batches.push(batch);
  }
  return batches;
}

describe('PretrainingDataset', () => {
  it('resumes bit for bit at any step, through JSON, across pools and passes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 7 }), fc.nat(), fc.boolean(), async (before, poolSentences, batchSize, seed, shuffle) => {
        const options = { poolSentences, batchSize, shuffle };
        const dataset = datasetOf({ ...options, generator: new Generator(seed) });
        await take(dataset, before);
        const state = JSON.parse(JSON.stringify(dataset.state)) as typeof dataset.state;
        const expected = await take(dataset, 12);
        const fresh = datasetOf({ ...options, generator: new Generator(999) });
        fresh.state = state;
        expect(fresh.state).toEqual(state);
        expect(await take(fresh, 12)).toEqual(expected);
        expect(fresh.state).toEqual(dataset.state);
      }),
    );
  });

  it('a pass gives every first sentence once, in another order each time', async () => {
    const dataset = datasetOf({ batchSize: 1, poolSentences: 10, seqLen: 64, masking: { probability: 0 } });
    const pass = async (): Promise<string[]> => {
      const firsts: string[] = [];
      for (const batch of await take(dataset, dataset.examplesPerEpoch)) {
        firsts.push(batch.inputIds.slice(1, batch.segmentLabels.lastIndexOf(1)).join(' '));
      }
      return firsts;
    };
    const [first, second] = [await pass(), await pass()];
    expect(dataset.state.epoch).toBe(1);
    expect(new Set(first).size).toBe(dataset.examplesPerEpoch);
    expect([...second].sort()).toEqual([...first].sort());
    expect(second).not.toEqual(first);
  });

  it('ends after the passes that were asked for, with what is left as the last batch', async () => {
    const dataset = datasetOf({ epochs: 2, batchSize: 10 });
    const sizes: number[] = [];
    for await (const batch of dataset) sizes.push(batch.batchSize);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2 * dataset.examplesPerEpoch);
    expect(sizes.slice(0, -1).every((size) => size === 10)).toBe(true);
    expect(await dataset.next()).toBeNull();
    expect(await datasetOf({ epochs: 0 }).next()).toBeNull();
  });

  it('pads to seqLen on request', async () => {
    expect((await datasetOf({ padTo: 'seqLen', seqLen: 64 }).next())?.seqLen).toBe(64);
  });

  it('refuses what cannot train', () => {
    expect(() => datasetOf({ corpus: MemoryCorpus.fromDocuments([['one'], ['two']]) })).toThrow('no sentence follows another');
    expect(() => datasetOf({ seqLen: 4 })).toThrow('seqLen must be a whole number from 5, not 4');
    expect(() => datasetOf({ batchSize: 0 })).toThrow('batchSize must be a whole number from 1, not 0');
    const dataset = datasetOf();
    const { state } = datasetOf({ corpus: corpusOf(3, 9) });
    expect(() => (dataset.state = state)).toThrow('resume with the same corpus');
  });
});
