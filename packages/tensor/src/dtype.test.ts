import { describe, expect, expectTypeOf, it } from 'vitest';
import { checkDType, checkScalar, counted, dtypes, isFloat, promote, summed, toFloat, type Arithmetic, type DType, type Promote } from './dtype.ts';
import { DTypeError } from './errors.ts';

/** torch.promote_types among Strided's dtypes (PyTorch 2, documentation of tensor attributes), row by row. */
const pytorch: Record<DType, Record<DType, DType | 'int16'>> = {
  bool: { bool: 'bool', uint8: 'uint8', int8: 'int8', int32: 'int32', float32: 'float32', float64: 'float64' },
  uint8: { bool: 'uint8', uint8: 'uint8', int8: 'int16', int32: 'int32', float32: 'float32', float64: 'float64' },
  int8: { bool: 'int8', uint8: 'int16', int8: 'int8', int32: 'int32', float32: 'float32', float64: 'float64' },
  int32: { bool: 'int32', uint8: 'int32', int8: 'int32', int32: 'int32', float32: 'float32', float64: 'float64' },
  float32: { bool: 'float32', uint8: 'float32', int8: 'float32', int32: 'float32', float32: 'float32', float64: 'float64' },
  float64: { bool: 'float64', uint8: 'float64', int8: 'float64', int32: 'float64', float32: 'float64', float64: 'float64' },
};

describe('promotion', () => {
  it('is PyTorch’s for all 36 pairs, but int32 where that is int16', () => {
    for (const a of dtypes) for (const b of dtypes) expect(promote(a, b), `${a} with ${b}`).toBe(pytorch[a][b] === 'int16' ? 'int32' : pytorch[a][b]);
  });

  it('is symmetric, associative, and never loses a kind of value', () => {
    for (const a of dtypes) {
      expect(promote(a, a)).toBe(a);
      for (const b of dtypes) {
        expect(promote(a, b)).toBe(promote(b, a));
        // uint8, int8 and bool meet in int32 in any order: nothing depends on how a sum is bracketed.
        for (const c of dtypes) expect(promote(promote(a, b), c)).toBe(promote(a, promote(b, c)));
      }
    }
  });

  it('counts bools, divides integers as float32, sums integers as int32', () => {
    expect(dtypes.map(counted)).toEqual(['float32', 'float64', 'int32', 'uint8', 'int8', 'int32']);
    expect(dtypes.map(toFloat)).toEqual(['float32', 'float64', 'float32', 'float32', 'float32', 'float32']);
    expect(dtypes.map(summed)).toEqual(['float32', 'float64', 'int32', 'int32', 'int32', 'int32']);
  });

  it('is in the types', () => {
    expectTypeOf<Promote<'uint8', 'int8'>>().toEqualTypeOf<'int32'>();
    expectTypeOf<Promote<'float32', 'int32'>>().toEqualTypeOf<'float32'>();
    expectTypeOf<Arithmetic<'bool', 'bool'>>().toEqualTypeOf<'int32'>();
    expectTypeOf<Arithmetic<'bool', 'int8'>>().toEqualTypeOf<'int8'>();
    expectTypeOf<Promote<DType, 'float64'>>().toEqualTypeOf<'float64'>();
    expectTypeOf(promote('int8', 'float32')).toEqualTypeOf<'float32'>();
  });
});

describe('checkScalar', () => {
  it('takes what the dtype holds, at both ends', () => {
    const ends: [DType, number, number][] = [['int32', -(2 ** 31), 2 ** 31 - 1], ['uint8', 0, 255], ['int8', -128, 127], ['bool', 0, 1]];
    for (const [dtype, low, high] of ends) {
      expect([checkScalar('f', low, dtype), checkScalar('f', high, dtype)]).toEqual([low, high]);
      for (const bad of [low - 1, high + 1, 0.5, NaN, Infinity]) expect(() => checkScalar('f', bad, dtype), `${bad} in ${dtype}`).toThrow(DTypeError);
    }
    expect(checkScalar('f', true, 'int8')).toBe(1);
  });

  it('takes any number as a float', () => {
    for (const dtype of dtypes.filter(isFloat)) for (const value of [0.5, NaN, -Infinity, 1e300]) expect(checkScalar('f', value, dtype)).toBe(value);
  });

  it('names the op, the number, the dtype, its range and the remedy', () => {
    expect(() => checkScalar('add', 1.5, 'int8')).toThrow("add: 1.5 is not a value of int8 (integers from -128 to 127); cast the tensor first, for example .cast('float32')");
  });
});

it('checkDType refuses names that are no dtype to compute with', () => {
  for (const dtype of dtypes) expect(() => checkDType('f', dtype)).not.toThrow();
  for (const bad of ['float16', 'int64', 'toString', '', undefined]) {
    expect(() => checkDType('cast', bad as DType)).toThrow(`cast: '${bad}' is not a dtype to compute with; use float32, float64, int32, uint8, int8, bool`);
  }
});
