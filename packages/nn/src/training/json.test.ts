import { ArgumentError } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainJson } from './json.ts';

describe('plainJson', () => {
  it('what it takes comes back equal, what would not it refuses', () => {
    fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true, withSparseArray: true }), (value) => {
      let text: string;
      try {
        text = plainJson(value, 'it');
      } catch (error) {
        expect(error).toBeInstanceOf(ArgumentError);
        return;
      }
      expect(JSON.parse(text)).toEqual(value);
    }));
  });

  it('takes all JSON', () => {
    fc.assert(fc.property(fc.json().map((text): unknown => JSON.parse(text)), (value) => {
      expect(JSON.parse(plainJson(value, 'it'))).toEqual(value);
    }));
  });

  it.each<[string, unknown]>([
    ['it is undefined', undefined],
    ['it.a[1] is NaN', { a: [1, NaN] }],
    ['it.a is -0', { a: -0 }],
    ['it is Infinity', Infinity],
    ['it.map is a Map', { map: new Map() }],
    ['it is a Float32Array', new Float32Array(1)],
    ['it[0] is a Date', [new Date()]],
    ['it is a bigint', 1n],
    ['it.f is a function', { f: () => {} }],
    ['it is a symbol', Symbol('s')],
    ['it.u is undefined', { u: undefined }],
    ['it[0] is undefined', new Array(1)],
  ])('says where: %s', (message, value) => {
    expect(() => plainJson(value, 'it')).toThrow(`${message}, which JSON cannot hold; `);
  });
});
