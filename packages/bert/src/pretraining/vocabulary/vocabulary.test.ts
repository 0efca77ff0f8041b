import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WordPiece } from '../../tokenizer/wordPiece.ts';
import {
  BERT_SPECIAL_TOKENS, buildWhitespaceVocabulary, compareCodePoints, countWords, learnWordPieces, splitAtWhitespace, WhitespaceTokenizer, type WordCounts,
} from './vocabulary.ts';

const countsOf = (words: Iterable<[string, number]>): WordCounts => ({ words: new Map(words), undercount: 0 });
const wordCounts = fc.array(fc.tuple(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '😀'), minLength: 1, maxLength: 7 }), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 12 });

/** The definition, counted anew for every merge. */
function learnNaively(counts: WordCounts, vocabSize: number, minFrequency: number): string[] {
  const characters = new Set([...counts.words.keys()].flatMap((word) => Array.from(word)));
  const later = new Set([...counts.words.keys()].flatMap((word) => Array.from(word).slice(1)));
  const tokens: string[] = [...BERT_SPECIAL_TOKENS, ...[...characters].sort(compareCodePoints), ...[...later].sort(compareCodePoints).map((c) => `##${c}`)];
  let words = [...counts.words].map(([word, count]) => ({ pieces: Array.from(word).map((c, i) => (i === 0 ? c : `##${c}`)), count }));
  while (tokens.length < vocabSize) {
    const pairs = new Map<string, number>();
    for (const { pieces, count } of words) for (let i = 1; i < pieces.length; i++) {
      const key = `${tokens.indexOf(pieces[i - 1])} ${tokens.indexOf(pieces[i])}`;
      pairs.set(key, (pairs.get(key) ?? 0) + count);
    }
    const ranked = [...pairs].map(([key, count]) => ({ ids: key.split(' ').map(Number), count }));
    ranked.sort((x, y) => y.count - x.count || x.ids[0] - y.ids[0] || x.ids[1] - y.ids[1]);
    const best = ranked[0];
    if (best === undefined || best.count < minFrequency) break;
    const [left, right] = best.ids.map((id) => tokens[id]);
    const merged = left + right.replace(/^##/, '');
    if (!tokens.includes(merged)) tokens.push(merged);
    words = words.map(({ pieces, count }) => {
      const next: string[] = [];
      for (let i = 0; i < pieces.length; i++) {
        if (pieces[i] === left && pieces[i + 1] === right) {
          next.push(merged);
          i++;
        } else next.push(pieces[i]);
      }
      return { pieces: next, count };
    });
  }
  return tokens;
}

describe('learnWordPieces', () => {
  it('equals its definition, counted anew for every merge', () => {
    fc.assert(
      fc.property(wordCounts, fc.integer({ min: 11, max: 40 }), fc.integer({ min: 1, max: 3 }), (words, vocabSize, minFrequency) => {
        const counts = countsOf(words);
        const expected = learnNaively(counts, vocabSize, minFrequency);
        if (expected.length > vocabSize) return;
        expect(learnWordPieces(counts, { vocabSize, minFrequency }).tokens).toEqual(expected);
      }),
    );
  });

  it('does not depend on the order of the words, and spells every word it learned from', () => {
    fc.assert(
      fc.property(wordCounts, (words) => {
        const counts = countsOf(words);
        const vocabulary = learnWordPieces(counts, { vocabSize: 30 });
        expect(learnWordPieces(countsOf([...counts.words].reverse()), { vocabSize: 30 }).tokens).toEqual(vocabulary.tokens);
        const pieces = new WordPiece(vocabulary);
        for (const word of counts.words.keys()) expect(pieces.tokenize(word).join('').replaceAll('##', '')).toBe(word);
      }),
    );
  });

  it('merges a a a once', () => {
    expect(learnWordPieces(countsOf([['aaaa', 5]]), { vocabSize: 99 }).tokens.slice(5)).toEqual(['a', '##a', '##aa', 'aaa', 'aaaa']);
  });

  it('leaves out words with characters beyond the alphabet', () => {
    const counts = countsOf([['ab', 9], ['ax', 1]]);
    expect(learnWordPieces(counts, { alphabetLimit: 2 }).tokens.slice(5)).toEqual(['a', 'b', '##b', 'ab']);
  });

  it('refuses a size that has no room for characters, and nothing to learn from', () => {
    expect(() => learnWordPieces(countsOf([['abc', 1]]), { vocabSize: 9 })).toThrow('9 pieces have no room for the special tokens and the 3 characters (10 in all)');
    expect(() => learnWordPieces(countsOf([]))).toThrow('there is no word to learn from');
  });
});

describe('countWords', () => {
  it('counts; with too little memory it is never off by more than it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...'abcdefghijklmnop'), { maxLength: 200 }), fc.integer({ min: 2, max: 20 }), async (words, maxWords) => {
        const truth = new Map<string, number>();
        for (const word of words) truth.set(word, (truth.get(word) ?? 0) + 1);
        const counts = await countWords([words.join(' ')], splitAtWhitespace, { maxWords });
        expect(counts.words.size).toBeLessThanOrEqual(maxWords);
        if (truth.size <= maxWords) expect(counts.undercount).toBe(0);
        for (const [word, count] of truth) {
          const found = counts.words.get(word) ?? 0;
          expect(found).toBeLessThanOrEqual(count);
          expect(found).toBeGreaterThanOrEqual(count - counts.undercount);
        }
      }),
    );
  });
});

describe('whitespace vocabulary', () => {
  it('is pad, unk, eos, sos, mask, then words by falling frequency, ties by code point', async () => {
    const counts = await countWords(['b a c', 'c\tb <mask> d 😀 \uffee'], splitAtWhitespace);
    const vocabulary = buildWhitespaceVocabulary(counts);
    expect(vocabulary.tokens).toEqual(['<pad>', '<unk>', '<eos>', '<sos>', '<mask>', 'b', 'c', 'a', 'd', '\uffee', '😀']);
    expect(buildWhitespaceVocabulary(counts, { maxSize: 1 }).size).toBe(6);
    expect(buildWhitespaceVocabulary(counts, { minFrequency: 2 }).size).toBe(7);
    const tokenizer = new WhitespaceTokenizer(vocabulary);
    expect(tokenizer.encodeIds(' c  zz a ')).toEqual([6, 1, 7]);
    expect(tokenizer.decode([6, 1, 7])).toBe('c <unk> a');
  });

  it('orders strings as UTF-8 bytes are ordered', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(fc.property(text, text, (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }));
  });
});
