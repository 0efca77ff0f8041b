import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BasicTokenizer, Vocabulary, WordPiece } from './index.ts';

describe('WordPiece', () => {
  it('takes the longest piece each time, or the unknown token for the whole word', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '😀'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.uniqueArray(piece, { maxLength: 6 }), fc.uniqueArray(piece, { maxLength: 6 }), fc.string({ unit: fc.constantFrom('a', 'b', '😀'), minLength: 1, maxLength: 12 }), (starts, later, word) => {
        const tokens = ['[UNK]', ...starts, ...later.map((one) => `##${one}`)];
        const naive = (): string[] => {
          const found: string[] = [];
          for (let rest = word; rest !== ''; ) {
            const choices = (found.length === 0 ? starts : later).filter((one) => rest.startsWith(one)).sort((a, b) => b.length - a.length);
            if (choices.length === 0) return ['[UNK]'];
            found.push(found.length === 0 ? choices[0] : `##${choices[0]}`);
            rest = rest.slice(choices[0].length);
          }
          return found;
        };
        const pieces = new WordPiece(Vocabulary.fromTokens(tokens));
        expect(pieces.tokenize(word)).toEqual(naive());
        expect(pieces.tokenize(word)).toEqual(naive());
        expect(pieces.split(word).ends.at(-1)).toBe(word.length);
      }),
    );
  });

  it('counts code points for its limit', () => {
    const pieces = new WordPiece(Vocabulary.fromTokens(['[UNK]', '😀', '##😀']), { maxInputCharsPerWord: 3 });
    expect(pieces.tokenize('😀😀😀')).toEqual(['😀', '##😀', '##😀']);
    expect(pieces.tokenize('😀😀😀😀')).toEqual(['[UNK]']);
    expect(() => new WordPiece(Vocabulary.fromTokens(['a']))).toThrow('"[UNK]" is not in the vocabulary');
  });
});

describe('BasicTokenizer', () => {
  it.each([
    ["Don't stop, naïve 世界!", ['don', "'", 't', 'stop', ',', 'naive', '世', '界', '!']],
    ['İSTANBUL ΣΣ ẞ', ['istanbul', 'σσ', 'ß']],
    ['a\u00a0b\u200bc\tEnd\u0000s', ['a', 'bc', 'ends']],
    ['a\u0301\u0323x 한', ['ax', '한'.normalize('NFD')]],
    ['', []],
  ])('splits %j', (text, words) => {
    const basic = new BasicTokenizer();
    expect(basic.tokenize(text)).toEqual(words);
    expect(basic.words(text).map((word) => word.text)).toEqual(words);
  });

  it('puts marks that are not stripped in canonical order', () => {
    expect(new BasicTokenizer().tokenize('x\u{1d16d}\u{1d165}')).toEqual(['x\u{1d165}\u{1d16d}']);
  });

  it('points at the original', () => {
    const text = 'É\u0000a 𠀀b';
    const words = new BasicTokenizer().words(text);
    expect(words.map(({ start, end }) => text.slice(start, end))).toEqual(['É\u0000a', '𠀀', 'b']);
  });

  it('keeps case and accents on request', () => {
    expect(new BasicTokenizer({ lowercase: false }).tokenize('Éa 世')).toEqual(['Éa', '世']);
    expect(new BasicTokenizer({ lowercase: false, stripAccents: true }).tokenize('Éa')).toEqual(['Ea']);
    expect(new BasicTokenizer({ stripAccents: false, handleChineseChars: false }).tokenize('É世')).toEqual(['é世']);
  });
});

describe('Vocabulary', () => {
  it('writes vocab.txt and reads it back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'é', '😀', '#', '\ufeff', ' ', '\n') }), { minLength: 1 }), (tokens) => {
        const vocabulary = Vocabulary.fromTokens(tokens);
        let text: string;
        try {
          text = vocabulary.toText();
        } catch (error) {
          expect(String(error)).toMatch(/does not fit on a line/);
          return;
        }
        expect(Vocabulary.parse(text).tokens).toEqual(tokens);
      }),
    );
  });

  it('lets the last of two equal lines win', () => {
    const vocabulary = Vocabulary.parse('a\nb\na\n');
    expect([vocabulary.id('a'), vocabulary.token(0), vocabulary.size]).toEqual([2, 'a', 3]);
  });

  it('refuses to write what has holes', () => {
    expect(() => Vocabulary.fromIds({ a: 0, b: 2 }).toText()).toThrow('no token has id 1');
  });
});
