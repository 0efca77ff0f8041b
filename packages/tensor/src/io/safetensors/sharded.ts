import { siblingPath } from '#files';
import { ArgumentError, FormatError, StridedError } from '../../errors.ts';
import { JsonScanner } from '../json.ts';
import { quote } from '../quote.ts';
import type { ByteInput, ByteSource } from '../source.ts';
import { openSource } from '../source.ts';
import type { RawTensor } from './codec.ts';
import type { HeaderOptions, TensorInfo } from './header.ts';
import { byteSize, LARGEST_HEADER } from './header.ts';
import type { TensorReader } from './reader.ts';
import { findTensor, readEach, SafetensorsFile } from './reader.ts';
import type { Named, WriteOptions } from './writer.ts';
import { compareNames, entriesOf, safetensorsChunks } from './writer.ts';

/** Finds a shard by its file name: beside the index, in a cache, behind a URL. */
export type ShardResolver = (fileName: string) => Promise<ByteSource>;

export interface ShardedOptions extends HeaderOptions {
  /** Where the shards are; for a path the default is: beside the index. */
  readonly resolve?: ShardResolver;
}

/**
 * A checkpoint in several safetensors files, read through its index (`model.safetensors.index.json`) as if it were one.
 * Opening reads the index and every shard's header, and compares them; values are read when asked for.
 *
 * @example
 * const checkpoint = await ShardedSafetensors.open('model.safetensors.index.json');
 * const { bytes } = await checkpoint.read('embedding.weight');    // opens nothing but its own shard's bytes
 */
export class ShardedSafetensors implements TensorReader {
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  readonly unknown: ReadonlyMap<string, string>;
  readonly #shards: readonly SafetensorsFile[];
  readonly #home: ReadonlyMap<string, SafetensorsFile>;

  private constructor(name: string, shards: readonly SafetensorsFile[]) {
    this.name = name;
    this.#shards = shards;
    this.#home = new Map(shards.flatMap((shard) => shard.names.map((tensor) => [tensor, shard] as const)));
    this.names = [...this.#home.keys()];
    this.unknown = new Map(shards.flatMap((shard) => [...shard.unknown]));
    // Reversed: where shards disagree, the first one's word stands.
    this.metadata = new Map([...shards].reverse().flatMap((shard) => [...shard.metadata]));
  }

  /**
   * Opens the index and the shards that it names.
   *
   * @throws FormatError with everything that does not fit in one message: shards that are missing or damaged, tensors
   * that the index promises and no shard has, tensors that the index does not know or that are in two shards
   */
  static async open(index: ByteInput, options: ShardedOptions = {}): Promise<ShardedSafetensors> {
    const resolve = options.resolve ?? besideIndex(index);
    const { name, weightMap } = await readIndex(index);
    const shards = new Map<string, SafetensorsFile>();
    const faults: string[] = [];
    try {
      for (const fileName of new Set(weightMap.values())) {
        try {
          shards.set(fileName, await SafetensorsFile.open(await resolve(fileName), options));
        } catch (error) {
          if (!(error instanceof StridedError)) throw error;
          faults.push(`shard ${quote(fileName)} cannot be opened (${error.message})`);
        }
      }
      faults.push(...disagreements(weightMap, shards));
      if (faults.length > 0) {
        const shown = faults.slice(0, 10).join('; ') + (faults.length > 10 ? `; and ${faults.length - 10} more faults` : '');
        throw new FormatError(`${name}: ${shown}: download or save the index and all its shards again`);
      }
      return new ShardedSafetensors(name, [...shards.values()]);
    } catch (error) {
      for (const shard of shards.values()) await shard.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#home.has(name);
  }

  info(name: string): TensorInfo {
    return findTensor(this, this.#home, name).info(name);
  }

  async read(name: string): Promise<RawTensor> {
    return findTensor(this, this.#home, name).read(name);
  }

  async readInto(name: string, target: Uint8Array, from: number): Promise<void> {
    return findTensor(this, this.#home, name).readInto(name, target, from);
  }

  readAll(): Promise<Map<string, RawTensor>> {
    return readEach(this);
  }

  async close(): Promise<void> {
    for (const shard of this.#shards) await shard.close();
  }
}

function besideIndex(index: ByteInput): ShardResolver {
  if (typeof index === 'string' || index instanceof URL) return (fileName) => openSource(siblingPath(index, fileName));
  throw new ArgumentError('ShardedSafetensors.open: an index that is not a path does not say where its shards are; pass { resolve: (fileName) => source }');
}

async function readIndex(input: ByteInput): Promise<{ name: string; weightMap: Map<string, string> }> {
  const source = await openSource(input);
  try {
    if (source.size > LARGEST_HEADER) {
      throw new FormatError(`${source.name}: an index of ${source.size} bytes is more than the limit of ${LARGEST_HEADER}; give the path of the .index.json file`);
    }
    return { name: source.name, weightMap: parseIndex(await source.read(0, source.size), source.name) };
  } finally {
    await source.close?.();
  }
}

/** The weight_map of an index: which file holds each tensor. */
export function parseIndex(bytes: Uint8Array, file: string): Map<string, string> {
  const fail = (problem: string): never => {
    throw new FormatError(`${file}: ${problem}; the index is damaged: download or save it again`);
  };
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    fail('it is not valid UTF-8');
  }
  const json = new JsonScanner(text, fail);
  let weightMap: Map<string, string> | undefined;
  json.object((key) => {
    // metadata.total_size is not compared: in the wild it counts tied weights twice, or is a fraction.
    if (key !== 'weight_map') return json.skip();
    const map = new Map<string, string>();
    json.object((tensor) => {
      const fileName = json.string();
      if (!isShardName(fileName)) {
        fail(`weight_map sends tensor ${quote(tensor)} to ${quote(fileName)}; a shard is a .safetensors file in the index's own folder`);
      }
      map.set(tensor, fileName);
    });
    weightMap = map;
  });
  json.end();
  return weightMap ?? fail('there is no "weight_map"');
}

/** A plain file name: nothing that could lead out of the folder, on any system. */
function isShardName(name: string): boolean {
  return /^[^/\\:\p{Cc}]+\.safetensors$/u.test(name);
}

function* disagreements(weightMap: ReadonlyMap<string, string>, shards: ReadonlyMap<string, SafetensorsFile>): Generator<string> {
  const found = new Map<string, string>();
  for (const [fileName, shard] of shards) {
    for (const tensor of [...shard.names, ...shard.unknown.keys()]) {
      const before = found.get(tensor);
      if (before !== undefined) yield `tensor ${quote(tensor)} is in both ${quote(before)} and ${quote(fileName)}`;
      else if (!weightMap.has(tensor)) yield `tensor ${quote(tensor)} of ${quote(fileName)} is not in weight_map`;
      found.set(tensor, fileName);
    }
  }
  for (const [tensor, fileName] of weightMap) {
    if (!shards.has(fileName)) continue;
    const home = found.get(tensor);
    if (home === undefined) yield `tensor ${quote(tensor)} is missing from ${quote(fileName)}`;
    else if (home !== fileName && !shards.get(fileName)?.has(tensor)) {
      yield `tensor ${quote(tensor)} is in ${quote(home)}, not in ${quote(fileName)}`;
    }
  }
}

export interface ShardOptions extends WriteOptions {
  /** Bytes of tensors that one file may hold; a single larger tensor gets a file of its own. Default: 5 GB. */
  readonly maxShardSize?: number;
  /** What the files' names begin with. Default: `model`. */
  readonly baseName?: string;
}

export interface ShardFile {
  readonly name: string;
  readonly chunks: Iterable<Uint8Array>;
}

/**
 * The files of a sharded checkpoint, the index last; a single `model.safetensors` where one file is enough. As
 * deterministic as `safetensorsChunks`: tensors are dealt out in the order of their names.
 */
export function shardFiles(tensors: Named<RawTensor>, options: ShardOptions = {}): ShardFile[] {
  const { maxShardSize = 5e9, baseName = 'model' } = options;
  if (!(maxShardSize > 0)) throw new ArgumentError(`shardFiles: maxShardSize must be a number of bytes above 0, not ${maxShardSize}`);
  if (!isShardName(`${baseName}.safetensors`)) throw new ArgumentError(`shardFiles: baseName ${quote(baseName)} is not a plain file name`);
  const shards = deal(entriesOf(tensors).sort(([a], [b]) => compareNames(a, b)), maxShardSize);
  if (shards.length === 1) return [{ name: `${baseName}.safetensors`, chunks: safetensorsChunks(shards[0], options) }];

  const number = (n: number): string => String(n).padStart(5, '0');
  const files = shards.map((shard, i) => ({
    name: `${baseName}-${number(i + 1)}-of-${number(shards.length)}.safetensors`,
    chunks: safetensorsChunks(shard, options),
  }));
  const weights = shards.flatMap((shard, i) => [...shard.keys()].map((tensor) => `    ${JSON.stringify(tensor)}: ${JSON.stringify(files[i].name)}`));
  const total = shards.reduce((sum, shard) => sum + [...shard.values()].reduce((size, { dtype, shape }) => size + byteSize(dtype, shape), 0), 0);
  const index = `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": {\n${weights.join(',\n')}\n  }\n}\n`;
  return [...files, { name: `${baseName}.safetensors.index.json`, chunks: [new TextEncoder().encode(index)] }];
}

function deal(entries: readonly [string, RawTensor][], most: number): Map<string, RawTensor>[] {
  const shards = [new Map<string, RawTensor>()];
  let filled = 0;
  for (const [name, tensor] of entries) {
    const size = byteSize(tensor.dtype, tensor.shape);
    if (filled > 0 && filled + size > most) {
      shards.push(new Map());
      filled = 0;
    }
    shards[shards.length - 1].set(name, tensor);
    filled += size;
  }
  return shards;
}
