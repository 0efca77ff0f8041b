import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addedToken, BertTokenizer, type Encoding } from './index.ts';

const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'a', 'b', '##b', 'un', '##aff', '##able', '!', ',', 'the', 'α', '##σ', "'", 's'];
const files = { 'vocab.txt': vocab.map((token) => `${token}\n`).join('') };
const tokenizer = BertTokenizer.fromFiles(files);
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '𠀀', ' ', '!', 'é', 'the', 'un', 'aff', 'able', '世', '\u0301', '[MASK]', '\ud800', '\n') });
const lengths = (encoding: Encoding): number[] => Object.values(encoding).filter((_, i) => i < 8).map((list: readonly unknown[]) => list.length);

describe('BertTokenizer', () => {
  it('tokenises, with special tokens in the text', () => {
    expect(tokenizer.tokenize('Unaffable [MASK]!')).toEqual(['un', '##aff', '##able', '[MASK]', '!']);
    expect(tokenizer.encode('ab').inputIds).toEqual([2, 5, 7, 3]);
    expect(tokenizer.tokenize('a𠀀b')).toEqual(['a', '[UNK]', 'b']);
    expect(tokenizer.tokenize('a\ud800b \ud800')).toEqual(['a', '##b']);
  });

  it('counts offsets in UTF-16 units or code points', () => {
    expect(tokenizer.encode('𠀀a [MASK]', { addSpecialTokens: false }).offsets).toEqual([[0, 2], [2, 3], [4, 10]]);
    expect(tokenizer.encode('𠀀a [MASK]', { addSpecialTokens: false, offsetUnit: 'codePoint' }).offsets).toEqual([[0, 1], [1, 2], [3, 9]]);
  });

  it('lists are equally long, offsets ascend within the text, ids agree with encodeIds, and padding and overflow obey', () => {
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), fc.integer({ min: 4, max: 12 }), fc.constantFrom(0, 1), fc.constantFrom('left', 'right'), (first, pair, maxLength, stride, side) => {
        const whole = tokenizer.encode(first, { addSpecialTokens: false });
        expect(whole.inputIds).toEqual(tokenizer.encodeIds(first));
        let last = 0;
        for (const [start, end] of whole.offsets) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          last = start;
        }
        expect(last).toBeLessThanOrEqual(first.length);
        const pairs = pair === undefined ? {} : { pair };
        const options = { ...pairs, truncation: true, maxLength: maxLength + (pair === undefined ? 0 : 1), stride: pair === undefined ? stride : 0, truncationSide: side, paddingSide: side, padding: 'max_length', overflow: 'complete' } as const;
        if (pair !== undefined && maxLength < 6) return;
        const encoding = tokenizer.encode(first, options);
        for (const one of [encoding, ...encoding.overflowing]) {
          expect(new Set(lengths(one))).toEqual(new Set([options.maxLength]));
          one.attentionMask.forEach((mask, i) => expect(mask === 0).toBe(one.tokens[i] === '[PAD]'));
        }
        if (pair === undefined) {
          // Every token of the text is in some window.
          const seen = new Set([encoding, ...encoding.overflowing].flatMap((one) => one.offsets.map(String).filter((_, i) => one.sequenceIds[i] === 0)));
          expect(seen).toEqual(new Set(whole.offsets.map(String)));
        }
      }),
    );
  });

  it('stops overflows where the reference does, unless asked for all', () => {
    const long = 'a b '.repeat(10);
    const windows = (overflow: 'reference' | 'complete'): number => tokenizer.encode(long, { truncation: true, maxLength: 6, overflow }).overflowing.length;
    expect([windows('reference'), windows('complete')]).toEqual([1, 4]);
  });

  it('pads a batch as far as its longest, to a multiple, on either side', () => {
    const batch = tokenizer.encodeBatch(['a', 'a b the'], { padding: true, padToMultipleOf: 4, paddingSide: 'left' });
    expect(batch.map(({ inputIds }) => inputIds)).toEqual([[0, 0, 0, 0, 0, 2, 5, 3], [0, 0, 0, 2, 5, 6, 13, 3]]);
    expect(batch[0].specialTokensMask).toEqual([1, 1, 1, 1, 1, 1, 0, 1]);
    expect(tokenizer.encodeBatch([], { padding: true })).toEqual([]);
    expect(tokenizer.encodeBatch(['a'], { pairs: ['b'] })[0].tokenTypeIds).toEqual([0, 0, 0, 1, 1]);
  });

  it('takes words that are split already', () => {
    const encoding = tokenizer.encode(['unaff!', 'zz', '', 'a']);
    expect(encoding.tokens).toEqual(['[CLS]', 'un', '##aff', '!', '[UNK]', 'a', '[SEP]']);
    expect(encoding.wordIds).toEqual([null, 0, 0, 0, 1, 3, null]);
    expect(encoding.offsets).toEqual([[0, 0], [0, 2], [2, 5], [5, 6], [0, 2], [0, 1], [0, 0]]);
  });

  it('decodes, with or without special tokens and clean-up', () => {
    const ids = tokenizer.encode("the unaffable ' s, a!").inputIds;
    expect(tokenizer.decode(ids)).toBe("[CLS] the unaffable ' s, a! [SEP]");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("the unaffable ' s, a!");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpTokenizationSpaces: true })).toBe("the unaffable's, a!");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpTokenizationSpaces: false })).toBe("the unaffable ' s , a !");
    expect(tokenizer.decode(Int32Array.of(5, 999, 6))).toBe('a b');
  });

  it('adds tokens: new ids, stripping, single words, normalised or not', () => {
    const more = BertTokenizer.fromFiles(files);
    const added = more.addTokens(['Foo', addedToken('<x>', { lstrip: true, rstrip: true, normalized: false }), addedToken('bar', { singleWord: true }), 'the']);
    expect([added, more.vocabSize, more.tokenToId('Foo'), more.tokenToId('the')]).toEqual([3, 21, 18, 13]);
    expect(more.tokenize('FOOfoo')).toEqual(['foo', 'foo']);
    const x = more.encode('a <x> b', { addSpecialTokens: false });
    expect([x.tokens, x.offsets]).toEqual([['a', ' <x> ', 'b'], [[0, 1], [1, 6], [6, 7]]]);
    expect(more.encode('<x> <x>', { addSpecialTokens: false }).offsets).toEqual([[0, 4], [4, 7]]);
    expect(more.tokenize('bar barn')).toEqual(['bar', '[UNK]']);
    expect(more.tokenize('theb')).toEqual(['the', 'b']);
    expect(more.addTokens(['[END]'], { special: true })).toBe(1);
    expect(more.decode([5, 21], { skipSpecialTokens: true })).toBe('a');
    expect(() => more.addTokens([''])).toThrow('a token must have content');
    expect(BertTokenizer.fromFiles(more.toFiles()).encode('a <x> FOO').inputIds).toEqual(more.encode('a <x> FOO').inputIds);
  });

  it('knows its special tokens', () => {
    expect([tokenizer.padTokenId, tokenizer.unkTokenId, tokenizer.clsTokenId, tokenizer.sepTokenId, tokenizer.maskTokenId]).toEqual([0, 1, 2, 3, 4]);
    expect([tokenizer.specialToken('mask'), tokenizer.allSpecialIds, tokenizer.numSpecialTokensToAdd(true)]).toEqual(['[MASK]', [0, 1, 2, 3, 4], 3]);
    expect(tokenizer.convertTokensToIds(['a', 'nope'])).toEqual([5, 1]);
    expect(tokenizer.convertIdsToTokens([5, 999])).toEqual(['a', '[UNK]']);
  });

  it.each([
    [{ truncation: 'longest' }, 'truncation must be one of longest_first, only_first, only_second, do_not_truncate, not "longest"'],
    [{ truncation: true, maxLength: 1 }, 'maxLength 1 has no room for the 2 special tokens'],
    [{ truncation: true, maxLength: 4, stride: 2 }, 'the stride (2) must be less than the 2 tokens that are left'],
    [{ truncation: true, maxLength: 40, stride: 39 }, 'the stride (39) must not be more than the 38 tokens that maxLength 40 leaves to a text'],
    [{ truncation: true, maxLength: 2.5 }, 'maxLength must be a whole number from 0, not 2.5'],
    [{ truncation: 'only_second', maxLength: 4 }, 'only_second needs a second text'],
    [{ truncation: 'only_second', maxLength: 2, addSpecialTokens: false }, 'only_second needs a second text'],
    [{ padding: 'max_length' }, 'padding max_length needs a length'],
    [{ padding: true, padToMultipleOf: 0 }, 'padToMultipleOf must be a whole number from 1, not 0'],
    [{ offsetUnit: 'bytes' }, 'offsetUnit must be one of utf16, codePoint'],
  ])('refuses %j', (options, message) => {
    expect(() => tokenizer.encode('a b a b a', options as object)).toThrow(message);
  });

  it('refuses pairs that are fewer than texts', () => {
    expect(() => tokenizer.encodeBatch(['a', 'b'], { pairs: ['a'] })).toThrow('2 texts but 1 pairs');
  });
});
