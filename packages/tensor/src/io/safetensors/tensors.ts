import { listFolder, makeFolder, pathInFolder, removeFile, writeFileAtomic, writeFileAtomicSync } from '#files';
import type { FileDType } from '../../dtype.ts';
import { isFloat } from '../../dtype.ts';
import { contiguous } from '../../layout.ts';
import { Storage } from '../../storage.ts';
import { Tensor } from '../../tensor.ts';
import { quote } from '../quote.ts';
import type { ByteInput } from '../source.ts';
import type { RawTensor } from './codec.ts';
import { checkStorable, decodeTensor, encodeValues } from './codec.ts';
import type { TensorReader } from './reader.ts';
import { SafetensorsFile } from './reader.ts';
import type { ShardedOptions, ShardOptions } from './sharded.ts';
import { shardFiles, ShardedSafetensors } from './sharded.ts';
import type { Named, WriteOptions } from './writer.ts';
import { entriesOf, safetensorsBytes, safetensorsChunks } from './writer.ts';

/** How tensors become values of a file. */
export interface SaveOptions extends WriteOptions {
  /**
   * The dtype in the file: one of the half precisions for every float tensor, or a choice for each tensor. Floats can be
   * stored as float16 or bfloat16 (rounded to nearest, ties to even), int32 as int64. Default: the tensor's own dtype.
   */
  readonly storeAs?: 'float16' | 'bfloat16' | ((name: string, tensor: Tensor) => FileDType);
}

/**
 * Opens a safetensors file, or a sharded checkpoint when the path ends in `.index.json` (or `resolve` is given).
 *
 * @example
 * const file = await openSafetensors('model.safetensors');
 * const weight = await readTensor(file, 'embedding.weight');     // reads its own bytes alone
 * await file.close();
 */
export function openSafetensors(input: ByteInput, options: ShardedOptions = {}): Promise<TensorReader> {
  const path = typeof input === 'string' ? input : input instanceof URL ? input.pathname : '';
  const sharded = options.resolve !== undefined || path.endsWith('.index.json');
  return sharded ? ShardedSafetensors.open(input, options) : SafetensorsFile.open(input, options);
}

/** One tensor of an open file: float16 and bfloat16 as float32, int64 as int32 (a value that does not fit is a DTypeError). */
export async function readTensor(reader: TensorReader, name: string): Promise<Tensor> {
  const { dtype, shape, data } = decodeTensor(await reader.read(name), `${reader.name}: tensor ${quote(name)}`);
  return new Tensor({ storage: new Storage(dtype, data), layout: contiguous(shape) });
}

/**
 * All tensors of a safetensors file or sharded checkpoint, by name, in the order of the file.
 *
 * @param input a path or file URL (Node, Deno, Bun), a Blob, bytes in memory, or a ByteSource
 * @throws FormatError for a file that breaks the format, DTypeError for an int64 that int32 cannot hold
 * @example
 * const weights = await loadSafetensors('model.safetensors');
 * weights.get('embedding.weight')?.shape;                        // [30522, 768]
 */
export async function loadSafetensors(input: ByteInput, options: ShardedOptions = {}): Promise<Map<string, Tensor>> {
  const reader = await openSafetensors(input, options);
  try {
    const tensors = new Map<string, Tensor>();
    for (const name of reader.names) tensors.set(name, await readTensor(reader, name));
    return tensors;
  } finally {
    await reader.close();
  }
}

/**
 * The safetensors file that holds `tensors`, in memory: for hosts without files. The same tensors give the same bytes.
 *
 * @example
 * const bytes = encodeSafetensors({ weight }, { metadata: { format: 'pt' } });
 * const link = URL.createObjectURL(new Blob([bytes]));
 */
export function encodeSafetensors(tensors: Named<Tensor>, options: SaveOptions = {}): Uint8Array<ArrayBuffer> {
  return safetensorsBytes(rawTensors(tensors, options), options);
}

/**
 * Writes `tensors` to a safetensors file: whatever happens, the file is as it was before or complete. Tensors are read
 * one by one as they are written, so do not change them before the promise resolves (or use `saveSafetensorsSync`).
 *
 * @example
 * await saveSafetensors('model.safetensors', model.stateDict(), { metadata: { format: 'pt' } });
 */
export async function saveSafetensors(path: string | URL, tensors: Named<Tensor>, options: SaveOptions = {}): Promise<void> {
  await writeFileAtomic(path, safetensorsChunks(rawTensors(tensors, options), options));
}

/** As `saveSafetensors`, done when it returns. */
export function saveSafetensorsSync(path: string | URL, tensors: Named<Tensor>, options: SaveOptions = {}): void {
  writeFileAtomicSync(path, safetensorsChunks(rawTensors(tensors, options), options));
}

/**
 * Writes `tensors` into `folder` as files of at most `maxShardSize` bytes with an index, or as one `model.safetensors`
 * where that is enough; returns the files' names. Each file is written atomically, the index last. Files of an earlier
 * checkpoint of the same base name go away, because a reader could take them for part of this one.
 *
 * @example
 * await saveShardedSafetensors('checkpoint', weights, { maxShardSize: 2e9, metadata: { format: 'pt' } });
 */
export async function saveShardedSafetensors(
  folder: string | URL, tensors: Named<Tensor>, options: SaveOptions & ShardOptions = {},
): Promise<string[]> {
  const { baseName = 'model' } = options;
  const files = shardFiles(rawTensors(tensors, options), options);
  await makeFolder(folder);
  const index = `${baseName}.safetensors.index.json`;
  // Without its index a checkpoint that is half overwritten is refused, not mixed.
  if (files.length > 1) await removeFile(pathInFolder(folder, index));
  for (const { name, chunks } of files) await writeFileAtomic(pathInFolder(folder, name), chunks);
  const written = files.map(({ name }) => name);
  for (const name of await listFolder(folder)) {
    const ofThisBase = name === index || (name.startsWith(baseName) && /^(?:-\d{5}-of-\d{5})?\.safetensors$/.test(name.slice(baseName.length)));
    if (ofThisBase && !written.includes(name)) await removeFile(pathInFolder(folder, name));
  }
  return written;
}

/** Raw tensors whose bytes are made when the writer asks for them, so that one tensor at a time is in memory twice. */
function rawTensors(tensors: Named<Tensor>, { storeAs }: SaveOptions): Map<string, RawTensor> {
  return new Map(entriesOf(tensors).map(([name, tensor]) => {
    const dtype = fileDType(name, tensor, storeAs);
    const label = `saveSafetensors: tensor ${quote(name)}`;
    checkStorable(tensor.dtype, dtype, label);
    return [name, {
      dtype,
      shape: tensor.shape,
      get bytes() {
        return encodeValues(tensor.toTypedArray(), tensor.dtype, dtype, label);
      },
    }];
  }));
}

function fileDType(name: string, tensor: Tensor, storeAs: SaveOptions['storeAs']): FileDType {
  if (typeof storeAs === 'function') return storeAs(name, tensor);
  return storeAs !== undefined && isFloat(tensor.dtype) ? storeAs : tensor.dtype;
}
