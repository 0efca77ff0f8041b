import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { ArgumentError, FormatError, StridedError } from '../../errors.ts';
import type { ByteSource } from '../source.ts';
import { blobSource, memorySource, openSource } from '../source.ts';
import { SafetensorsFile } from './reader.ts';
import { safetensorsBytes } from './writer.ts';

const tensors = new Map([
  ['block.weight', { dtype: 'float32', shape: [2, 2], bytes: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer) }],
  ['flags', { dtype: 'bool', shape: [3], bytes: Uint8Array.of(1, 0, 1) }],
  ['nothing', { dtype: 'int32', shape: [0], bytes: new Uint8Array(0) }],
] as const);
const file = safetensorsBytes(tensors, { metadata: { format: 'pt' } });

/** A source that writes down what is read, and whether it was closed. */
function watched(inner: ByteSource): ByteSource & { readonly reads: [number, number][]; closed: boolean } {
  return {
    name: 'watched.safetensors',
    size: inner.size,
    reads: [],
    closed: false,
    read(start, end) {
      this.reads.push([start, end]);
      return inner.read(start, end);
    },
    async close() {
      this.closed = true;
    },
  };
}

describe.each([
  ['an ArrayBuffer', () => file.buffer],
  ['a Uint8Array inside a larger buffer', () => new Uint8Array([9, ...file, 9]).subarray(1, -1)],
  ['a Node Buffer', () => Buffer.from(file)],
  ['a Blob', () => new Blob([file])],
  ['a source', () => memorySource(file)],
] as const)('SafetensorsFile over %s', (_, input) => {
  it('reads names, metadata, infos and bytes', async () => {
    const reader = await SafetensorsFile.open(input());
    expect(reader.names).toEqual(['block.weight', 'nothing', 'flags']);
    expect([...reader.metadata]).toEqual([['format', 'pt']]);
    expect([reader.has('flags'), reader.has('__proto__')]).toEqual([true, false]);
    expect(reader.info('flags')).toEqual({ dtype: 'bool', shape: [3], start: 16, end: 19 });
    expect(new Map([...await reader.readAll()].sort())).toEqual(tensors);
    await reader.close();
  });

  it('gives bytes that belong to the caller', async () => {
    const given = input();
    const reader = await SafetensorsFile.open(given);
    (await reader.read('flags')).bytes.fill(7);
    expect((await reader.read('flags')).bytes).toEqual(Uint8Array.of(1, 0, 1));
  });
});

describe('random access', () => {
  it('opens with the header alone, then reads a tensor\'s own bytes', async () => {
    const source = watched(memorySource(file));
    const reader = await SafetensorsFile.open(source);
    const start = file.length - 19;
    expect(source.reads).toEqual([[0, 8], [8, start]]);
    source.reads.length = 0;
    await reader.read('flags');
    expect(source.reads).toEqual([[start + 16, start + 19]]);
    await reader.close();
    expect(source.closed).toBe(true);
  });

  it('asks a source that claims a terabyte for no more than the header claims', async () => {
    const size = 2 ** 40;
    const header = new TextEncoder().encode(`{"x":{"dtype":"U8","shape":[${size - 1000}],"data_offsets":[0,${size - 1000}]}}`.padEnd(992));
    const start = new Uint8Array(1000);
    new DataView(start.buffer).setBigUint64(0, 992n, true);
    start.set(header, 8);
    const reader = await SafetensorsFile.open({ name: 'huge', size, read: async (from, to) => start.slice(from, to) });
    expect(reader.info('x').shape).toEqual([size - 1000]);
  });

  it('never asks for a header above the limit, whatever the file\'s size', async () => {
    const source = watched({ name: '', size: 2 ** 45, read: async () => new Uint8Array(BigUint64Array.of(100_000_001n).buffer) });
    await expect(SafetensorsFile.open(source)).rejects.toThrow(FormatError);
    expect(source.reads).toEqual([[0, 8]]);
  });
});

describe('errors', () => {
  it('closes the source when the header is refused', async () => {
    const source = watched(memorySource(file.subarray(0, 40)));
    await expect(SafetensorsFile.open(source)).rejects.toThrow(/^watched\.safetensors: the header claims 224 bytes, but only 32 follow/);
    expect(source.closed).toBe(true);
  });

  it('refuses every proper beginning of a file, and a file with more at its end', async () => {
    for (let length = 0; length < file.length; length++) {
      await expect(SafetensorsFile.open(file.slice(0, length)), `${length} bytes`).rejects.toThrow(FormatError);
    }
    await expect(SafetensorsFile.open(new Uint8Array([...file, 0]))).rejects.toThrow('1 bytes follow tensor "flags"');
  });

  it('names what it does not have, and what it may have been', async () => {
    const reader = await SafetensorsFile.open(file);
    expect(() => reader.info('weight')).toThrow(ArgumentError);
    expect(() => reader.info('weight')).toThrow('did you mean "block.weight"?');
    await expect(reader.read('x')).rejects.toThrow('there is no tensor "x"; it has 3 tensors');
    expect(() => reader.info('__proto__')).toThrow(ArgumentError);
  });

  it('lists an unknown dtype but does not read it', async () => {
    const json = '{"q":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}      ';
    const bytes = new Uint8Array(8 + json.length + 1);
    bytes[0] = json.length;
    bytes.set(new TextEncoder().encode(json), 8);
    const reader = await SafetensorsFile.open(bytes, { listUnknown: true });
    expect(reader.names).toEqual([]);
    expect([...reader.unknown]).toEqual([['q', 'F8_E5M2']]);
    await expect(reader.read('q')).rejects.toThrow('tensor "q" has dtype "F8_E5M2", which Strided does not read');
    await expect(SafetensorsFile.open(bytes)).rejects.toThrow(FormatError);
  });

  it('does not trust a source that gives fewer bytes than it was asked for', async () => {
    const lying: ByteSource = { name: 'lying', size: file.length, read: async (start, end) => file.slice(start, end === file.length ? end - 1 : end) };
    const reader = await SafetensorsFile.open(lying);
    await expect(reader.read('flags')).rejects.toThrow('lying: bytes');
  });
});

describe('openSource', () => {
  it('refuses what is no source, and a URL that is no file', async () => {
    // @ts-expect-error -- a number is not a ByteInput
    await expect(openSource(7)).rejects.toThrow(ArgumentError);
    await expect(openSource(new URL('https://example.com/model.safetensors'))).rejects.toThrow(StridedError);
  });

  it('names a File by its name', () => {
    expect(blobSource(new File([file], 'picked.safetensors')).name).toBe('picked.safetensors');
  });

  it.each([[-1, 2], [2, 1], [0, 1e9], [0.5, 2], [Number.NaN, 3]])('refuses the range %d to %d', async (start, end) => {
    await expect(memorySource(file).read(start, end)).rejects.toThrow(ArgumentError);
    await expect(blobSource(new Blob([file])).read(start, end)).rejects.toThrow(ArgumentError);
  });
});
