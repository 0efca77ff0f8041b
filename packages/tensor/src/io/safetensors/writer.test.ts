import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileDType } from '../../dtype.ts';
import { bytesPerElement } from '../../dtype.ts';
import { ArgumentError } from '../../errors.ts';
import type { RawTensor } from './codec.ts';
import { dtypeNames } from './header.ts';
import { SafetensorsFile } from './reader.ts';
import { compareNames, safetensorsBytes, safetensorsChunks } from './writer.ts';

const numRuns = Number(process.env.STRIDED_RUNS ?? 100);

const rawTensor = fc.tuple(fc.constantFrom(...Object.keys(dtypeNames) as FileDType[]), fc.array(fc.nat({ max: 3 }), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const length = bytesPerElement(dtype) * shape.reduce((product, size) => product * size, 1);
    const byte = dtype === 'bool' ? fc.nat({ max: 1 }) : fc.nat({ max: 255 });
    return fc.array(byte, { minLength: length, maxLength: length })
      .map((bytes): RawTensor => ({ dtype, shape, bytes: Uint8Array.from(bytes) }));
  });
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '', '1', '0'));
const name = text.filter((value) => value !== '__metadata__');
const tensorMap = fc.array(fc.tuple(name, rawTensor), { maxLength: 6 }).map((entries) => new Map(entries));
const metadataMap = fc.array(fc.tuple(text, text), { maxLength: 3 }).map((entries) => new Map(entries));

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

describe('safetensorsBytes', () => {
  it('what is written is read back: every dtype, shape, name and metadata', async () => {
    await fc.assert(fc.asyncProperty(tensorMap, metadataMap, async (tensors, metadata) => {
      const file = await SafetensorsFile.open(safetensorsBytes(tensors, { metadata }));
      expect(sorted(await file.readAll())).toEqual(sorted(tensors));
      expect(sorted(file.metadata)).toEqual(sorted(metadata));
    }), { numRuns });
  });

  it('gives the same bytes whatever the order of tensors and metadata', () => {
    const shuffled = tensorMap.chain((tensors) => fc.tuple(fc.constant(tensors), fc.shuffledSubarray([...tensors], { minLength: tensors.size })));
    fc.assert(fc.property(shuffled, metadataMap, ([tensors, other], metadata) => {
      expect(safetensorsBytes(new Map(other), { metadata: new Map([...metadata].reverse()) })).toEqual(safetensorsBytes(tensors, { metadata }));
    }), { numRuns });
  });

  it('aligns the data to 8 bytes and each tensor to its element', async () => {
    await fc.assert(fc.asyncProperty(tensorMap, metadataMap, async (tensors, metadata) => {
      const bytes = safetensorsBytes(tensors, { metadata });
      expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
      const file = await SafetensorsFile.open(bytes);
      for (const tensor of file.names) {
        const { start, dtype } = file.info(tensor);
        expect(start % bytesPerElement(dtype)).toBe(0);
      }
    }), { numRuns });
  });

  it('takes an object as well as a Map', () => {
    const x = { dtype: 'uint8', shape: [1], bytes: Uint8Array.of(7) } as const;
    expect(safetensorsBytes({ x }, { metadata: { a: 'b' } })).toEqual(safetensorsBytes(new Map([['x', x]]), { metadata: new Map([['a', 'b']]) }));
  });

  it('writes these very bytes', () => {
    const bytes = safetensorsBytes({
      b: { dtype: 'uint8', shape: [2], bytes: Uint8Array.of(1, 2) },
      a: { dtype: 'float16', shape: [], bytes: Uint8Array.of(0, 0x3c) },
    }, { metadata: { format: 'pt' } });
    const json = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}';
    const header = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect(new TextDecoder().decode(bytes.subarray(8, -4))).toBe(header);
    expect([...bytes.subarray(0, 8)]).toEqual([header.length, 0, 0, 0, 0, 0, 0, 0]);
    expect([...bytes.subarray(-4)]).toEqual([0, 0x3c, 1, 2]);
  });

  it('puts tensors in the reference library\'s order: wider dtypes first, then names by code point', async () => {
    const all = (Object.keys(dtypeNames) as FileDType[]).map((dtype) => [dtype, { dtype, shape: [1], bytes: new Uint8Array(bytesPerElement(dtype)) }] as const);
    expect((await SafetensorsFile.open(safetensorsBytes(new Map(all)))).names)
      .toEqual(['int64', 'float64', 'float32', 'int32', 'bfloat16', 'float16', 'int8', 'uint8', 'bool']);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareNames(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }), { numRuns: numRuns * 10 });
    expect(compareNames('\uffff', '😀')).toBeLessThan(0);
  });
});

describe('safetensorsChunks', () => {
  it('asks for a tensor\'s bytes when its turn comes, once', () => {
    const asked: string[] = [];
    const lazy = (label: string): RawTensor => ({
      dtype: 'uint8',
      shape: [1],
      get bytes() {
        asked.push(label);
        return Uint8Array.of(1);
      },
    });
    const chunks = safetensorsChunks({ a: lazy('a'), b: lazy('b') });
    chunks.next();
    expect(asked).toEqual([]);
    chunks.next();
    expect(asked).toEqual(['a']);
    expect([...chunks].length).toBe(1);
    expect(asked).toEqual(['a', 'b']);
  });

  const tensor = { dtype: 'float32', shape: [1], bytes: new Uint8Array(4) } as const;
  it.each([
    ['a tensor called __metadata__', () => safetensorsChunks({ __metadata__: tensor }), 'cannot be called "__metadata__"'],
    ['half a surrogate pair in a name', () => safetensorsChunks({ 'a\ud800': tensor }), 'surrogate'],
    ['half a surrogate pair in metadata', () => safetensorsChunks({}, { metadata: { a: '\udc00' } }), 'surrogate'],
    // @ts-expect-error -- metadata is text
    ['metadata that is not text', () => safetensorsChunks({}, { metadata: { epoch: 3 } }), 'metadata "epoch" is a number'],
    ['a size that is no whole number', () => safetensorsChunks({ x: { ...tensor, shape: [1.5] } }), 'has shape [1.5]'],
    ['a negative size', () => safetensorsChunks({ x: { ...tensor, shape: [-1] } }), 'has shape [-1]'],
    ['a product that overflows', () => safetensorsChunks({ x: { ...tensor, shape: [2 ** 50, 2 ** 50, 0] } }), 'fits in 2^53'],
    ['too many axes', () => safetensorsChunks({ x: { ...tensor, shape: Array<number>(65).fill(1) } }), 'at most 64 sizes'],
    // @ts-expect-error -- no such dtype
    ['an unknown dtype', () => safetensorsChunks({ x: { ...tensor, dtype: 'float8' } }), 'has dtype "float8"'],
    ['bytes that do not fill the shape', () => [...safetensorsChunks({ x: { ...tensor, shape: [2] } })], 'takes 8 bytes, but there are 4'],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrow(ArgumentError);
    expect(attempt).toThrow(message);
  });
});

describe.each(['model', 'case'])('a file that PyTorch wrote: seed.pretrain/%s.safetensors', (which) => {
  const path = fileURLToPath(new URL(`../../../../../tests/golden/cases/seed.pretrain/${which}.safetensors`, import.meta.url));

  it('is read from disk, and written again it is the same file, byte for byte', async () => {
    const file = await SafetensorsFile.open(path);
    const tensors = await file.readAll();
    await file.close();
    expect(tensors.size).toBe(which === 'model' ? 39 : 86);
    const written = safetensorsBytes(new Map([...tensors].reverse()), { metadata: file.metadata });
    expect(Buffer.compare(written, readFileSync(path))).toBe(0);
  });
});
