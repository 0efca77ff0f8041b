import { Generator } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCorpus } from '../corpus/memory.ts';
import { blockOrder, poolRange, SentencePool } from './pairs.ts';

const text = fc.constantFrom('a', 'b', 'c', 'd');
const documents = fc.array(fc.array(text, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });

describe('SentencePool', () => {
  it('visits every true pair once, and a random second sentence is never the true one, by place or by text', () => {
    fc.assert(
      fc.property(documents, fc.boolean(), fc.nat(), (blocks, paired, seed) => {
        const kind = paired ? 'pairs' : 'documents';
        const used = paired ? blocks.map((block) => [...block, ...block]) : blocks;
        const pool = new SentencePool(used, kind);
        const generator = new Generator(seed);
        pool.shuffle(generator);
        const seen: number[] = [];
        for (let i = 0; i < pool.pairCount; i++) {
          const state = generator.state;
          try {
            const { a, b, isNext } = pool.pair(i, generator);
            seen.push(a);
            if (isNext) expect(b).toBe(a + 1);
            else expect(pool.sentences[b]).not.toBe(pool.sentences[a + 1]);
            if (paired) expect(b % 2).toBe(1);
            generator.state = state;
            expect(pool.pair(i, generator)).toEqual({ a, b, isNext });
          } catch (error) {
            if (!/there is no other sentence/.test(String(error))) throw error;
            const seconds = pool.sentences.filter((_, at) => !paired || at % 2 === 1);
            expect(new Set(seconds).size).toBe(1);
            return;
          }
        }
        const firsts: number[] = [];
        let base = 0;
        for (const block of used) {
          for (let i = 0; i + 1 < block.length; i += paired ? 2 : 1) firsts.push(base + i);
          base += block.length;
        }
        expect(seen.sort((x, y) => x - y)).toEqual(firsts);
      }),
    );
  });

  it('is the next sentence half of the time (within 4 standard deviations)', () => {
    const pool = new SentencePool([Array.from({ length: 101 }, (_, i) => `s${i}`)], 'documents');
    const generator = new Generator(11);
    let next = 0;
    for (let i = 0; i < 10_000; i++) if (pool.pair(i % 100, generator).isNext) next++;
    expect(Math.abs(next - 5000)).toBeLessThan(200);
  });
});

describe('poolRange', () => {
  it('partitions the order; no pool but the only one is below half the size', () => {
    fc.assert(
      fc.property(documents, fc.integer({ min: 1, max: 20 }), (blocks, size) => {
        const corpus = MemoryCorpus.fromDocuments(blocks);
        const order = blockOrder(corpus.blockCount, new Generator(1));
        let from = 0;
        while (from < order.length) {
          const { to } = poolRange(corpus, order, from, size);
          expect(to).toBeGreaterThan(from);
          const held = order.slice(from, to).reduce((sum, block) => sum + corpus.sentencesIn(block), 0);
          if (!(from === 0 && to === order.length)) expect(2 * held).toBeGreaterThanOrEqual(size);
          from = to;
        }
        expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
      }),
    );
  });
});
