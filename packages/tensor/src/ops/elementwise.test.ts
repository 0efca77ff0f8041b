import { createRequire } from 'node:module';
import fc from 'fast-check';
import ndarray, { type NdArray } from 'ndarray';
import { describe, expect, it } from 'vitest';
import { dtypes, isFloat, type DType } from '../dtype.ts';
import * as s from '../index.ts';
import { kernels } from '../kernels/dispatch.ts';
import { binaryNames, unaryNames, type BinaryName, type UnaryName } from '../kernels/contract.ts';
import { broadcastableShapes, expectClose, runs, tensors, valuesOf } from '../testing/index.ts';
import { unravel } from '../testing/close.ts';

/**
 * Every elementwise function, on every dtype, on any layout, with broadcasting: against naive loops (integers in
 * BigInt), and against ndarray-ops where it has the function. The digits of the transcendental ones are the matter of
 * tests/golden/elementwise.test.ts.
 */

/** One value by its index in a broadcast shape. */
function valueAt({ storage, layout: { shape, strides, offset } }: s.Tensor, index: readonly number[]): number {
  return storage.data[shape.reduce((at, length, axis) => at + (length === 1 ? 0 : index[index.length - shape.length + axis]) * strides[axis], offset)];
}

function valuesIn(x: s.Tensor, shape: readonly number[]): number[] {
  const size = shape.reduce((product, length) => product * length, 1);
  return Array.from({ length: size }, (_, i) => valueAt(x, unravel(i, shape)));
}

/** What storing in a dtype makes of an exact result. */
function stored(value: number | bigint | boolean, dtype: DType): number {
  if (typeof value !== 'bigint') return dtype === 'float32' ? Math.fround(Number(value)) : Number(value);
  if (dtype === 'bool') return Number(value);
  const bits = { int32: 32, int8: 8, uint8: 8 }[dtype as 'int32' | 'int8' | 'uint8'];
  return Number(dtype === 'uint8' ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value));
}

// PyTorch's rules as its documentation states them (torch.result_type), with Strided's differences.
const category = (dtype: DType): number => (dtype === 'bool' ? 0 : isFloat(dtype) ? 2 : 1);
function promoted(a: DType, b: DType): DType {
  if (a === b) return a;
  if (category(a) !== category(b)) return category(a) > category(b) ? a : b;
  return category(a) === 2 ? 'float64' : 'int32';
}
const countedAs = (dtype: DType): DType => (dtype === 'bool' ? 'int32' : dtype);
const floatOf = (dtype: DType): DType => (isFloat(dtype) ? dtype : 'float32');

type Result = 'counted' | 'float' | 'bool' | 'same';
const resultOf: Record<Result, (met: DType) => DType> = { counted: countedAs, float: floatOf, bool: () => 'bool', same: (dtype) => dtype };

interface Oracle<Args extends unknown[], Wide extends unknown[]> {
  readonly result: Result;
  readonly float: (...values: Args) => number | boolean;
  /** Where the result stays an integer: exact. */
  readonly integer?: (...values: Wide) => bigint;
}
type UnaryOracle = Oracle<[number], [bigint]>;
type BinaryOracle = Oracle<[number, number], [bigint, bigint]>;

const identity = (x: bigint): bigint => x;
const nearest = (x: number): number => {
  const [below, above] = [Math.floor(x), Math.ceil(x)];
  if (x - below !== above - x) return x - below < above - x ? below : above;
  return below % 2 === 0 ? below : above;
};
const tanhOf = (x: number): number => 1 - 2 / (Math.exp(2 * x) + 1);
/** Simpson's rule from 0 to x. */
const erfOf = (x: number): number => {
  if (!(Math.abs(x) < 6)) return Math.sign(x);
  const n = 600;
  let sum = 0;
  for (let i = 0; i <= n; i++) sum += (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-(((i / n) * x) ** 2));
  return (sum * x * 2) / (3 * n * Math.sqrt(Math.PI));
};

const unaryOracles: Record<UnaryName, UnaryOracle> = {
  neg: { result: 'counted', float: (x) => -x, integer: (x) => -x },
  abs: { result: 'counted', float: (x) => (x < 0 ? -x : x), integer: (x) => (x < 0n ? -x : x) },
  sign: { result: 'counted', float: (x) => (x > 0 ? 1 : x < 0 ? -1 : x), integer: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) },
  square: { result: 'counted', float: (x) => x * x, integer: (x) => x * x },
  sqrt: { result: 'float', float: (x) => (x < 0 ? NaN : x ** 0.5) },
  rsqrt: { result: 'float', float: (x) => 1 / Math.sqrt(x) },
  reciprocal: { result: 'float', float: (x) => 1 / x },
  exp: { result: 'float', float: (x) => Math.E ** x },
  expm1: { result: 'float', float: (x) => Math.expm1(x) },
  log: { result: 'float', float: (x) => Math.log(x) },
  log2: { result: 'float', float: (x) => Math.log2(x) },
  log10: { result: 'float', float: (x) => Math.log10(x) },
  log1p: { result: 'float', float: (x) => Math.log1p(x) },
  sin: { result: 'float', float: (x) => Math.sin(x) },
  cos: { result: 'float', float: (x) => Math.cos(x) },
  tan: { result: 'float', float: (x) => Math.tan(x) },
  asin: { result: 'float', float: (x) => Math.asin(x) },
  acos: { result: 'float', float: (x) => Math.acos(x) },
  atan: { result: 'float', float: (x) => Math.atan(x) },
  tanh: { result: 'float', float: (x) => (Math.abs(x) < 20 ? tanhOf(x) : Math.sign(x)) },
  sigmoid: { result: 'float', float: (x) => 1 / (1 + Math.exp(-x)) },
  erf: { result: 'float', float: erfOf },
  softplus: { result: 'float', float: (x) => (x > 40 ? x : Math.log(1 + Math.exp(x))) },
  relu: { result: 'counted', float: (x) => (x > 0 || x !== x ? x : 0), integer: (x) => (x > 0n ? x : 0n) },
  gelu: { result: 'float', float: (x) => 0.5 * x * (1 + erfOf(x / Math.sqrt(2))) },
  geluTanh: { result: 'float', float: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) },
  silu: { result: 'float', float: (x) => x / (1 + Math.exp(-x)) },
  floor: { result: 'counted', float: (x) => Math.floor(x), integer: identity },
  ceil: { result: 'counted', float: (x) => -Math.floor(-x), integer: identity },
  round: { result: 'counted', float: nearest, integer: identity },
  trunc: { result: 'counted', float: (x) => (x < 0 ? Math.ceil(x) : Math.floor(x)), integer: identity },
  isNaN: { result: 'bool', float: Number.isNaN },
  isInf: { result: 'bool', float: (x) => Math.abs(x) === Infinity },
  isFinite: { result: 'bool', float: Number.isFinite },
  logicalNot: { result: 'bool', float: (x) => x === 0 },
};

const floorDivideOf = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
const truth = (x: number): boolean => x !== 0;
const binaryOracles: Record<BinaryName, BinaryOracle> = {
  add: { result: 'counted', float: (a, b) => a + b, integer: (a, b) => a + b },
  sub: { result: 'counted', float: (a, b) => a - b, integer: (a, b) => a - b },
  mul: { result: 'counted', float: (a, b) => a * b, integer: (a, b) => a * b },
  div: { result: 'float', float: (a, b) => a / b },
  floorDivide: { result: 'counted', float: (a, b) => Math.floor(a / b), integer: floorDivideOf },
  pow: { result: 'counted', float: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b), integer: (a, b) => a ** b },
  mod: { result: 'counted', float: (a, b) => (Number.isFinite(a) && Math.abs(b) === Infinity && a !== 0 && a < 0 !== b < 0 ? b : (a % b) + (a % b !== 0 && a % b < 0 !== b < 0 ? b : 0)), integer: (a, b) => ((a % b) + b) % b },
  atan2: { result: 'float', float: (a, b) => Math.atan2(a, b) },
  minimum: { result: 'same', float: (a, b) => (a !== a || a < b ? a : b), integer: (a, b) => (a < b ? a : b) },
  maximum: { result: 'same', float: (a, b) => (a !== a || a > b ? a : b), integer: (a, b) => (a > b ? a : b) },
  eq: { result: 'bool', float: (a, b) => a === b },
  ne: { result: 'bool', float: (a, b) => a !== b },
  lt: { result: 'bool', float: (a, b) => a < b },
  le: { result: 'bool', float: (a, b) => a <= b },
  gt: { result: 'bool', float: (a, b) => a > b },
  ge: { result: 'bool', float: (a, b) => a >= b },
  logicalAnd: { result: 'bool', float: (a, b) => truth(a) && truth(b) },
  logicalOr: { result: 'bool', float: (a, b) => truth(a) || truth(b) },
  logicalXor: { result: 'bool', float: (a, b) => truth(a) !== truth(b) },
};

const functions = s as unknown as Record<string, (...x: s.Operand[]) => s.Tensor>;
const unaryFunction = (name: UnaryName): ((x: s.Tensor) => s.Tensor) => (name === 'geluTanh' ? (x) => s.gelu(x, { approximate: 'tanh' }) : functions[name]);
const anyDType = fc.constantFrom(...dtypes);

/** Rounded once, or not at all. */
const exactNames = new Set<UnaryName>([
  'neg', 'abs', 'sign', 'square', 'reciprocal', 'relu', 'floor', 'ceil', 'round', 'trunc', 'isNaN', 'isInf', 'isFinite', 'logicalNot',
]);

describe('unary functions on every dtype and layout equal naive loops (within 1e-12 in float64 and 2e-7 in float32, and exactly where a result is exact or rounded once)', () => {
  for (const name of unaryNames) {
    it(`${name}(x)`, () => {
      const { result, float, integer } = unaryOracles[name];
      fc.assert(fc.property(anyDType.chain((dtype) => tensors({ dtype, special: !name.startsWith('gelu') && name !== 'silu' })), (x) => {
        const before = x.storage.data.slice();
        const y = unaryFunction(name)(x);
        expect(y.dtype).toBe(resultOf[result](x.dtype));
        expect(y.shape).toEqual(x.shape);
        const exact = integer !== undefined && !isFloat(y.dtype);
        const round = y.dtype === 'float32' ? Math.fround : Number;
        const want = valuesIn(x, x.shape).map((v) => stored(exact ? integer(BigInt(v)) : float(round(v)), y.dtype));
        expectClose(y, Float64Array.from(want), exactNames.has(name) ? { rtol: 0 } : { rtol: y.dtype === 'float32' ? 2e-7 : 1e-12, atol: 1e-12 });
        expect(x.storage.data).toEqual(before);
      }));
    });
  }
});

/** Operands on which a binary function has a value: no zero divisors or negative exponents among integers. */
function operands(name: BinaryName): fc.Arbitrary<[s.Tensor, s.Tensor]> {
  const domain = (met: DType, dtype: DType): fc.Arbitrary<number> => {
    if (isFloat(met)) return name === 'floorDivide' || name === 'mod' ? valuesOf(dtype, isFloat(dtype) ? { range: [-10, 10] } : {}) : valuesOf(dtype, { special: isFloat(dtype) });
    if (name === 'pow') return valuesOf(dtype, dtype === 'bool' ? {} : { range: [0, 40] });
    return name === 'mod' || name === 'floorDivide' ? valuesOf(dtype).filter((v) => v !== 0) : valuesOf(dtype);
  };
  return fc.tuple(anyDType, anyDType, broadcastableShapes(2, { maxRank: 3 })).chain(([a, b, { shapes: [shapeA, shapeB] }]) =>
    fc.tuple(tensors({ dtype: a, shape: shapeA, special: true }), tensors({ dtype: b, shape: shapeB, values: domain(promoted(a, b), b) })),
  );
}

describe('binary functions on every pair of dtypes, with broadcasting, on any layouts, equal naive loops (integers BigInt, exactly)', () => {
  for (const name of binaryNames) {
    it(`${name}(a, b)`, () => {
      const { result, float, integer } = binaryOracles[name];
      fc.assert(fc.property(operands(name), ([a, b]) => {
        const met = promoted(a.dtype, b.dtype);
        const y = functions[name](a, b);
        expect(y.dtype).toBe(resultOf[result](met));
        const computing = name.startsWith('logical') ? 'float64' : result === 'float' ? floatOf(met) : met;
        const round = (v: number): number => (computing === 'float32' ? Math.fround(v) : v);
        const [left, right] = [a, b].map((x) => valuesIn(x, y.shape));
        const exact = integer !== undefined && !isFloat(y.dtype);
        let want = left.map((v, i) => stored(exact ? integer(BigInt(v), BigInt(right[i])) : float(round(v), round(right[i])), y.dtype));
        let got = Array.from(y.toTypedArray());
        if (name === 'floorDivide' && isFloat(y.dtype)) {
          // The naive quotient may round to the next whole number, and is wrong beside infinities.
          const usable = left.map((v, i) => Number.isFinite(v) && Math.abs(round(v) / round(right[i])) < 1e6 && Math.abs(v / right[i] - Math.round(v / right[i])) > 1e-6);
          [want, got] = [want, got].map((list) => list.filter((_, i) => usable[i]));
        }
        if (name === 'pow' || name === 'mod') [want, got] = [want, got].map((list) => list.map((v) => (Math.abs(v) < 1e-30 ? 0 : v)));
        expectClose(got, want, isFloat(y.dtype) && (name === 'pow' || name === 'mod' || name === 'atan2') ? { rtol: y.dtype === 'float32' ? 2e-7 : 1e-14 } : { rtol: 0 });
      }));
    });
  }
});

it('integers and casts are right across the chunks that they are converted in', () => {
  for (const step of [1, 2, -1, -3]) {
    const whole = s.arange(0, 4000).sub(2000);
    const [a, b] = [whole.slice(0, undefined, undefined, step), whole.flip().slice(0, undefined, undefined, step)];
    const [left, right] = [valuesIn(a, a.shape), valuesIn(b, b.shape)];
    expectClose(a.mul(b), left.map((v, i) => v * right[i]));
    expectClose(a.cast('int8'), left.map((v) => stored(BigInt(v), 'int8')));
    expectClose(a.lt(b), left.map((v, i) => v < right[i]));
    expectClose(a.square(), left.map((v) => v * v));
    const spread = s.zeros([a.size, 3], { dtype: 'int8' }).select(1, 1);
    kernels.copy(a, spread);
    expectClose(spread, left.map((v) => stored(BigInt(v), 'int8')));
    const target = s.zeros([3, 4000], { dtype: 'int8' });
    target.slice(0, 1, 2).slice(1, undefined, undefined, step).fill(7);
    expect(target.sum().item()).toBe(7 * a.size);
  }
});

type NdOps = Record<string, (out: NdArray, ...operands: NdArray[]) => void>;
const ndOps = createRequire(import.meta.url)('ndarray-ops') as NdOps;
const toNd = ({ storage: { data }, layout: { shape, strides, offset } }: s.Tensor): NdArray =>
  ndarray(data, [...shape], [...strides], offset) as NdArray;

describe('functions that ndarray-ops has give the same float64 bits on the same strided memory', () => {
  const shared: Partial<Record<UnaryName | BinaryName, string>> = {
    neg: 'neg', abs: 'abs', log: 'log', sin: 'sin', cos: 'cos', tan: 'tan', asin: 'asin', acos: 'acos', atan: 'atan', sqrt: 'sqrt',
    floor: 'floor', ceil: 'ceil', reciprocal: 'recip', add: 'add', sub: 'sub', mul: 'mul', div: 'div', atan2: 'atan2', minimum: 'min', maximum: 'max',
    eq: 'eq', ne: 'neq', lt: 'lt', le: 'leq', gt: 'gt', ge: 'geq',
  };
  for (const [name, theirs] of Object.entries(shared)) {
    it(`${name} as ${theirs}`, () => {
      const count = (binaryNames as readonly string[]).includes(name) ? 2 : 1;
      // ndarray-ops knows neither broadcasting nor arrays without values.
      const operandsOf = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }).chain((shape) =>
        fc.array(tensors({ dtype: 'float64', shape, special: true }), { minLength: count, maxLength: count }));
      fc.assert(fc.property(operandsOf, (given) => {
        const y = functions[name](...given);
        const out = s.zeros(given[0].shape, { dtype: 'float64' });
        ndOps[theirs](toNd(out), ...given.map(toNd));
        expect(Array.from(y.toTypedArray(), Number)).toEqual(Array.from(out.toTypedArray()));
      }), { numRuns: runs(1 / 2) });
    });
  }
});

describe('where and clamp', () => {
  it('where chooses by truth, with broadcasting of three, on any dtypes and layouts', () => {
    const given = fc.tuple(anyDType, anyDType, anyDType, broadcastableShapes(3, { maxRank: 3 })).chain(([c, a, b, { shapes: [sc, sa, sb] }]) =>
      fc.tuple(tensors({ dtype: c, shape: sc, special: true, range: [0, 1] }), tensors({ dtype: a, shape: sa, special: true }), tensors({ dtype: b, shape: sb, special: true })));
    fc.assert(fc.property(given, ([condition, a, b]) => {
      const y = s.where(condition, a, b);
      expect(y.dtype).toBe(promoted(a.dtype, b.dtype));
      const [c, left, right] = [condition, a, b].map((x) => valuesIn(x, y.shape));
      expectClose(y.toTypedArray(), c.map((v, i) => stored(v !== 0 ? left[i] : right[i], y.dtype)), { rtol: 0 });
    }));
  });

  it('clamp keeps NaN, takes one bound or two, and the greater bound last', () => {
    const bounds = fc.record({ min: fc.integer({ min: 0, max: 127 }), max: fc.integer({ min: 0, max: 127 }) }, { requiredKeys: [] }).filter((o) => 'min' in o || 'max' in o);
    const given = fc.tuple(anyDType.filter((dtype) => dtype !== 'bool').chain((dtype) => tensors({ dtype, special: true })), bounds);
    fc.assert(fc.property(given, ([x, options]) => {
      const want = valuesIn(x, x.shape).map((v) => {
        const low = options.min !== undefined && v < options.min ? options.min : v;
        return options.max !== undefined && low > options.max ? options.max : low;
      });
      expectClose(s.clamp(x, options as { min: number }), Float64Array.from(want), { rtol: 0 });
    }));
    expect(() => s.tensor([1]).clamp({})).toThrow('clamp: give { min }, { max } or both');
    expect(() => s.tensor([1], { dtype: 'uint8' }).clamp({ min: -1 })).toThrow('clamp: -1 is not a value of uint8');
    expect(() => s.tensor([1], { dtype: 'int32' }).clamp({ max: 1.5 })).toThrow('clamp: 1.5 is not a value of int32');
  });
});
