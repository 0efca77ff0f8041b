import type { FileDType } from '../../dtype.ts';
import { ArgumentError } from '../../errors.ts';
import { quote } from '../quote.ts';
import type { RawTensor } from './codec.ts';
import { byteSize, dtypeNames, LARGEST_HEADER, LENGTH_BYTES, MOST_AXES } from './header.ts';

/** Values by name: a Map (any name), or an object (any name but `__proto__`). */
export type Named<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

export interface WriteOptions {
  /** Free text about the file; Hugging Face's transformers wants `{ format: 'pt' }`. */
  readonly metadata?: Named<string>;
}

/** The reference library's order of dtypes in a file: wider first, so that every tensor is aligned to its element. */
const fileOrder: readonly FileDType[] = ['int64', 'float64', 'float32', 'int32', 'bfloat16', 'float16', 'int8', 'uint8', 'bool'];

export function entriesOf<T>(named: Named<T>): [string, T][] {
  return named instanceof Map ? [...named] : Object.entries(named);
}

/** Orders names by code point, as the reference library does; JavaScript's own order differs outside the basic plane. */
export function compareNames(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = codePointRank(a.charCodeAt(i)) - codePointRank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates (0xd800 to 0xdfff) stand for code points above 0xffff, so they rank after the rest of the plane. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * The file that holds `tensors`, in chunks: first the header, then each tensor's bytes as they are. The same tensors
 * give the same bytes, whatever their order: tensors go by falling element size, then name, metadata by key, and the
 * header is padded so that data begins at a multiple of 8. `bytes` of a tensor is asked for when its turn comes, so a
 * getter there can convert one tensor at a time.
 *
 * @throws ArgumentError before the first chunk for a name, shape or metadata that a file cannot hold
 */
export function safetensorsChunks(tensors: Named<RawTensor>, options: WriteOptions = {}): Generator<Uint8Array, void, undefined> {
  const entries = entriesOf(tensors).sort(([nameA, a], [nameB, b]) =>
    fileOrder.indexOf(a.dtype) - fileOrder.indexOf(b.dtype) || compareNames(nameA, nameB));
  return chunks(encodeHeader(entries, options.metadata ?? {}), entries);
}

function* chunks(header: Uint8Array, entries: readonly [string, RawTensor][]): Generator<Uint8Array, void, undefined> {
  yield header;
  for (const [name, tensor] of entries) {
    const { bytes } = tensor;
    const due = byteSize(tensor.dtype, tensor.shape);
    if (bytes.length !== due) {
      throw new ArgumentError(`safetensors: tensor ${quote(name)}: ${tensor.dtype} [${tensor.shape.join(', ')}] takes ${due} bytes, but there are ${bytes.length}; give the bytes of exactly its values`);
    }
    if (due > 0) yield bytes;
  }
}

/** The whole file in memory, for hosts without files. */
export function safetensorsBytes(tensors: Named<RawTensor>, options: WriteOptions = {}): Uint8Array<ArrayBuffer> {
  const parts = [...safetensorsChunks(tensors, options)];
  const file = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** The length and the header with its padding. */
function encodeHeader(entries: readonly [string, RawTensor][], metadata: Named<string>): Uint8Array {
  const items: string[] = [];
  const metadataEntries = entriesOf(metadata).sort(([a], [b]) => compareNames(a, b));
  if (metadataEntries.length > 0) {
    for (const [key, value] of metadataEntries) {
      checkText('metadata key', key);
      if (typeof value !== 'string') {
        throw new ArgumentError(`safetensors: metadata ${quote(key)} is a ${typeof value}; metadata maps strings to strings: use String(value) or JSON.stringify(value)`);
      }
      checkText('metadata value', value);
    }
    // Not an object: it would put keys such as "1" first and lose "__proto__".
    items.push(`"__metadata__":{${metadataEntries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`);
  }
  let offset = 0;
  for (const [name, { dtype, shape }] of entries) {
    checkTensor(name, dtype, shape);
    const end = offset + byteSize(dtype, shape);
    items.push(`${JSON.stringify(name)}:{"dtype":"${dtypeNames[dtype]}","shape":[${shape.join(',')}],"data_offsets":[${offset},${end}]}`);
    offset = end;
  }
  const json = new TextEncoder().encode(`{${items.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > LARGEST_HEADER) {
    throw new ArgumentError(`safetensors: the header takes ${length} bytes, more than the format's limit of ${LARGEST_HEADER}; write several files`);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

function checkTensor(name: string, dtype: FileDType, shape: readonly number[]): void {
  checkText('tensor name', name);
  if (name === '__metadata__') {
    throw new ArgumentError('safetensors: a tensor cannot be called "__metadata__", which is the place of the file\'s metadata; choose another name');
  }
  if (!(dtype in dtypeNames)) {
    throw new ArgumentError(`safetensors: tensor ${quote(name)} has dtype ${quote(String(dtype))}; the dtypes of a file are ${Object.keys(dtypeNames).join(', ')}`);
  }
  const fits = shape.length <= MOST_AXES && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!fits || Number.isNaN(byteSize(dtype, shape))) {
    throw new ArgumentError(`safetensors: tensor ${quote(name)} has shape [${shape.join(', ')}]; at most ${MOST_AXES} sizes, whole numbers from 0 on, whose product fits in 2^53`);
  }
}

function checkText(what: string, text: string): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw new ArgumentError(`safetensors: the ${what} ${quote(text)} contains half a surrogate pair, which UTF-8 cannot hold; rename it`);
  }
}
