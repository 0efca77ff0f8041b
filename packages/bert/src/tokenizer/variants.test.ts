import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertTokenizer, type Encoding, type Side, type TruncationStrategy } from './index.ts';

/** See the generator beside the cases. */
interface VariantCase {
  readonly v: number;
  readonly a: string;
  readonly b: string | null;
  readonly o: { readonly max_length: number; readonly stride: number; readonly strategy: TruncationStrategy; readonly direction: Side } | null;
  readonly s: boolean;
  readonly e: unknown;
  readonly over: unknown;
  readonly text: [string, string];
  readonly error?: true;
}

interface TokenizerFile {
  readonly model: object;
}

const golden = resolve(import.meta.dirname, '../../../../tests/golden/tokenizers');
const read = (path: string): unknown => JSON.parse(readFileSync(join(golden, path), 'utf8'));
const { variants, cases } = read('wordpiece-variants/cases.json') as { variants: TokenizerFile[]; cases: VariantCase[] };
const { vocab } = (read('wordpiece-small/tokenizer.json') as { model: { vocab: object } }).model;
const tokenizers = variants.map((variant) => BertTokenizer.fromFiles({ 'tokenizer.json': { ...variant, model: { ...variant.model, vocab } } }));

const row = (one: Encoding): unknown => [one.inputIds, one.tokens, one.tokenTypeIds, one.specialTokensMask, one.offsets, one.wordIds];

function encode(one: VariantCase): Encoding {
  const cut = one.o === null ? {} : { maxLength: one.o.max_length, stride: one.o.stride, truncation: one.o.strategy, truncationSide: one.o.direction };
  const pair = one.b === null ? {} : { pair: one.b };
  return tokenizers[one.v].encode(one.a, { ...cut, ...pair, addSpecialTokens: one.s, offsetUnit: 'codePoint' });
}

describe('variants of WordPiece on rare text equal the Rust library', () => {
  it(`encodes, truncates and decodes ${cases.length} cases`, () => {
    for (const one of cases) {
      if (one.error === true) {
        expect(() => encode(one), JSON.stringify(one)).toThrow(/cannot make room|the stride|needs a second text/);
        continue;
      }
      const encoding = encode(one);
      expect(row(encoding), JSON.stringify(one)).toEqual(one.e);
      expect(encoding.overflowing.map(row), JSON.stringify(one)).toEqual(one.over);
      const text = [tokenizers[one.v].decode(encoding.inputIds, { skipSpecialTokens: true }), tokenizers[one.v].decode(encoding.inputIds)];
      expect(text).toEqual(one.text);
    }
  });
});
