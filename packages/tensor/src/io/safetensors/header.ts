import type { FileDType } from '../../dtype.ts';
import { bytesPerElement } from '../../dtype.ts';
import { FormatError } from '../../errors.ts';
import { JsonScanner } from '../json.ts';
import { quote } from '../quote.ts';

/** The reference library's limit, in bytes. */
export const LARGEST_HEADER = 100_000_000;

/** Bytes before the header: its length as a little-endian uint64. */
export const LENGTH_BYTES = 8;

/** As in NumPy and PyTorch, which could not open more; it bounds what a header can make us allocate. */
export const MOST_AXES = 64;

/** The file's names of the dtypes that Strided reads and writes. */
export const dtypeNames = {
  float64: 'F64', float32: 'F32', float16: 'F16', bfloat16: 'BF16',
  int64: 'I64', int32: 'I32', int8: 'I8', uint8: 'U8', bool: 'BOOL',
} as const satisfies Record<FileDType, string>;

const dtypesByName: ReadonlyMap<string, FileDType> = new Map(
  Object.entries(dtypeNames).map(([dtype, name]) => [name, dtype as FileDType]),
);

/** What the header says of one tensor. */
export interface TensorInfo {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  /** Where its bytes begin and end, counted from the end of the header. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Tensors of dtypes that Strided does not read, with the file's name of the dtype: empty unless asked for. */
  readonly unknown: ReadonlyMap<string, string>;
}

export interface HeaderOptions {
  /** List tensors of unknown dtypes by name instead of refusing the file; they cannot be read. */
  readonly listUnknown?: boolean;
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

const REMEDY = 'the file is damaged or was not written as safetensors: download or save it again';

/** The header's length from the first bytes of a file of `size` bytes, within what the format and the file allow. */
export function headerLength(first: Uint8Array, size: number, file: string): number {
  const length = new DataView(first.buffer, first.byteOffset, first.byteLength).getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER)) {
    throw new FormatError(`${file}: the header claims ${length} bytes, more than the format's limit of ${LARGEST_HEADER}; ${REMEDY}`);
  }
  if (Number(length) > size - LENGTH_BYTES) {
    throw new FormatError(`${file}: the header claims ${length} bytes, but only ${size - LENGTH_BYTES} follow its length; the file is cut off: download or save it again`);
  }
  return Number(length);
}

/**
 * Reads a safetensors header and checks every rule of the format, so that what it returns can be trusted: known dtypes,
 * sizes that equal shape × dtype, and bytes that, in order, cover the `dataSize` bytes after the header exactly once.
 *
 * @param file what errors call the file
 * @throws FormatError that names the file, the tensor and the rule
 */
export function parseHeader(bytes: Uint8Array, dataSize: number, file: string, options: HeaderOptions = {}): Header {
  const { metadata, entries } = scan(decodeUtf8(bytes, file), file);
  const tensors = new Map<string, TensorInfo>();
  const unknown = new Map<string, string>();
  checkCoverage(entries, dataSize, file);
  for (const { name, dtype: dtypeName, shape, start, end } of entries) {
    const dtype = dtypesByName.get(dtypeName);
    if (dtype !== undefined) {
      checkSize(name, dtype, shape, end - start, file);
      tensors.set(name, { dtype, shape, start, end });
    } else if (options.listUnknown) {
      unknown.set(name, dtypeName);
    } else {
      throw new FormatError(`${file}: tensor ${quote(name)} has dtype ${quote(dtypeName)}; Strided reads ${[...dtypesByName.keys()].join(', ')}: convert it, or open the file with { listUnknown: true } to read the others`);
    }
  }
  return { metadata, tensors, unknown };
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${file}: the header is not valid UTF-8; ${REMEDY}`);
  }
  if (!text.startsWith('{')) throw new FormatError(`${file}: the header must begin with "{"; ${REMEDY}`);
  return text;
}

/** Takes the header apart, checking each value by itself. */
function scan(text: string, file: string): { metadata: Map<string, string>; entries: Entry[] } {
  let where = 'header';
  const json = new JsonScanner(text, (problem) => {
    throw new FormatError(`${file}: ${where}: ${problem}; ${REMEDY}`);
  });
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  json.object((name) => {
    if (name === '__metadata__') {
      where = '__metadata__, which maps strings to strings';
      json.object((key) => void metadata.set(key, json.string()));
    } else {
      where = `tensor ${quote(name)}`;
      entries.push(scanEntry(json, name, `${file}: ${where}`));
    }
    where = 'header';
  });
  json.end();
  return { metadata, entries };
}

function scanEntry(json: JsonScanner, name: string, label: string): Entry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  json.object((key) => {
    if (key === 'dtype') dtype = json.string();
    else if (key === 'shape') shape = integers(json, MOST_AXES, `${label}: the shape has more than ${MOST_AXES} axes`);
    else if (key === 'data_offsets') offsets = integers(json, 2, `${label}: data_offsets must be two numbers`);
    else throw new FormatError(`${label}: has an unknown key ${quote(key)}; an entry has dtype, shape and data_offsets only: ${REMEDY}`);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const missing = Object.entries({ dtype, shape, data_offsets: offsets }).filter(([, value]) => value === undefined).map(([key]) => key);
    throw new FormatError(`${label}: ${missing.join(' and ')} missing; ${REMEDY}`);
  }
  if (offsets.length !== 2 || offsets[1] < offsets[0]) {
    throw new FormatError(`${label}: data_offsets [${offsets.join(', ')}] must be two numbers, the first not above the second; ${REMEDY}`);
  }
  return { name, dtype, shape, start: offsets[0], end: offsets[1] };
}

function integers(json: JsonScanner, most: number, tooMany: string): number[] {
  const values: number[] = [];
  json.array((index) => {
    if (index >= most) throw new FormatError(`${tooMany}; ${REMEDY}`);
    values.push(json.integer());
  });
  return values;
}

/** Sorts the entries by their bytes and refuses holes, overlaps and bytes that are missing or left over. */
function checkCoverage(entries: Entry[], dataSize: number, file: string): void {
  // An empty tensor stands at the border of two others, so ties of the start go by the end.
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  const last = entries.reduce((furthest, { end }) => Math.max(furthest, end), 0);
  if (last > dataSize) {
    throw new FormatError(`${file}: cut off: the tensors take ${last} bytes, ${dataSize} are there; download or save the file again`);
  }
  let covered = 0;
  let before = 'the header';
  for (const { name, start, end } of entries) {
    if (start !== covered) {
      const fault = start > covered ? `leaves ${start - covered} bytes unused after` : 'overlaps';
      throw new FormatError(`${file}: tensor ${quote(name)} at data_offsets [${start}, ${end}] ${fault} ${before}; tensors must follow each other without holes or overlaps: ${REMEDY}`);
    }
    covered = end;
    before = `tensor ${quote(name)}`;
  }
  if (covered < dataSize) {
    throw new FormatError(`${file}: ${dataSize - covered} bytes follow ${before}; the tensors must end where the file ends: ${REMEDY}`);
  }
}

/** Bytes that a tensor of `dtype` and `shape` takes, or NaN where they cannot be counted. */
export function byteSize(dtype: FileDType, shape: readonly number[]): number {
  // Zeros come last, or their place in the shape would decide whether it overflows.
  let bytes = bytesPerElement(dtype);
  for (const size of shape) {
    if (size > 0) bytes *= size;
    if (bytes > Number.MAX_SAFE_INTEGER) return Number.NaN;
  }
  return shape.includes(0) ? 0 : bytes;
}

function checkSize(name: string, dtype: FileDType, shape: readonly number[], held: number, file: string): void {
  const bytes = byteSize(dtype, shape);
  if (bytes === held) return;
  const fault = Number.isNaN(bytes) ? 'has a size that overflows' : `takes ${bytes} bytes, but data_offsets hold ${held}`;
  throw new FormatError(`${file}: tensor ${quote(name)}: ${dtypeNames[dtype]} [${shape.join(', ')}] ${fault}; ${REMEDY}`);
}
