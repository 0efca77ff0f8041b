import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError, FormatError, StridedError } from '../../errors.ts';
import type { ByteSource } from '../source.ts';
import { memorySource } from '../source.ts';
import type { RawTensor } from './codec.ts';
import { SafetensorsFile } from './reader.ts';
import type { ShardResolver } from './sharded.ts';
import { parseIndex, shardFiles, ShardedSafetensors } from './sharded.ts';
import { safetensorsBytes } from './writer.ts';

const numRuns = Number(process.env.STRIDED_RUNS ?? 100);

function tensor(...bytes: number[]): RawTensor {
  return { dtype: 'uint8', shape: [bytes.length], bytes: Uint8Array.from(bytes) };
}

function joined(chunks: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]));
}

type Files = Map<string, Uint8Array>;

function filesOf(tensors: ReadonlyMap<string, RawTensor>, maxShardSize: number): Files {
  return new Map(shardFiles(tensors, { maxShardSize, metadata: { format: 'pt' } }).map(({ name, chunks }) => [name, joined(chunks)]));
}

function resolver(files: Files): ShardResolver {
  return async (name) => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new StridedError(`${name}: no such file`);
    return memorySource(bytes, name);
  };
}

const INDEX = 'model.safetensors.index.json';

function fileIn(files: Files, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Error(`${name} was not written`);
  return bytes;
}

function openAll(files: Files): Promise<ShardedSafetensors> {
  return ShardedSafetensors.open(memorySource(fileIn(files, INDEX), INDEX), { resolve: resolver(files) });
}

/** Three shards: a and b in the first, c, d. */
function example(): Files {
  return filesOf(new Map([['b', tensor(2)], ['a', tensor(1)], ['c', tensor(3, 3)], ['d', tensor(4)]]), 2);
}

function index(weightMap: Record<string, string>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ weight_map: weightMap }));
}

describe('shardFiles', () => {
  it('writes the index as Hugging Face does, after the shards', () => {
    const files = example();
    expect([...files.keys()]).toEqual([
      'model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors', 'model-00003-of-00003.safetensors', INDEX,
    ]);
    expect(new TextDecoder().decode(files.get(INDEX))).toBe(`{
  "metadata": {
    "total_size": 5
  },
  "weight_map": {
    "a": "model-00001-of-00003.safetensors",
    "b": "model-00001-of-00003.safetensors",
    "c": "model-00002-of-00003.safetensors",
    "d": "model-00003-of-00003.safetensors"
  }
}
`);
  });

  it('is one plain file where that is enough', async () => {
    const tensors = new Map([['a', tensor(1, 2)]]);
    const files = filesOf(tensors, 2);
    expect([...files]).toEqual([['model.safetensors', safetensorsBytes(tensors, { metadata: { format: 'pt' } })]]);
    expect([...filesOf(new Map(), 1).keys()]).toEqual(['model.safetensors']);
  });

  it('what is dealt out is read back as one, whatever the limit; no file holds more unless one tensor does', async () => {
    const tensors = fc.dictionary(fc.string(), fc.array(fc.nat(255), { maxLength: 6 }).map((bytes) => tensor(...bytes)), { maxKeys: 8, noNullPrototype: true })
      .map((object) => new Map(Object.entries(object).filter(([name]) => name !== '__metadata__')));
    await fc.assert(fc.asyncProperty(tensors, fc.integer({ min: 1, max: 20 }), async (given, limit) => {
      const files = filesOf(given, limit);
      const reader = files.has(INDEX) ? await openAll(files) : await SafetensorsFile.open(fileIn(files, 'model.safetensors'));
      expect(new Map(await reader.readAll())).toEqual(new Map(given));
      expect(reader.metadata.get('format')).toBe('pt');
      for (const [name, bytes] of files) {
        if (name === INDEX) continue;
        const shard = await SafetensorsFile.open(bytes);
        expect(shard.names.length > 0 || given.size === 0).toBe(true);
        const sizes = shard.names.map((tensorName) => shard.info(tensorName).end - shard.info(tensorName).start).filter((size) => size > 0);
        expect(sizes.length <= 1 || sizes.reduce((a, b) => a + b) <= limit).toBe(true);
      }
      expect(filesOf(new Map([...given].reverse()), limit)).toEqual(files);
    }), { numRuns });
  });

  it.each([0, -1, Number.NaN])('refuses a maxShardSize of %d', (maxShardSize) => {
    expect(() => shardFiles({}, { maxShardSize })).toThrow(ArgumentError);
  });

  it('refuses a base name that leads elsewhere', () => {
    expect(() => shardFiles({}, { baseName: '../model' })).toThrow(ArgumentError);
    expect(() => shardFiles({}, { baseName: '' })).toThrow(ArgumentError);
  });
});

describe('ShardedSafetensors', () => {
  it('reads one tensor from its own shard alone', async () => {
    const files = example();
    const reads: string[] = [];
    const resolve: ShardResolver = async (name) => {
      const inner = await resolver(files)(name);
      const source: ByteSource = { name, size: inner.size, read: async (start, end) => (reads.push(`${name} ${end - start}`), inner.read(start, end)) };
      return source;
    };
    const reader = await ShardedSafetensors.open(memorySource(fileIn(files, INDEX)), { resolve });
    expect(reader.names).toEqual(['a', 'b', 'c', 'd']);
    expect([reader.has('c'), reader.has('e')]).toEqual([true, false]);
    expect(reader.info('c')).toEqual({ dtype: 'uint8', shape: [2], start: 0, end: 2 });
    reads.length = 0;
    expect((await reader.read('c')).bytes).toEqual(Uint8Array.of(3, 3));
    expect(reads).toEqual(['model-00002-of-00003.safetensors 2']);
    await expect(reader.read('e')).rejects.toThrow('there is no tensor "e"');
  });

  it('reports everything that does not fit in one message', async () => {
    const files = example();
    files.delete('model-00003-of-00003.safetensors');
    files.set('model-00002-of-00003.safetensors', safetensorsBytes({ a: tensor(9), extra: tensor(1) }));
    const failure: unknown = await openAll(files).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FormatError);
    expect(String(failure)).toBe('FormatError: model.safetensors.index.json: '
      + 'shard "model-00003-of-00003.safetensors" cannot be opened (model-00003-of-00003.safetensors: no such file); '
      + 'tensor "a" is in both "model-00001-of-00003.safetensors" and "model-00002-of-00003.safetensors"; '
      + 'tensor "extra" of "model-00002-of-00003.safetensors" is not in weight_map; '
      + 'tensor "c" is missing from "model-00002-of-00003.safetensors": '
      + 'download or save the index and all its shards again');
  });

  it('refuses an index that sends a tensor to the wrong shard', async () => {
    const files = example();
    files.set(INDEX, index({
      a: 'model-00001-of-00003.safetensors', b: 'model-00001-of-00003.safetensors',
      c: 'model-00003-of-00003.safetensors', d: 'model-00002-of-00003.safetensors',
    }));
    await expect(openAll(files)).rejects.toThrow('tensor "c" is in "model-00002-of-00003.safetensors", not in "model-00003-of-00003.safetensors"');
  });

  it('closes every shard when it refuses, and when it is closed', async () => {
    const files = example();
    let opened = 0;
    const counting: ShardResolver = async (name) => {
      const inner = await resolver(files)(name);
      opened++;
      return { ...inner, close: async () => void opened-- };
    };
    const reader = await ShardedSafetensors.open(memorySource(fileIn(files, INDEX)), { resolve: counting });
    expect(opened).toBe(3);
    await reader.close();
    expect(opened).toBe(0);
    files.delete('model-00003-of-00003.safetensors');
    await expect(ShardedSafetensors.open(memorySource(fileIn(files, INDEX)), { resolve: counting })).rejects.toThrow(FormatError);
    expect(opened).toBe(0);
  });

  it('asks where the shards are when the index is not a path', async () => {
    await expect(ShardedSafetensors.open(index({}))).rejects.toThrow('pass { resolve: (fileName) => source }');
  });

  describe('on disk', () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'strided-shards-'));
    });
    afterEach(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    it('finds the shards beside the index', async () => {
      for (const [name, bytes] of example()) await writeFile(join(folder, name), bytes);
      const reader = await ShardedSafetensors.open(join(folder, INDEX));
      expect((await reader.read('d')).bytes).toEqual(Uint8Array.of(4));
      await reader.close();
      await rm(join(folder, 'model-00002-of-00003.safetensors'));
      expect(await readdir(folder)).toHaveLength(3);
      await expect(ShardedSafetensors.open(join(folder, INDEX))).rejects.toThrow(/index\.json: shard "model-00002-of-00003\.safetensors" cannot be opened \(.*: there is no such file/);
    });
  });
});

describe('parseIndex', () => {
  const parse = (text: string): Map<string, string> => parseIndex(new TextEncoder().encode(text), 'i.json');

  it('takes what else is in an index as it comes', () => {
    expect([...parse('{"metadata":{"total_size":1.5e10,"x":[{"y":null}]},"weight_map":{"a":"s.safetensors"},"more":true}\n')])
      .toEqual([['a', 's.safetensors']]);
  });

  it.each([
    '../s.safetensors', '/s.safetensors', 'a/s.safetensors', 'a\\\\s.safetensors', 'C:s.safetensors', '..', '', 's.bin', '.safetensors',
    's.safetensors\\u0000', 's\\u0000.safetensors', 's.safetensors\\n', '/etc/passwd',
  ])('refuses a shard called %j', (name) => {
    expect(() => parse(`{"weight_map":{"a":"${name}"}}`)).toThrow(FormatError);
    expect(() => parse(`{"weight_map":{"a":"${name}"}}`)).toThrow('weight_map sends tensor "a" to');
  });

  it.each([
    ['{"weight_map":{"a":"s.safetensors","a":"t.safetensors"}}', '"a" appears twice'],
    ['{"weight_map":{},"weight_map":{}}', '"weight_map" appears twice'],
    ['{"metadata":{}}', 'there is no "weight_map"'],
    ['{"weight_map":[]}', 'expected an object'],
    ['{"weight_map":{"a":1}}', 'expected a string'],
    ['[]', 'expected an object'],
    ['', 'expected an object'],
    ['{"weight_map":{}} x', 'expected the end'],
    [`{"metadata":${'['.repeat(100_000)}`, 'deeper than 64 levels'],
  ])('refuses %.60s', (text, message) => {
    expect(() => parse(text)).toThrow(FormatError);
    expect(() => parse(text)).toThrow(message);
  });
});
