import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertTokenizer, type Encoding, type TruncationStrategy } from './index.ts';

/** What the Rust library computed; offsets are in code points. See the generator beside the golden cases. */
interface GoldenCase {
  readonly text: string;
  readonly pair?: string;
  readonly options: { readonly max_length?: number; readonly stride?: number; readonly strategy?: TruncationStrategy };
  readonly error?: string;
  readonly ids: number[];
  readonly tokens: string[];
  readonly type_ids: number[];
  readonly attention_mask: number[];
  readonly special_tokens_mask: number[];
  readonly offsets: [number, number][];
  readonly word_ids: (number | null)[];
  readonly decoded: string;
  readonly overflowing?: { readonly ids: number[]; readonly offsets: [number, number][] }[];
}

const root = resolve(import.meta.dirname, '../../../..');
const committed = join(root, 'tests/golden/tokenizers');
const shared = join(root, '../shared/goldens/tokenizers');

function optionsOf(one: GoldenCase) {
  const { max_length: maxLength, stride, strategy } = one.options;
  return {
    ...(one.pair === undefined ? {} : { pair: one.pair }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(stride === undefined ? {} : { stride }),
    ...(strategy === undefined ? {} : { truncation: strategy }),
  };
}

function check(tokenizer: BertTokenizer, one: GoldenCase): void {
  const options = optionsOf(one);
  if (one.error !== undefined) {
    expect(() => tokenizer.encode(one.text, options)).toThrow(one.error.includes('stride') ? 'the stride' : 'cannot make room');
    return;
  }
  const points = tokenizer.encode(one.text, { ...options, offsetUnit: 'codePoint' });
  expect({
    ids: points.inputIds,
    tokens: points.tokens,
    type_ids: points.tokenTypeIds,
    attention_mask: points.attentionMask,
    special_tokens_mask: points.specialTokensMask,
    offsets: points.offsets,
    word_ids: points.wordIds,
    overflowing: points.overflowing.map((cut) => ({ ids: cut.inputIds, offsets: cut.offsets })),
    decoded: tokenizer.decode(points.inputIds, { skipSpecialTokens: true }),
  }).toEqual({
    ids: one.ids,
    tokens: one.tokens,
    type_ids: one.type_ids,
    attention_mask: one.attention_mask,
    special_tokens_mask: one.special_tokens_mask,
    offsets: one.offsets,
    word_ids: one.word_ids,
    overflowing: one.overflowing ?? [],
    decoded: one.decoded,
  });
  const units = tokenizer.encode(one.text, options);
  [units, ...units.overflowing].forEach((encoding, i) => {
    const expected = i === 0 ? one.offsets : (one.overflowing ?? [])[i - 1].offsets;
    expect(encoding.offsets).toEqual(expected.map((range, at) => toUnits(encoding, at, range, one)));
  });
}

function toUnits(encoding: Encoding, at: number, [start, end]: [number, number], one: GoldenCase): [number, number] {
  const sequence = encoding.sequenceIds[at];
  if (sequence === null) return [0, 0];
  const points = Array.from(sequence === 0 ? one.text : (one.pair as string));
  const unit = (point: number): number => points.slice(0, point).join('').length;
  return [unit(start), unit(end)];
}

describe('WordPiece equals the Rust library', () => {
  for (const name of ['wordpiece-small', 'wordpiece-uncased', 'wordpiece-cased']) {
    const folder = [committed, shared].map((base) => join(base, name)).find((path) => existsSync(path)) ?? null;
    const sources = folder === null ? [] : sourcesOf(folder);
    it.skipIf(folder === null)(`${name}: tokens, offsets, overflow, text${folder === null ? ' (its vocabulary is not committed, and ../shared is not here)' : ''}`, () => {
      const cases = JSON.parse(readFileSync(join(folder ?? '', 'cases.json'), 'utf8')) as GoldenCase[];
      expect(cases.length).toBeGreaterThan(40);
      for (const tokenizer of sources) for (const one of cases) check(tokenizer, one);
    });
  }
});

/** The same tokenizer from each form of its files: tokenizer.json, what we save of it, and vocab.txt. */
function sourcesOf(folder: string): BertTokenizer[] {
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const fromJson = BertTokenizer.fromFiles({ 'tokenizer.json': read('tokenizer.json') });
  const sources = [fromJson, BertTokenizer.fromFiles(fromJson.toFiles())];
  if (existsSync(join(folder, 'vocab.txt'))) sources.push(BertTokenizer.fromFiles({ 'vocab.txt': read('vocab.txt') }));
  return sources;
}
