import { ArgumentError, FormatError } from '../../errors.ts';
import { quote } from '../quote.ts';
import type { ByteInput, ByteSource } from '../source.ts';
import { openSource } from '../source.ts';
import type { RawTensor } from './codec.ts';
import type { Header, HeaderOptions, TensorInfo } from './header.ts';
import { headerLength, LENGTH_BYTES, parseHeader } from './header.ts';

/** Named tensors in a file, or in several files that make up one checkpoint. */
export interface TensorReader {
  /** The path or name that errors use. */
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** The tensors that can be read, in the order of their bytes. */
  readonly names: readonly string[];
  /** Names and dtype names of tensors that cannot be read; empty unless opened with `listUnknown`. */
  readonly unknown: ReadonlyMap<string, string>;
  /** Whether there is such a tensor that can be read. */
  has(name: string): boolean;
  /** dtype, shape and place of a tensor; nothing is read. */
  info(name: string): TensorInfo;
  /** One tensor: its own bytes and no others are read. */
  read(name: string): Promise<RawTensor>;
  /** Fills `target` with the bytes of a tensor from its byte `from` on. */
  readInto(name: string, target: Uint8Array, from: number): Promise<void>;
  /** All tensors, one after the other. */
  readAll(): Promise<Map<string, RawTensor>>;
  /** Gives back the open file. */
  close(): Promise<void>;
}

/**
 * A safetensors file with random access: opening reads the header alone, whatever the size of the file.
 *
 * @example
 * const file = await SafetensorsFile.open('model.safetensors');   // or a Blob, an ArrayBuffer, a ByteSource
 * file.names;                                                     // ['embedding.weight', …]
 * const { dtype, shape, bytes } = await file.read('embedding.weight');
 * await file.close();
 */
export class SafetensorsFile implements TensorReader {
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly names: readonly string[];
  readonly unknown: ReadonlyMap<string, string>;
  readonly #source: ByteSource;
  readonly #tensors: ReadonlyMap<string, TensorInfo>;
  readonly #dataStart: number;

  private constructor(source: ByteSource, header: Header, dataStart: number) {
    this.name = source.name;
    this.metadata = header.metadata;
    this.names = [...header.tensors.keys()];
    this.unknown = header.unknown;
    this.#source = source;
    this.#tensors = header.tensors;
    this.#dataStart = dataStart;
  }

  /**
   * Reads and checks the header. The file is open from then on until `close()`; if the header is refused it is closed.
   *
   * @throws FormatError that names the file, the tensor, the rule and the remedy
   */
  static async open(input: ByteInput, options: HeaderOptions = {}): Promise<SafetensorsFile> {
    const source = await openSource(input);
    try {
      if (source.size < LENGTH_BYTES) {
        throw new FormatError(`${source.name}: has ${source.size} bytes; a safetensors file begins with the ${LENGTH_BYTES} bytes of its header's length: download or save it again`);
      }
      const dataStart = LENGTH_BYTES + headerLength(await readExactly(source, 0, LENGTH_BYTES), source.size, source.name);
      const header = await readExactly(source, LENGTH_BYTES, dataStart);
      return new SafetensorsFile(source, parseHeader(header, source.size - dataStart, source.name, options), dataStart);
    } catch (error) {
      await source.close?.();
      throw error;
    }
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  info(name: string): TensorInfo {
    return findTensor(this, this.#tensors, name);
  }

  async read(name: string): Promise<RawTensor> {
    const { dtype, shape, start, end } = this.info(name);
    return { dtype, shape, bytes: await readExactly(this.#source, this.#dataStart + start, this.#dataStart + end) };
  }

  async readInto(name: string, target: Uint8Array, from: number): Promise<void> {
    const { start, end } = this.info(name);
    if (!(from >= 0 && from + target.length <= end - start)) {
      throw new ArgumentError(`${this.name}: tensor ${quote(name)} has ${end - start} bytes, not bytes ${from} to ${from + target.length}`);
    }
    const at = this.#dataStart + start + from;
    if (this.#source.readInto !== undefined) await this.#source.readInto(target, at);
    else target.set(await readExactly(this.#source, at, at + target.length));
  }

  readAll(): Promise<Map<string, RawTensor>> {
    return readEach(this);
  }

  async close(): Promise<void> {
    await this.#source.close?.();
  }
}

/** What both readers do for `info`. */
export function findTensor<T>(reader: Pick<TensorReader, 'name' | 'names' | 'unknown'>, tensors: ReadonlyMap<string, T>, name: string): T {
  const found = tensors.get(name);
  if (found !== undefined) return found;
  const dtype = reader.unknown.get(name);
  if (dtype !== undefined) {
    throw new FormatError(`${reader.name}: tensor ${quote(name)} has dtype ${quote(dtype)}, which Strided does not read; convert the file`);
  }
  const near = reader.names.filter((other) => other.endsWith(`.${name}`) || name.endsWith(`.${other}`)).slice(0, 3);
  const some = near.length > 0 ? `did you mean ${near.map(quote).join(' or ')}?` : `it has ${reader.names.length} tensors; see .names`;
  throw new ArgumentError(`${reader.name}: there is no tensor ${quote(name)}; ${some}`);
}

/** What both readers do for `readAll`. */
export async function readEach(reader: TensorReader): Promise<Map<string, RawTensor>> {
  const all = new Map<string, RawTensor>();
  for (const name of reader.names) all.set(name, await reader.read(name));
  return all;
}

/** Trusts no source: one that gives too few or too many bytes would shift every value. */
async function readExactly(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  if (bytes.length !== end - start) {
    throw new FormatError(`${source.name}: bytes ${start} to ${end} were asked for, ${bytes.length} came; the source is shorter than its size says: open it again`);
  }
  return bytes;
}
