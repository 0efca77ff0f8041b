import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromTypedArray } from '../../creation.ts';
import type { DType } from '../../dtype.ts';
import { dtypes, newArray } from '../../dtype.ts';
import { DTypeError, FormatError } from '../../errors.ts';
import type { Tensor } from '../../tensor.ts';
import { memorySource } from '../source.ts';
import { SafetensorsFile } from './reader.ts';
import {
  encodeSafetensors, loadSafetensors, openSafetensors, readTensor, saveSafetensors, saveSafetensorsSync, saveShardedSafetensors,
} from './tensors.ts';

const numRuns = Number(process.env.STRIDED_RUNS ?? 100);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strided-tensors-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Tensors of any dtype, half of them transposed views that are not contiguous. */
const anyTensor = fc.tuple(fc.constantFrom<DType>(...dtypes), fc.array(fc.nat({ max: 3 }), { maxLength: 3 }), fc.boolean(), fc.infiniteStream(fc.integer({ min: -128, max: 127 })))
  .map(([dtype, shape, transposed, numbers]): Tensor => {
    const data = newArray(dtype, shape.reduce((product, size) => product * size, 1));
    for (let i = 0; i < data.length; i++) data[i] = dtype === 'bool' ? Math.abs(numbers.next().value) % 2 : numbers.next().value;
    const made = fromTypedArray(data, shape, { dtype });
    return transposed && shape.length >= 2 ? made.transpose() : made;
  });

function plain(tensors: Iterable<readonly [string, Tensor]>): Record<string, unknown> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, { dtype: tensor.dtype, shape: tensor.shape, values: tensor.toTypedArray() }]));
}

const some = (): Record<string, Tensor> => ({
  weight: fromTypedArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]).transpose(),
  ids: fromTypedArray(Int32Array.of(-1, 7), [2]),
  mask: fromTypedArray(Uint8Array.of(1, 0), [2], { dtype: 'bool' }),
});

it('tensors of every dtype and layout come back as they were', async () => {
  await fc.assert(fc.asyncProperty(fc.dictionary(fc.string(), anyTensor, { maxKeys: 5, noNullPrototype: true }), async (tensors) => {
    const back = await loadSafetensors(encodeSafetensors(tensors));
    expect(plain(back)).toEqual(plain(Object.entries(tensors)));
    for (const tensor of back.values()) expect(tensor.isContiguous && !tensor.requiresGrad).toBe(true);
  }), { numRuns });
});

it('loads from a path, a URL, a Blob and a buffer, and a loaded tensor owns its memory', async () => {
  const path = join(folder, 'model.safetensors');
  await saveSafetensors(path, some(), { metadata: { format: 'pt' } });
  const bytes = await readFile(path);
  expect(bytes.equals(encodeSafetensors(new Map(Object.entries(some())), { metadata: { format: 'pt' } }))).toBe(true);
  for (const input of [path, pathToFileURL(path), new Blob([bytes]), bytes, memorySource(bytes)]) {
    const loaded = await loadSafetensors(input);
    expect(plain(loaded)).toEqual(plain(Object.entries(some())));
    loaded.get('weight')?.storage.data.fill(0);
  }
  saveSafetensorsSync(join(folder, 'again'), some(), { metadata: { format: 'pt' } });
  expect(bytes.equals(await readFile(join(folder, 'again')))).toBe(true);
});

describe('storeAs', () => {
  it('halves every float tensor and leaves the others', async () => {
    for (const storeAs of ['float16', 'bfloat16'] as const) {
      const file = await SafetensorsFile.open(encodeSafetensors(some(), { storeAs }));
      expect(file.names.map((name) => file.info(name).dtype).sort()).toEqual([storeAs, 'bool', 'int32'].sort());
      expect((await readTensor(file, 'weight')).toArray()).toEqual([[1, 4], [2, 5], [3, 6]]);
    }
  });

  it('chooses for each tensor, int64 for integers among them', async () => {
    const file = await SafetensorsFile.open(encodeSafetensors(some(), { storeAs: (name, { dtype }) => (name === 'ids' ? 'int64' : dtype) }));
    expect(file.info('ids')).toMatchObject({ dtype: 'int64', end: 16 });
    expect((await readTensor(file, 'ids')).dtype).toBe('int32');
    expect((await readTensor(file, 'ids')).toArray()).toEqual([-1, 7]);
  });

  it('refuses a change that loses more, before anything is written', async () => {
    const path = join(folder, 'file');
    await expect(saveSafetensors(path, some(), { storeAs: () => 'float16' })).rejects.toThrow(DTypeError);
    await expect(saveSafetensors(path, some(), { storeAs: () => 'float16' })).rejects.toThrow('saveSafetensors: tensor "ids": int32 cannot be stored as float16');
    expect(await readdir(folder)).toEqual([]);
  });
});

it('names the tensor and the value when an int64 does not fit', async () => {
  const json = '{"position_ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}';
  const path = join(folder, 'wide.safetensors');
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(json.length));
  const value = Buffer.alloc(8);
  value.writeBigInt64LE(2n ** 40n);
  await writeFile(path, Buffer.concat([start, Buffer.from(json), value]));
  await expect(loadSafetensors(path)).rejects.toThrow(DTypeError);
  await expect(loadSafetensors(path)).rejects.toThrow(`${path}: tensor "position_ids": element 0 is 1099511627776`);
});

describe('saveShardedSafetensors', () => {
  it('writes a checkpoint that loads as one, and names its files', async () => {
    const target = join(folder, 'new', 'checkpoint');
    const names = await saveShardedSafetensors(target, some(), { maxShardSize: 10 });
    expect(names).toEqual(['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json']);
    expect((await readdir(target)).sort()).toEqual(names);
    expect(plain(await loadSafetensors(join(target, 'model.safetensors.index.json')))).toEqual(plain(Object.entries(some())));
    const reader = await openSafetensors(pathToFileURL(join(target, 'model.safetensors.index.json')));
    expect((await readTensor(reader, 'mask')).toArray()).toEqual([true, false]);
    await reader.close();
  });

  it('clears away an earlier checkpoint of its name, and nothing else', async () => {
    const others = ['config.json', 'model.safetensors.bak', 'model-extra.safetensors', 'other.safetensors', 'my-model-00001-of-00002.safetensors'];
    for (const name of others) await writeFile(join(folder, name), '');
    await saveShardedSafetensors(folder, some(), { maxShardSize: 1 });
    await saveShardedSafetensors(folder, some(), { maxShardSize: 10 });
    const two = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'];
    expect((await readdir(folder)).sort()).toEqual([...others, ...two].sort());
    await saveShardedSafetensors(folder, some());
    expect((await readdir(folder)).sort()).toEqual([...others, 'model.safetensors'].sort());
    await saveShardedSafetensors(folder, some(), { maxShardSize: 10 });
    expect((await readdir(folder)).sort()).toEqual([...others, ...two].sort());
  });
});

it('closes the file whether loading succeeds or fails', async () => {
  let open = 0;
  const input = (bytes: Uint8Array): ReturnType<typeof memorySource> => {
    open++;
    return { ...memorySource(bytes), close: async () => void open-- };
  };
  await loadSafetensors(input(encodeSafetensors(some())));
  const wrongBool = encodeSafetensors({ mask: fromTypedArray(Uint8Array.of(1), [1], { dtype: 'bool' }) });
  wrongBool[wrongBool.length - 1] = 2;
  await expect(loadSafetensors(input(wrongBool))).rejects.toThrow(FormatError);
  await expect(loadSafetensors(input(wrongBool.slice(0, -1)))).rejects.toThrow(FormatError);
  expect(open).toBe(0);
});
