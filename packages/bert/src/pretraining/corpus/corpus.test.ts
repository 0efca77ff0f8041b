import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Corpus, examplesIn, readCorpus, type CorpusKind, sentencesOf, type TextFile } from './corpus.ts';
import { openTextFile } from './open.node.ts';
import { FileCorpus } from './file.ts';
import { readLines } from './lines.ts';
import { MemoryCorpus } from './memory.ts';

async function* chunked(content: Uint8Array | string, size: number): AsyncGenerator<Uint8Array | string> {
  // One buffer for all, as a source may: a reader that keeps a view of it would see it change.
  const buffer = new Uint8Array(size);
  for (let at = 0; at < content.length; at += size) {
    const part = content.slice(at, at + size);
    if (typeof part === 'string') yield part;
    else {
      buffer.set(part);
      yield buffer.subarray(0, part.length);
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fileOf = (content: string, name = 'corpus.txt', size = 7): TextFile => ({
  name,
  chunks: () => chunked(bytes(content), size) as AsyncIterable<Uint8Array>,
  read: (start, end) => Promise.resolve(bytes(content).slice(start, end)),
});
const blocks = async (content: string, kind: CorpusKind, size = 7) =>
  (await collect(readCorpus(chunked(bytes(content), size), 'c.txt', kind))).map(({ sentences }) => sentences);

describe('readLines', () => {
  it('equals split, whatever the chunks, of bytes or strings; offsets point at each line', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '世', '😀', ' ', '\t', '\ufeff') });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 9 }), async (lines, end, bom, asText, size) => {
        const content = (bom ? '\ufeff' : '') + lines.map((one) => one + end).join('');
        const read = await collect(readLines(chunked(asText ? content : bytes(content), size), 'c.txt'));
        const expected = content.replace(/^\ufeff/, '').split(/\r?\n/).slice(0, -1);
        expect(read.map(({ text }) => text)).toEqual(lines.length === 0 ? (bom ? [''] : []) : expected);
        read.forEach(({ text, number, offset, end: stop }, i) => {
          expect(number).toBe(i + 1);
          expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes(content).slice(offset, stop))).toBe(text);
        });
      }),
    );
  });

  it('takes a last line without an end', async () => {
    expect((await collect(readLines(chunked('a\nb', 1), 'c.txt'))).map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('names the line of binary data, and refuses a line without end', async () => {
    const run = (content: Uint8Array): Promise<unknown> => collect(readLines(chunked(content, 3), 'c.bin'));
    await expect(run(Uint8Array.of(97, 10, 98, 0, 10))).rejects.toThrow('c.bin:2: a NUL byte, so this is not a text file');
    await expect(run(Uint8Array.of(97, 10, 10, 0xff, 0xfe))).rejects.toThrow('c.bin:3: not valid UTF-8');
    await expect(collect(readLines(chunked(new Uint8Array((1 << 24) + 9).fill(97), 1 << 20), 'c.bin'))).rejects.toThrow('c.bin:1: no line end within 16 MiB');
  });
});

describe('readCorpus', () => {
  it('takes documents between blank lines, however many, and trims sentences', async () => {
    expect(await blocks('\n\n a \nb\r\n \t\n\n\nc\n\n', 'documents')).toEqual([['a', 'b'], ['c']]);
  });

  it('cuts a document that goes on and on', async () => {
    const sizes = (await blocks('x\n'.repeat(10_000), 'documents', 4096)).map(({ length }) => length);
    expect(sizes).toEqual([4096, 4096, 1808]);
  });

  it('takes pairs, and skips blank lines', async () => {
    expect(await blocks('a\tb\n\n c \t d\n', 'pairs')).toEqual([['a', 'b', 'c', 'd']]);
  });

  it.each([
    ['a\tb\nno tab here\n', 'c.txt:2: no tab; each line must be two sentences with a tab between them'],
    ['a\tb\n\na\tb\tc\n', 'c.txt:3: 2 tabs; each line must be two sentences with one tab between them'],
    ['\tb\n', 'c.txt:1: the first sentence is empty'],
    ['a\t \n', 'c.txt:1: the second sentence is empty'],
    ['', 'c.txt: the corpus is empty; it needs lines of two sentences with a tab between them'],
  ])('refuses the pairs %j', async (content, message) => {
    await expect(blocks(content, 'pairs')).rejects.toThrow(message);
  });

  it.each(['', '\n\n', '\ufeff', ' \r\n\t'])('refuses %j as empty', async (content) => {
    await expect(blocks(content, 'documents')).rejects.toThrow('c.txt: the corpus is empty; it needs one sentence a line');
  });
});

describe('FileCorpus', () => {
  const all = async (corpus: Corpus): Promise<(readonly string[])[]> => Promise.all(Array.from({ length: corpus.blockCount }, (_, block) => corpus.readBlock(block)));

  it('reads any block of any file, as MemoryCorpus holds it', async () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '.'), minLength: 1, maxLength: 4 });
    const document = fc.array(word, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(document, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), async (files, end, bom) => {
        const contents = files.map((documents) => (bom ? '\ufeff' : '') + documents.map((sentences) => sentences.join(end)).join(end + end + end));
        const corpus = await FileCorpus.open(contents.map((content, i) => fileOf(content, `${i}.txt`)), 'documents');
        const memory = MemoryCorpus.fromDocuments(files.flat());
        expect(await all(corpus)).toEqual(await all(memory));
        expect([corpus.sentenceCount, examplesIn(corpus)]).toEqual([memory.sentenceCount, examplesIn(memory)]);
        expect(await collect(sentencesOf(corpus))).toEqual(files.flat(2));
      }),
    );
  });

  it('reads pairs in blocks of 64 lines', async () => {
    const corpus = await FileCorpus.open([fileOf(Array.from({ length: 150 }, (_, i) => `a${i}\tb${i}`).join('\n'))], 'pairs');
    expect([corpus.blockCount, examplesIn(corpus)]).toEqual([3, 150]);
    expect((await corpus.readBlock(2)).slice(0, 4)).toEqual(['a128', 'b128', 'a129', 'b129']);
  });

  it('notices a file that changed', async () => {
    let content = 'a\nb\n\nc\nd\n';
    const file = fileOf(content, 'c.txt');
    const corpus = await FileCorpus.open([{ ...file, read: (start, end) => Promise.resolve(bytes(content).slice(start, end)) }], 'documents');
    content = 'a\nb\n\nc\n';
    await expect(corpus.readBlock(1)).rejects.toThrow('c.txt:4: the file has changed since it was opened');
    content = 'a\nb\n\n\n\n\n\n\n';
    await expect(corpus.readBlock(1)).rejects.toThrow('c.txt:4: the file has changed');
    await expect(FileCorpus.open([], 'pairs')).rejects.toThrow('no file was given');
  });
});

describe('openTextFile', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strided-corpus-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('opens a file for reading through and at random', async () => {
    const path = join(folder, 'c.txt');
    await writeFile(path, 'a\nb\n\nc\nd\n');
    const file = await openTextFile(path);
    const corpus = await FileCorpus.open([file], 'documents');
    expect([await corpus.readBlock(1), await corpus.readBlock(0)]).toEqual([['c', 'd'], ['a', 'b']]);
    await file.close();
  });

  it('says in one line what is wrong with a path', async () => {
    await expect(openTextFile(join(folder, 'none.txt'))).rejects.toThrow(`${join(folder, 'none.txt')}: there is no such file; check the path`);
    await expect(openTextFile(folder)).rejects.toThrow('this is a folder; name the text file in it');
  });
});
