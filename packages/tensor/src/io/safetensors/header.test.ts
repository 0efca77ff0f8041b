import { describe, expect, it } from 'vitest';
import { FormatError } from '../../errors.ts';
import type { HeaderOptions } from './header.ts';
import { byteSize, headerLength, parseHeader } from './header.ts';

function parse(text: string, dataSize: number, options?: HeaderOptions): ReturnType<typeof parseHeader> {
  return parseHeader(new TextEncoder().encode(text), dataSize, 'a.safetensors', options);
}

const x = '"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

describe('parseHeader accepts', () => {
  it('what the reference library writes, with trailing spaces', () => {
    const header = parse(`{"__metadata__":{"format":"pt"},${x}}   `, 8);
    expect([...header.metadata]).toEqual([['format', 'pt']]);
    expect([...header.tensors]).toEqual([['x', { dtype: 'float32', shape: [2], start: 0, end: 8 }]]);
  });

  it('a file without tensors, a scalar, empty tensors wherever their bytes would be', () => {
    expect(parse('{}', 0).tensors.size).toBe(0);
    expect(parse('{"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}', 8).tensors.get('s')?.shape).toEqual([]);
    const empty = (name: string, at: number): string => `"${name}":{"dtype":"I64","shape":[0,3],"data_offsets":[${at},${at}]}`;
    expect([...parse(`{${empty('after', 8)},${x},${empty('before', 0)}}`, 8).tensors.keys()]).toEqual(['before', 'x', 'after']);
  });

  it('keys in any order, and gives the tensors in the order of their bytes', () => {
    const header = parse('{"b":{"data_offsets":[4,5],"shape":[1],"dtype":"U8"},"a":{"shape":[2,2],"dtype":"BOOL","data_offsets":[0,4]}}', 5);
    expect([...header.tensors.keys()]).toEqual(['a', 'b']);
  });

  it('names that are dangerous elsewhere', () => {
    const names = ['__proto__', 'constructor', 'toString', '', '1', 'a\u0000b', '😀', '\u2028'];
    const entries = names.map((name, i) => `${JSON.stringify(name)}:{"dtype":"I8","shape":[1],"data_offsets":[${i},${i + 1}]}`);
    const header = parse(`{"__metadata__":{"__proto__":"x"},${entries.join(',')}}`, names.length);
    expect([...header.tensors.keys()]).toEqual(names);
    expect(header.metadata.get('__proto__')).toBe('x');
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  it('unknown dtypes when asked to list them, still checking that bytes follow each other', () => {
    const text = `{${x},"q":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[8,12]}}`;
    const header = parse(text, 12, { listUnknown: true });
    expect([...header.unknown]).toEqual([['q', 'F8_E4M3']]);
    expect([...header.tensors.keys()]).toEqual(['x']);
    expect(() => parse(text, 12)).toThrow('tensor "q" has dtype "F8_E4M3"; Strided reads F64, F32');
    expect(() => parse(text, 13, { listUnknown: true })).toThrow(FormatError);
  });
});

const entry = (fields: string): string => `{"x":{${fields}}}`;
const refused: readonly (readonly [rule: string, text: string, dataSize: number, message: string])[] = [
  ['empty', '', 0, 'must begin with "{"'],
  ['leading space', ' {}', 0, 'must begin with "{"'],
  ['byte-order mark', '\ufeff{}', 0, 'must begin with "{"'],
  ['array', '[]', 0, 'must begin with "{"'],
  ['unfinished', '{', 0, 'a key in quotes'],
  ['text after the end', '{} x', 0, 'expected the end'],
  ['NUL padding', '{}\0', 0, 'expected the end'],
  ['trailing comma', `{${x},}`, 8, 'a key in quotes'],
  ['duplicate tensor', `{${x},${x}}`, 8, '"x" appears twice'],
  ['duplicate tensor, escaped', `{${x},${x.replace('x', '\\u0078')}}`, 8, '"x" appears twice'],
  ['duplicate metadata block', '{"__metadata__":{},"__metadata__":{}}', 0, 'appears twice'],
  ['duplicate metadata key', '{"__metadata__":{"a":"1","a":"2"}}', 0, '"a" appears twice'],
  ['duplicate field', entry('"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]'), 1, '"dtype" appears twice'],
  ['metadata that is not text', '{"__metadata__":{"a":1}}', 0, '__metadata__, which maps strings to strings: expected a string'],
  ['metadata null', '{"__metadata__":null}', 0, 'expected an object'],
  ['metadata nested', '{"__metadata__":{"a":{}}}', 0, 'expected a string'],
  ['entry that is a number', '{"x":1}', 0, 'tensor "x": expected an object'],
  ['missing dtype', entry('"shape":[1],"data_offsets":[0,1]'), 1, 'dtype missing'],
  ['missing shape and offsets', entry('"dtype":"U8"'), 1, 'shape and data_offsets missing'],
  ['extra field', entry('"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]'), 1, 'unknown key "strides"'],
  ['dtype not text', entry('"dtype":8,"shape":[1],"data_offsets":[0,1]'), 1, 'expected a string'],
  ['dtype in small letters', entry('"dtype":"f32","shape":[1],"data_offsets":[0,4]'), 4, 'has dtype "f32"'],
  ['dtype __proto__', entry('"dtype":"__proto__","shape":[1],"data_offsets":[0,4]'), 4, 'has dtype "__proto__"'],
  ['size 1.0', entry('"dtype":"U8","shape":[1.0],"data_offsets":[0,1]'), 1, '"1.0" is not a whole number'],
  ['size 1e0', entry('"dtype":"U8","shape":[1e0],"data_offsets":[0,1]'), 1, '"1e0" is not a whole number'],
  ['size -0', entry('"dtype":"U8","shape":[-0],"data_offsets":[0,0]'), 0, '"-0" is not a whole number'],
  ['size -1', entry('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'), 1, '"-1" is not a whole number'],
  ['size null', entry('"dtype":"U8","shape":[null],"data_offsets":[0,1]'), 1, 'expected a number'],
  ['size nested', entry('"dtype":"U8","shape":[[1]],"data_offsets":[0,1]'), 1, 'expected a number'],
  ['integer above 2^53', entry('"dtype":"U8","shape":[9007199254740993,0],"data_offsets":[0,0]'), 0, '"9007199254740993" is not a whole number'],
  ['overflowing size', entry('"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]'), 0, 'overflows'],
  ['size that wraps to what is there in 64 bits', entry('"dtype":"F32","shape":[4294967296,1073741825],"data_offsets":[0,4294967296]'), 4294967296, 'overflows'],
  ['size that overflows beside a zero', entry('"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]'), 0, 'overflows'],
  ['65 axes', entry(`"dtype":"U8","shape":[${Array(65).fill(1).join()}],"data_offsets":[0,1]`), 1, 'more than 64 axes'],
  ['one offset', entry('"dtype":"U8","shape":[1],"data_offsets":[1]'), 1, 'must be two numbers'],
  ['three offsets', entry('"dtype":"U8","shape":[1],"data_offsets":[0,1,1]'), 1, 'must be two numbers'],
  ['offsets backwards', entry('"dtype":"U8","shape":[1],"data_offsets":[1,0]'), 1, 'the first not above the second'],
  ['size too small for the shape', entry('"dtype":"F32","shape":[3],"data_offsets":[0,8]'), 8, 'F32 [3] takes 12 bytes, but data_offsets hold 8'],
  ['size too large for the shape', entry('"dtype":"U8","shape":[3],"data_offsets":[0,4]'), 4, 'U8 [3] takes 3 bytes, but data_offsets hold 4'],
  ['bytes for an empty tensor', entry('"dtype":"U8","shape":[0],"data_offsets":[0,1]'), 1, 'takes 0 bytes'],
  ['hole at the start', entry('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), 2, 'leaves 1 bytes unused after the header'],
  ['hole between', `{${x},"y":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}`, 10, 'tensor "y" at data_offsets [9, 10] leaves 1 bytes unused after tensor "x"'],
  ['overlap', `{${x},"y":{"dtype":"U8","shape":[4],"data_offsets":[6,10]}}`, 10, 'overlaps tensor "x"'],
  ['same bytes twice', `{${x},"y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, 'overlaps tensor "x"'],
  ['empty tensor inside another', `{${x},"y":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}`, 8, 'overlaps tensor "x"'],
  ['cut off', `{${x}}`, 7, 'cut off: the tensors take 8 bytes, 7 are there'],
  ['bytes left over', `{${x}}`, 9, '1 bytes follow tensor "x"'],
  ['bytes without a tensor', '{}', 4, '4 bytes follow the header'],
  ['half a surrogate pair in a name', '{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0, 'surrogate'],
  ['control character in a name', '{"a\nb":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0, 'control character'],
  ['depth', '{"x":'.repeat(100_000), 0, 'unknown key'],
  ['depth in arrays', `{"x":{"shape":${'['.repeat(100_000)}`, 0, 'expected a number'],
];

describe('parseHeader refuses', () => {
  it.each(refused)('%s', (_, text, dataSize, message) => {
    const attempt = (): unknown => parse(text, dataSize);
    expect(attempt).toThrow(FormatError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^a\.safetensors: [^\n]*: (?:[^\n]* )?(?:download|convert)/);
  });

  it('bytes that are not UTF-8, overlong forms and encoded surrogates among them', () => {
    for (const wrong of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8], [0xc3]]) {
      expect(() => parseHeader(Uint8Array.of(0x7b, 0x22, ...wrong, 0x22, 0x7d), 0, 'f')).toThrow('f: the header is not valid UTF-8');
    }
  });

  it('a line break or a very long name in no message', () => {
    const name = `line\\nbreak${'n'.repeat(10_000)}`;
    let message = '';
    try {
      parse(`{"${name}":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('"line\\nbreak');
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(500);
  });
});

describe('headerLength', () => {
  const length = (value: bigint, size: number): number => headerLength(new Uint8Array(BigUint64Array.of(value).buffer), size, 'f');

  it('takes what fits, up to the limit', () => {
    expect(length(2n, 10)).toBe(2);
    expect(length(100_000_000n, 200_000_000)).toBe(100_000_000);
  });

  it('refuses more than the limit, or than the file has', () => {
    expect(() => length(100_000_001n, 200_000_000)).toThrow('more than the format\'s limit of 100000000');
    expect(() => length(2n ** 64n - 1n, 200_000_000)).toThrow('18446744073709551615');
    expect(() => length(3n, 10)).toThrow('claims 3 bytes, but only 2 follow');
  });
});

it('byteSize counts, and says NaN where it cannot', () => {
  expect(byteSize('float32', [])).toBe(4);
  expect(byteSize('int64', [2, 3])).toBe(48);
  expect(byteSize('bool', [0, 2 ** 52])).toBe(0);
  expect(byteSize('uint8', [2 ** 53 - 1])).toBe(2 ** 53 - 1);
  expect(byteSize('float16', [2 ** 52])).toBeNaN();
});
