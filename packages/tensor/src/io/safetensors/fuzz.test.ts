import { expect, it } from 'vitest';
import type { FileDType } from '../../dtype.ts';
import { bytesPerElement } from '../../dtype.ts';
import { DTypeError, FormatError } from '../../errors.ts';
import type { ByteSource } from '../source.ts';
import type { RawTensor } from './codec.ts';
import { decodeTensor } from './codec.ts';
import { dtypeNames } from './header.ts';
import { SafetensorsFile } from './reader.ts';
import { safetensorsBytes } from './writer.ts';

/*
 * Damages valid files in every way we could think of. Each mutant must be refused with a FormatError, or read exactly as
 * an oracle reads it that trusts the file: JSON.parse and DataView. FUZZ_SEED tries other mutants.
 */

const MUTANTS = 20_000;

/** Small and fast (mulberry32), and not the generator under test elsewhere. */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  };
}
type Random = ReturnType<typeof randomFrom>;

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)];
}

const fileDTypes = Object.keys(dtypeNames) as FileDType[];

function validFile(random: Random): Uint8Array {
  const tensors = new Map<string, RawTensor>();
  for (let i = random(5); i >= 0; i--) {
    const dtype = pick(random, fileDTypes);
    const shape = Array.from({ length: random(4) }, () => random(4));
    const bytes = new Uint8Array(shape.reduce((product, size) => product * size, bytesPerElement(dtype)));
    // int64 values that int32 holds, so that a good file decodes.
    for (let at = 0; at < bytes.length; at++) bytes[at] = dtype === 'bool' ? random(2) : dtype === 'int64' && at % 8 > 2 ? 0 : random(256);
    tensors.set(pick(random, ['w', 'b', 'layer.0.weight', '__proto__', 'é', 'a"b', '', 'x'.repeat(30)]), { dtype, shape, bytes });
  }
  return safetensorsBytes(tensors, random(2) ? { metadata: { format: 'pt' } } : {});
}

/** A file of a header's text and data, its length field true unless said otherwise. */
function assemble(text: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const header = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const file = new Uint8Array(8 + header.length + data.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(header.length), true);
  file.set(header, 8);
  file.set(data, 8 + header.length);
  return file;
}

const oddNumbers = ['0', '1', '2', '3', '4', '8', '16', '-1', '-0', '1.0', '1e0', '1e3', '4.5', '01', '2147483648', '4294967296', '9007199254740991',
  '9007199254740992', '9007199254740993', '18446744073709551615', '18446744073709551616', '1e400', 'null', 'true', '"4"', '[]', '{}', ''];
const oddText = ['F32', 'F16', 'BF16', 'F64', 'I64', 'I32', 'I8', 'U8', 'BOOL', 'U16', 'F8_E4M3', 'f32', 'w', 'dtype', 'shape', 'data_offsets',
  '__metadata__', '__proto__', 'constructor', 'format', '', '\\u0000', '\\ud800', '\\u0077', '\\x', '\n', 'é', '😀'];
const oddTokens = [...oddNumbers, ...oddText.map((text) => `"${text}"`), '{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\0', '\ufeff', '//', '{"a":'.repeat(9)];
const TOKEN = /"(?:[^"\\]|\\.)*"|[0-9]+|[^\s]/g;

/** Ways to change the JSON text; one that finds nothing to change gives the same text. */
const edits: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => replaceOne(text, /[0-9]+/g, random, () => pick(random, oddNumbers)),
  (text, random) => replaceOne(text, /[0-9]+/g, random, (number) => String(Number(number) + pick(random, [-8, -4, -2, -1, 1, 2, 4, 8]))),
  (text, random) => replaceOne(text, /"(?:[^"\\]|\\.)*"/g, random, () => `"${pick(random, oddText)}"`),
  (text, random) => replaceOne(text, /"(?:F|BF|I|U|BOOL)[0-9]*"/g, random, () => `"${pick(random, Object.values(dtypeNames))}"`),
  (text, random) => replaceOne(text, TOKEN, random, () => pick(random, oddTokens)),
  (text, random) => replaceOne(text, TOKEN, random, (token) => token + pick(random, oddTokens)),
  (text, random) => replaceOne(text, TOKEN, random, () => ''),
  (text, random) => replaceOne(text, TOKEN, random, (token) => token + token),
  (text, random) => replaceOne(text, TOKEN, random, (token) => pick(random, [' ', '\n', '\t\r', '\v', '\u00a0']) + token),
  (text, random) => replaceOne(text, /"shape":\[[0-9,]*\]/g, random, () => `"shape":[${Array.from({ length: random(4) }, () => pick(random, oddNumbers)).join()}]`),
  (text, random) => replaceOne(text, /"data_offsets":\[[0-9,]*\]/g, random, () => `"data_offsets":[${pick(random, oddNumbers)},${pick(random, oddNumbers)}]`),
  // The same meaning in other words: entries and fields in another order, escapes in names. These must still be read.
  (text, random) => shuffledObject(text, random),
  (text, random) => replaceOne(text, /"[a-z_]+"/g, random, (word) => `"\\u00${word.charCodeAt(1).toString(16)}${word.slice(2)}`),
  (text) => text.trimEnd() + '     ',
  // An entry once more, as it was or with its numbers changed; entries moved onto each other.
  (text, random) => replaceOne(text, /"[^"]*":\{[^{}]*\}/g, random, (entry) => `${entry},${random(2) ? entry : entry.replace(/[0-9]+/, '0')}`),
  (text, random) => replaceOne(text, /"[^"]*":\{[^{}]*\},?/g, random, () => ''),
  (text, random) => swapTwo(text, /\[[0-9,]*\]/g, random),
  (text, random) => swapTwo(text, /"(?:[^"\\]|\\.)*"/g, random),
];

function replaceOne(text: string, pattern: RegExp, random: Random, replacement: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { 0: match, index } = pick(random, matches);
  return text.slice(0, index) + replacement(match) + text.slice(index + match.length);
}

function swapTwo(text: string, pattern: RegExp, random: Random): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length < 2) return text;
  const [first, second] = [pick(random, matches), pick(random, matches)].sort((a, b) => a.index - b.index);
  if (first === second) return text;
  return text.slice(0, first.index) + second[0] + text.slice(first.index + first[0].length, second.index) + first[0] +
    text.slice(second.index + second[0].length);
}

function shuffledObject(text: string, random: Random): string {
  const shuffle = (items: [string, unknown][]): string => {
    for (let i = items.length - 1; i > 0; i--) {
      const j = random(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return `{${items.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(' , ')}}`;
  };
  const outer = Object.entries(JSON.parse(text) as Record<string, Record<string, unknown>>);
  return shuffle(outer.map(([key, value]) => [key, value])).replace(/\{"dtype[^{}]*\}/g, (entry) => shuffle(Object.entries(JSON.parse(entry) as object)));
}

function mutant(random: Random): Uint8Array {
  const file = validFile(random);
  const headerLength = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = file.subarray(8, 8 + headerLength);
  const data = file.subarray(8 + headerLength);
  switch (random(10)) {
    case 0:
      for (let i = random(4); i >= 0; i--) file[random(file.length)] ^= 1 << random(8);
      return file;
    case 1: {
      const at = 8 + random(headerLength);
      file[at] = random(256);
      return file;
    }
    case 2:
      return file.slice(0, random(file.length));
    case 3:
      return Uint8Array.from([...file, ...Array.from({ length: 1 + random(16) }, () => random(256))]);
    case 4: {
      const lengths = [0n, 1n, 2n, 8n, BigInt(headerLength - 1), BigInt(headerLength + 1), BigInt(headerLength - 8), BigInt(headerLength + 8), BigInt(file.length - 8),
        BigInt(file.length), 100_000_000n, 100_000_001n, 2n ** 31n, 2n ** 32n + BigInt(headerLength), 2n ** 53n, 2n ** 63n, 2n ** 64n - 8n, 2n ** 64n - 1n];
      return assemble(header, data, BigInt.asUintN(64, pick(random, lengths)));
    }
    case 5:
      for (let i = random(4); i >= 0 && data.length > 0; i--) data[random(data.length)] ^= 1 << random(8);
      return file;
    default: {
      let text = new TextDecoder().decode(header);
      const first = pick(random, edits);
      text = first(text, random);
      // Edits that read the text as JSON come first, if at all.
      for (let i = random(2); i > 0; i--) {
        const edit = pick(random, edits);
        if (edit !== edits[11]) text = edit(text, random);
      }
      return assemble(text, data);
    }
  }
}

const widths: Readonly<Record<string, number>> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, I8: 1, BOOL: 1 };

interface Claim {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** What the file says, believing it. */
function oracle(file: Uint8Array): { readonly claims: Map<string, Claim>; readonly metadata: object; readonly bytes: (claim: Claim) => Uint8Array } {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata = {}, ...claims } = JSON.parse(new TextDecoder().decode(file.slice(8, 8 + length))) as Record<string, Claim>;
  return {
    claims: new Map(Object.entries(claims)),
    metadata,
    bytes: ({ data_offsets: [start, end] }) => file.slice(8 + length + start, 8 + length + end),
  };
}

function halfValue(half: number, fractionBits: number): number {
  const bias = 2 ** (14 - fractionBits) - 1;
  const exponent = (half & 0x7fff) >>> fractionBits;
  const fraction = (half % 2 ** fractionBits) / 2 ** fractionBits;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 2 * bias + 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** The values by definition, or undefined where a value has no place in a tensor (a bool of 2, an int64 beyond int32). */
function oracleValues(dtype: string, bytes: Uint8Array): number[] | undefined {
  const view = new DataView(bytes.buffer);
  const width = widths[dtype];
  const values = Array.from({ length: bytes.length / width }, (_, i) => {
    const at = i * width;
    switch (dtype) {
      case 'F64': return view.getFloat64(at, true);
      case 'F32': return view.getFloat32(at, true);
      case 'I32': return view.getInt32(at, true);
      case 'I64': return Number(view.getBigInt64(at, true));
      case 'I8': return view.getInt8(at);
      case 'F16': return halfValue(view.getUint16(at, true), 10);
      case 'BF16': return halfValue(view.getUint16(at, true), 7);
      default: return view.getUint8(at);
    }
  });
  if (dtype === 'BOOL' && values.some((value) => value > 1)) return undefined;
  if (dtype === 'I64' && values.some((value) => value !== (value | 0))) return undefined;
  return values;
}

/** Reads a mutant and checks all that was promised; true if it was read, false if it was refused. */
async function survives(file: Uint8Array): Promise<boolean> {
  let given = 0;
  const source: ByteSource = {
    name: 'mutant',
    size: file.length,
    read: async (start, end) => {
      // Every byte is asked for once at most, so all that is read never exceeds the file.
      given += end - start;
      if (!(start >= 0 && end >= start && end <= file.length && given <= file.length)) {
        throw new Error(`read ${start} to ${end} of ${file.length}, ${given} in all`);
      }
      return file.slice(start, end);
    },
  };
  let reader: SafetensorsFile;
  try {
    reader = await SafetensorsFile.open(source);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/^mutant: [^\n]+$/);
    return false;
  }
  const { claims, metadata, bytes } = oracle(file);
  expect([...reader.names].sort()).toEqual([...claims.keys()].sort());
  expect(Object.fromEntries(reader.metadata)).toEqual(metadata);
  for (const name of reader.names) {
    const claim = claims.get(name);
    if (claim === undefined) return expect.unreachable();
    const raw = await reader.read(name);
    expect([dtypeNames[raw.dtype], raw.shape]).toEqual([claim.dtype, claim.shape]);
    expect(raw.bytes).toEqual(bytes(claim));
    expect(raw.bytes.length).toBe(claim.shape.reduce((product, size) => product * size, widths[claim.dtype]));
    const values = oracleValues(claim.dtype, bytes(claim));
    if (values === undefined) expect(() => decodeTensor(raw)).toThrow(raw.dtype === 'bool' ? FormatError : DTypeError);
    else expect([...decodeTensor(raw).data]).toEqual(values);
  }
  return true;
}

it(`${MUTANTS} damaged files are read as they say or refused with a FormatError`, async () => {
  const seed = Number(process.env.FUZZ_SEED ?? 1);
  const fates = { read: 0, refused: 0 };
  for (let i = 0; i < MUTANTS; i++) {
    const file = mutant(randomFrom(seed * MUTANTS + i));
    try {
      fates[await survives(file) ? 'read' : 'refused']++;
    } catch (error) {
      throw new Error(`mutant ${i} of seed ${seed}: ${JSON.stringify(new TextDecoder().decode(file.subarray(0, 1000)))}`, { cause: error });
    }
  }
  // Both fates are common, or the mutants test nothing.
  expect(fates.read).toBeGreaterThan(2000);
  expect(fates.refused).toBeGreaterThan(8000);
});
