import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dtypes, isFloat, type DType, type FloatDType } from './dtype.ts';
import { ArgumentError, DTypeError } from './errors.ts';
import { full, tensor, zeros } from './creation.ts';
import { kernels } from './kernels/dispatch.ts';
import { sizeOf } from './layout.ts';
import { Generator, manualSeed } from './random.ts';
import { bernoulli, permutation, rand, randint, randLike, randn, randnLike, type RandomOptions } from './randomCreation.ts';
import { Tensor } from './tensor.ts';
import { layouts, shapes } from './testing/index.ts';
import { Storage } from './storage.ts';

const makers: Record<string, (shape: readonly number[], options: RandomOptions<FloatDType>) => Tensor> = {
  rand: (shape, options) => rand(shape, options),
  randn: (shape, options) => randn(shape, options),
  randint: (shape, options) => randint(-5, 6, shape, options),
  bernoulli: (shape, options) => bernoulli(shape, 0.3, options),
  'bernoulli of a tensor': (shape, options) => bernoulli(full(shape, 0.3), options),
  permutation: (shape, options) => permutation(sizeOf(shape), options),
  randLike: (shape, options) => randLike(zeros(shape), options),
  randnLike: (shape, options) => randnLike(zeros(shape), options),
};

const values = (x: Tensor): number[] => Array.from(x.toTypedArray());

describe.each(Object.entries(makers))('%s', (name, make) => {
  it('obeys shape, dtype, requiresGrad and generator', () => {
    fc.assert(
      fc.property(shapes(), fc.constantFrom<FloatDType>('float32', 'float64'), fc.boolean(), fc.nat(1000), (shape, dtype, requiresGrad, seed) => {
        const made = make(shape, { dtype, requiresGrad, generator: new Generator(seed) });
        expect(made.shape).toEqual(name === 'permutation' ? [sizeOf(shape)] : shape);
        expect([made.dtype, made.requiresGrad, made.isLeaf]).toEqual([dtype, requiresGrad, true]);
        // Own generator or default one, cut into axes or not: the same draws.
        expect(values(make([sizeOf(shape)], { dtype, generator: new Generator(seed) }))).toEqual(values(made));
        manualSeed(seed);
        expect(values(make(shape, { dtype }))).toEqual(values(made));
      }),
    );
  });

  it('goes on where it stopped', () => {
    const generator = new Generator(3);
    expect(values(make([40], { generator }))).not.toEqual(values(make([40], { generator })));
  });
});

describe('distributions (200,000 draws each, bounds of five standard errors)', () => {
  const count = 200_000;
  const error = 5 / Math.sqrt(count);
  const moment = (x: readonly number[], power: number, centre = 0) => x.reduce((sum, value) => sum + (value - centre) ** power, 0) / x.length;

  it.each(['float32', 'float64'] as const)('rand is uniform in [0, 1) in %s', (dtype) => {
    const x = values(rand([count], { dtype, generator: new Generator(1) }));
    expect(x.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(Math.abs(moment(x, 1) - 1 / 2)).toBeLessThan(error / Math.sqrt(12));
    expect(Math.abs(moment(x, 2) - 1 / 3)).toBeLessThan(error * Math.sqrt(4 / 45));
    const bins = new Array<number>(16).fill(0);
    for (const value of x) bins[Math.floor(value * 16)]++;
    // χ² with 15 degrees of freedom exceeds 44.3 once in 10,000.
    expect(bins.reduce((sum, n) => sum + (n - count / 16) ** 2 / (count / 16), 0)).toBeLessThan(44.3);
    const products = x.slice(1).map((value, i) => (value - 0.5) * (x[i] - 0.5));
    expect(Math.abs(moment(products, 1))).toBeLessThan(error / 12);
  });

  it.each(['float32', 'float64'] as const)('randn is standard normal in %s', (dtype) => {
    const x = values(randn([count], { dtype, generator: new Generator(2) }));
    expect(Math.abs(moment(x, 1))).toBeLessThan(error);
    expect(Math.abs(moment(x, 2) - 1)).toBeLessThan(error * Math.sqrt(2));
    expect(Math.abs(moment(x, 3))).toBeLessThan(error * Math.sqrt(15));
    expect(Math.abs(moment(x, 4) - 3)).toBeLessThan(error * Math.sqrt(96));
    const share = x.filter((value) => Math.abs(value) < 1).length / count;
    expect(Math.abs(share - 0.6826894921)).toBeLessThan(error * 0.5);
    const products = x.slice(1).map((value, i) => value * x[i]);
    expect(Math.abs(moment(products, 1))).toBeLessThan(error);
  });

  it('bernoulli is 1 with probability p', () => {
    for (const p of [0.15, 0.5, 0.9]) {
      const x = values(bernoulli([count], p, { generator: new Generator(4) }));
      expect(Math.abs(moment(x, 1) - p)).toBeLessThan(error * Math.sqrt(p * (1 - p)));
    }
    expect(new Set(values(bernoulli([1000], 0)))).toEqual(new Set([0]));
    expect(new Set(values(bernoulli([1000], 1)))).toEqual(new Set([1]));
  });

  it('randint is uniform, its ends included', () => {
    const x = values(randint(-2, 4, [count], { generator: new Generator(5) }));
    const bins = new Map<number, number>();
    for (const value of x) bins.set(value, (bins.get(value) ?? 0) + 1);
    expect([...bins.keys()].toSorted((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
    // χ² with 5 degrees of freedom exceeds 25.7 once in 10,000.
    expect([...bins.values()].reduce((sum, n) => sum + (n - count / 6) ** 2 / (count / 6), 0)).toBeLessThan(25.7);
  });

  it('permutation gives every order equally often', () => {
    const generator = new Generator(6);
    const seen = new Map<string, number>();
    const rounds = 24_000;
    for (let i = 0; i < rounds; i++) {
      const order = permutation(4, { generator }).toArray().toString();
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    // χ² with 23 degrees of freedom exceeds 58.6 once in 15,000.
    expect([...seen.values()].reduce((sum, n) => sum + (n - rounds / 24) ** 2 / (rounds / 24), 0)).toBeLessThan(58.6);
  });
});

describe('random tensors', () => {
  it('are the same on any strides', () => {
    const kinds = fc.constantFrom({ kind: 'uniform' } as const, { kind: 'normal' } as const, { kind: 'bernoulli', p: 0.4 } as const);
    fc.assert(
      fc.property(shapes().chain((shape) => layouts(shape, { expanded: false })), kinds, ({ layout, length }, kind) => {
        const strided = new Tensor({ storage: new Storage('float64', new Float64Array(length)), layout });
        const dense = zeros(layout.shape, { dtype: 'float64' });
        for (const target of [strided, dense]) kernels.random(kind, { seed: 9, offset: 8 }, target);
        expect(values(strided)).toEqual(values(dense));
      }),
    );
  });

  it('permutation holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(200), (n) => {
        expect(values(permutation(n)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('randint and bernoulli make any dtype that holds the values', () => {
    for (const dtype of dtypes) {
      expect(randint(2, [5], { dtype }).dtype).toBe(dtype);
      expect(bernoulli([5], 0.5, { dtype }).dtype).toBe(dtype);
      expect(bernoulli(tensor([0.5]), { dtype }).dtype).toBe(dtype);
    }
    expect([randint(6, [2]).dtype, bernoulli([2], 0.5).dtype, permutation(3).dtype]).toEqual(['int32', 'float32', 'int32']);
    const whole = values(randint(-(2 ** 31), 2 ** 31, [1000], { generator: new Generator(7) }));
    expect(Math.min(...whole)).toBeLessThan(-2e9);
    expect(Math.max(...whole)).toBeGreaterThan(2e9);
  });

  it('bernoulli of a tensor draws as bernoulli of a number, each value by its own probability', () => {
    const options = { generator: new Generator(8) };
    const one = values(bernoulli([50], 0.25, { generator: new Generator(8) }));
    expect(values(bernoulli(full([50], 0.25), options))).toEqual(one);
    expect(values(bernoulli(tensor([0, 1, 0, 1])))).toEqual([0, 1, 0, 1]);
  });

  it('refuse what makes no sense', () => {
    const int = (dtype: DType) => dtype as FloatDType;
    expect(isFloat('int32')).toBe(false);
    expect(() => rand([1], { dtype: int('int32') })).toThrow('rand: the draws are real numbers, which int32 cannot hold; use float32 or float64, or randint()');
    expect(() => randn([1], { dtype: int('bool') })).toThrow(DTypeError);
    expect(() => rand([-1])).toThrow('rand: the shape [-1] must hold whole numbers from 0');
    expect(() => randint(3, 3, [1])).toThrow('randint: low and high must be whole numbers, low below high and at most 2^32 apart, not 3 and 3');
    expect(() => randint(0.5, 3, [1])).toThrow(ArgumentError);
    expect(() => randint(300, [1], { dtype: 'uint8' })).toThrow('randint: 299 is not a value of uint8 (integers from 0 to 255); choose a wider dtype');
    expect(() => bernoulli([1], 1.5)).toThrow('bernoulli: the probability must be from 0 to 1, not 1.5');
    expect(() => bernoulli([1], Number.NaN)).toThrow(ArgumentError);
    expect(() => bernoulli(tensor([0.5, Number.NaN]))).toThrow('bernoulli: the probabilities must all be from 0 to 1');
    expect(() => permutation(-1)).toThrow('permutation: the shape [-1]');
    expect(() => permutation(300, { dtype: 'uint8' })).toThrow('permutation: 299 is not a value of uint8');
  });
});
