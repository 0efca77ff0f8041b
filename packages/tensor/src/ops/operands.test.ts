import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { dtypes, type DType } from '../dtype.ts';
import * as s from '../index.ts';
import { tensor, type Tensor } from '../index.ts';
import { expectClose, tensors } from '../testing/index.ts';

const int32 = (values: number[]) => tensor(values, { dtype: 'int32' });
const uint8 = (values: number[]) => tensor(values, { dtype: 'uint8' });
const int8 = (values: number[]) => tensor(values, { dtype: 'int8' });
const bool = (values: boolean[]) => tensor(values);

describe('the type of a result', () => {
  it('is promoted', () => {
    expectTypeOf(tensor([1]).add(int32([1]))).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(uint8([1]).mul(int8([1]))).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(bool([true]).add(bool([true]))).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(s.sub(int8([1]), tensor([1], { dtype: 'float64' }))).toEqualTypeOf<Tensor<'float64'>>();
    expectTypeOf(bool([true]).maximum(bool([true]))).toEqualTypeOf<Tensor<'bool'>>();
  });

  it('is the tensor’s beside a number, and float32 where integers are divided', () => {
    expectTypeOf(int8([1]).add(1)).toEqualTypeOf<Tensor<'int8'>>();
    expectTypeOf(s.pow(2, int32([1]))).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(int32([1]).div(2)).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(int32([1]).atan2(int8([2]))).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(int32([1]).floorDivide(2)).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(s.where(bool([true]), int8([1]), 0)).toEqualTypeOf<Tensor<'int8'>>();
  });

  it('of a function is float, its own dtype or bool', () => {
    expectTypeOf(int32([1]).exp()).toEqualTypeOf<Tensor<'float32'>>();
    expectTypeOf(tensor([1], { dtype: 'float64' }).erf()).toEqualTypeOf<Tensor<'float64'>>();
    expectTypeOf(bool([true]).neg()).toEqualTypeOf<Tensor<'int32'>>();
    expectTypeOf(int8([1]).round()).toEqualTypeOf<Tensor<'int8'>>();
    expectTypeOf(int8([1]).isInf()).toEqualTypeOf<Tensor<'bool'>>();
    expectTypeOf(int8([1]).lt(3)).toEqualTypeOf<Tensor<'bool'>>();
    expectTypeOf(int8([1]).cast('float64')).toEqualTypeOf<Tensor<'float64'>>();
    // A dtype that is only known at run time stays open.
    expectTypeOf((int8([1]) as Tensor).mul(tensor([1], { dtype: 'float64' }))).toEqualTypeOf<Tensor<'float64'>>();
    expectTypeOf((int8([1]) as Tensor).exp()).toEqualTypeOf<Tensor<'float32' | 'float64'>>();
  });
});

describe('0-dimensional tensors', () => {
  it('count like any other in promotion', () => {
    expect(tensor([1]).add(tensor(1, { dtype: 'float64' })).dtype).toBe('float64');
    expect(int8([1]).add(tensor(1, { dtype: 'int32' })).dtype).toBe('int32');
    expect(int8([1]).add(tensor(0.5)).dtype).toBe('float32');
  });
});

describe('a JavaScript number', () => {
  it('takes the tensor’s dtype, on either side', () => {
    for (const dtype of dtypes) {
      const x = s.ones([2], { dtype });
      const counted = dtype === 'bool' ? 'int32' : dtype;
      for (const y of [x.add(1), s.add(1, x), x.sub(true), s.mul(1, x), x.pow(1), s.mod(1, x), x.floorDivide(1)]) expect(y.dtype).toBe(counted);
      for (const y of [x.minimum(0), s.maximum(1, x), s.where(x, 1, x), s.where(x, x, 0)]) expect(y.dtype).toBe(dtype);
      for (const y of [x.eq(1), s.lt(0, x), x.logicalAnd(1)]) expect(y.dtype).toBe('bool');
    }
  });

  it('is rounded to float32 beside float32', () => {
    expect(tensor([0]).add(0.1).item()).toBe(Math.fround(0.1));
    expect(tensor([0.1]).eq(0.1).item()).toBe(true);
  });

  it('of a fraction or out of range beside integers is a DTypeError that suggests cast, for every op', () => {
    const ops = [s.add, s.sub, s.mul, s.pow, s.mod, s.floorDivide, s.minimum, s.maximum, s.eq, s.ne, s.lt, s.le, s.gt, s.ge, s.logicalAnd, s.logicalOr, s.logicalXor] as ((a: s.Operand, b: s.Operand) => Tensor)[];
    for (const op of ops) {
      for (const bad of [0.5, 256, -1, NaN]) {
        expect(() => op(uint8([1]), bad)).toThrow(s.DTypeError);
        expect(() => op(bad, uint8([1]))).toThrow("cast('float32')");
      }
    }
    expect(() => bool([true]).add(2)).toThrow('add: 2 is not a value of bool (integers from 0 to 1); cast the tensor first');
    expect(() => s.where(bool([true]), int8([1]), 200)).toThrow('where: 200 is not a value of int8');
  });

  it('divides integers as a float32', () => {
    expectClose(int32([1, 3]).div(0.5), tensor([2, 6]));
    expectClose(s.div(1, uint8([2, 4])), tensor([0.5, 0.25]));
    expectClose(bool([true]).div(4), tensor([0.25]));
    expectClose(uint8([3]).atan2(-0.5), tensor([Math.atan2(3, -0.5)]));
  });

  it('needs a tensor beside it; other things are refused by name', () => {
    const wrong = (value: unknown) => value as s.Operand;
    expect(() => s.add(wrong(1) as Tensor, 2)).toThrow('add: one of the operands must be a tensor, not the numbers 1 and 2');
    expect(() => tensor([1]).add(wrong(undefined))).toThrow('add: an operand must be a tensor, a number or a boolean, not undefined; make a tensor with tensor(…)');
    expect(() => tensor([1]).mul(wrong([1, 2]))).toThrow('mul: an operand must be a tensor, a number or a boolean, not an array');
    expect(() => tensor([1]).eq(wrong('1'))).toThrow('not string');
    expect(() => tensor([1]).eq(wrong(null))).toThrow('not null');
    expect(() => tensor([1]).eq(wrong(1n))).toThrow('not bigint');
  });
});

describe('integers', () => {
  it('wrap in add, sub, mul, pow, square, neg and abs', () => {
    expect(int32([2 ** 31 - 1]).add(1).item()).toBe(-(2 ** 31));
    expect(int32([-(2 ** 31)]).sub(1).item()).toBe(2 ** 31 - 1);
    expect(int32([123456789]).mul(987654321).item()).toBe(Number(BigInt.asIntN(32, 123456789n * 987654321n)));
    expect(int32([94906267]).square().item()).toBe(Number(BigInt.asIntN(32, 94906267n ** 2n)));
    expect(int32([3]).pow(40).item()).toBe(Number(BigInt.asIntN(32, 3n ** 40n)));
    expect(uint8([200]).add(100).item()).toBe(44);
    expect(uint8([1]).neg().item()).toBe(255);
    expect(int8([-128]).abs().item()).toBe(-128);
    expect(int8([-128]).neg().item()).toBe(-128);
    expect(int32([-(2 ** 31)]).floorDivide(-1).item()).toBe(-(2 ** 31));
  });

  it('have the remainder and the quotient of Python', () => {
    expectClose(int32([7, -7, 7, -7]).mod(int32([3, 3, -3, -3])), int32([1, 2, -2, -1]));
    expectClose(int32([7, -7, 7, -7]).floorDivide(int32([3, 3, -3, -3])), int32([2, -3, -3, 2]));
    expect(() => int32([1, 2]).mod(int32([1, 0]))).toThrow('mod: the remainder by 0 does not exist among integers; cast to float32 for NaN');
    expect(() => int8([1]).floorDivide(0)).toThrow('floorDivide: integers cannot be divided by 0; cast to float32 for an infinity');
    expect(() => int32([2]).pow(-1)).toThrow('pow: an integer power needs exponents from 0; cast to float32 first');
    expect(s.zeros([0], { dtype: 'int32' }).mod(s.zeros([0], { dtype: 'int32' })).size).toBe(0);
  });

  it('beyond 2²⁴ beside float32 round to it, as in PyTorch', () => {
    expect(int32([2 ** 24 + 1]).add(tensor([0])).item()).toBe(2 ** 24);
    expect(int32([2 ** 24 + 1]).eq(tensor([2 ** 24])).item()).toBe(true);
    expect(int32([2 ** 24 + 1]).div(1).item()).toBe(2 ** 24);
  });
});

describe('floats beside their corners', () => {
  const f64 = (values: number[]) => tensor(values, { dtype: 'float64' });
  const bits = (x: Tensor) => Array.from(x.toTypedArray());

  it('−0 and halves round as IEEE 754 says', () => {
    expect(bits(f64([-0.3, -0.5, 0.5, 1.5, 2.5, -1.5, -0, 0]).round())).toEqual([-0, -0, 0, 2, 2, -2, -0, 0]);
    expect(bits(f64([-0, -0.5]).ceil())).toEqual([-0, -0]);
    expect(bits(f64([-0]).floor())).toEqual([-0]);
    expect(bits(f64([0.49999999999999994, 4503599627370495.5, 2 ** 52 + 1, -Infinity]).round())).toEqual([0, 4503599627370496, 2 ** 52 + 1, -Infinity]);
  });

  it('mod and floorDivide follow Python beside infinities, zeros and NaN', () => {
    expect(bits(f64([5, -5, 5, -5, Infinity, 1, -4, 4]).mod(f64([Infinity, Infinity, -Infinity, -Infinity, 2, 0, 2, -2])))).toEqual([5, Infinity, -Infinity, -5, NaN, NaN, 0, -0]);
    expect(bits(f64([5, -5, 1, -1, 0]).floorDivide(f64([Infinity, Infinity, 0, 0, 0])))).toEqual([0, -1, Infinity, -Infinity, NaN]);
    // 1 / 0.1 rounds to 10, but 10 · 0.1000…0055 is more than 1.
    expect(bits(f64([1]).floorDivide(0.1))).toEqual([9]);
  });

  it('NaN wins in minimum, maximum, relu, sign and clamp, and loses every comparison', () => {
    const nan = f64([NaN]);
    for (const y of [nan.minimum(1), s.maximum(1, nan), nan.relu(), nan.sign(), nan.clamp({ min: 0, max: 1 })]) expect(bits(y)).toEqual([NaN]);
    for (const y of [nan.eq(nan), nan.lt(1), nan.ge(1)]) expect(y.item()).toBe(false);
    expect(nan.ne(nan).item()).toBe(true);
    expect(nan.logicalAnd(1).item()).toBe(true);
    expect(bits(s.pow(1, nan))).toEqual([1]);
    expect(bits(nan.pow(0))).toEqual([1]);
  });
});

describe('cast', () => {
  it('converts every dtype to every other, on any layout: truncated, wrapped, NaN to 0, truth for bool', () => {
    const given = fc.constantFrom(...dtypes).chain((from) => fc.tuple(tensors({ dtype: from, special: true, range: from.startsWith('float') ? [-1e10, 1e10] : [0, 1] }), fc.constantFrom(...dtypes)));
    const wrap = (value: number, bits: number, signed: boolean): number => {
      if (!Number.isFinite(value)) return 0;
      const whole = BigInt(Math.trunc(value));
      return Number(signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole));
    };
    const oracle: Record<DType, (value: number) => number> = {
      float32: Math.fround, float64: Number, int32: (v) => wrap(v, 32, true), int8: (v) => wrap(v, 8, true), uint8: (v) => wrap(v, 8, false), bool: (v) => (v === 0 ? 0 : 1),
    };
    fc.assert(fc.property(given, ([x, to]) => {
      const y = x.cast(to);
      expect(y.dtype).toBe(to);
      expect(y.shape).toEqual(x.shape);
      expectClose(y, Float64Array.from(x.toTypedArray(), (v: number) => oracle[to](v)), { rtol: 0 });
    }));
  });

  it('to the same dtype is the tensor itself', () => {
    const x = tensor([1]);
    expect(x.cast('float32')).toBe(x);
  });

  it('refuses a dtype that only files have', () => {
    expect(() => tensor([1]).cast('float16' as 'float32')).toThrow("cast: 'float16' is not a dtype to compute with; use float32,");
  });
});

describe('what no type has checked', () => {
  const x = tensor([[1, 2], [3, 4]]);
  const none = undefined as never;
  const array = [0] as never;
  it.each<[string, () => unknown]>([
    ['add: an operand must be a tensor, a number or a boolean, not an array; make a tensor with tensor(…)', () => x.add(array)],
    ['addInPlace: an operand must be a tensor, a number or a boolean, not undefined; make a tensor with tensor(…)', () => x.addInPlace(none)],
    ['fill: a number or a boolean is needed, not string', () => x.fill('1' as never)],
    ['matmul: a tensor is needed, not an array; make one with tensor(…)', () => x.matmul(array)],
    ['relu: a tensor is needed, not number; make one with tensor(…)', () => s.relu(3 as never)],
    ['exp: a tensor is needed, not an array; make one with tensor(…)', () => s.exp(array)],
    ['indexSelect: a tensor is needed, not an array; make one with tensor(…)', () => x.indexSelect(0, array)],
    ['gather: a tensor is needed, not an array; make one with tensor(…)', () => x.gather(0, array)],
    ['concat: the tensors must be one array, as in concat([a, b]), not object', () => s.concat(x as never)],
    ['stack: a tensor is needed, not number; make one with tensor(…)', () => s.stack([1] as never)],
    ["einsum: the equation comes first, as in einsum('ij,jk->ik', a, b)", () => s.einsum(x as never, x)],
    ['einsum: a tensor is needed, not an array; make one with tensor(…)', () => s.einsum('i->', array)],
  ])('%s', (message, run) => {
    const before = x.toArray();
    expect(run).toThrow(new s.ArgumentError(message));
    expect(x.toArray()).toEqual(before);
  });
});
