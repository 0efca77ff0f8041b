import { Generator, manualSeed, zeros, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Embedding } from './embedding.ts';
import * as init from './init.ts';
import { inverseNormal, normalShare } from './initMath.ts';
import { LayerNorm } from './layerNorm.ts';
import { Linear } from './linear.ts';
import { MultiHeadAttention } from './attention.ts';
import { RMSNorm } from './rmsNorm.ts';

beforeEach(() => manualSeed(20261123));

const values = (x: Tensor): number[] => [...x.toTypedArray()];
const mean = (x: readonly number[]): number => x.reduce((sum, each) => sum + each, 0) / x.length;
const deviation = (x: readonly number[]): number => Math.sqrt(mean(x.map((each) => (each - mean(x)) ** 2)));

/** The draws' distribution function stays within 2/√n of the true one (Kolmogorov and Smirnov: once in 1500 by chance; seeded). */
function expectDistribution(x: Tensor, below: (value: number) => number): void {
  const sorted = values(x).sort((a, b) => a - b);
  const n = sorted.length;
  const worst = sorted.reduce((most, value, i) => Math.max(most, Math.abs(below(value) - i / n), Math.abs(below(value) - (i + 1) / n)), 0);
  expect(worst * Math.sqrt(n)).toBeLessThan(2);
}
const uniformWithin = (bound: number) => (value: number) => Math.min(1, Math.max(0, (value + bound) / (2 * bound)));
const normalWith = (std: number, center = 0) => (value: number) => normalShare((value - center) / std);

describe('initialisers draw from their distributions', () => {
  const weight = () => zeros([40, 60]);
  it.each<[string, (x: Tensor) => Tensor, (value: number) => number]>([
    ['uniform', (x) => init.uniform(x, -3, 1), (v) => Math.min(1, Math.max(0, (v + 3) / 4))],
    ['normal', (x) => init.normal(x, 2, 3), normalWith(3, 2)],
    ['xavierUniform', (x) => init.xavierUniform(x, 2), uniformWithin(2 * Math.sqrt(6 / 100))],
    ['xavierNormal', (x) => init.xavierNormal(x, 2), normalWith(2 * Math.sqrt(2 / 100))],
    ['kaimingUniform', (x) => init.kaimingUniform(x), uniformWithin(Math.sqrt(6 / 60))],
    ['kaimingUniform, fan-out, tanh', (x) => init.kaimingUniform(x, { mode: 'fanOut', nonlinearity: 'tanh' }), uniformWithin((5 / 3) * Math.sqrt(3 / 40))],
    ['kaimingNormal', (x) => init.kaimingNormal(x, { nonlinearity: 'relu' }), normalWith(Math.sqrt(2 / 60))],
    ['kaimingNormal, slope', (x) => init.kaimingNormal(x, { slope: 0.5 }), normalWith(Math.sqrt(2 / 1.25 / 60))],
    ['truncNormal', (x) => init.truncNormal(x, 0, 1, -1, 2), (v) => (normalShare(v) - normalShare(-1)) / (normalShare(2) - normalShare(-1))],
    ['truncNormal of BERT', (x) => init.truncNormal(x, 0, 0.02), normalWith(0.02)],
  ])('%s', (_, fill, below) => {
    const x = weight();
    expect(fill(x) === x).toBe(true);
    expectDistribution(x, below);
  });

  it('the generator that is given, and float64 as float64', () => {
    for (const fill of [init.uniform, init.normal] as const) {
      const draw = () => values(fill(zeros([5], { dtype: 'float64' }), 0, 1, { generator: new Generator(4) }));
      expect(draw()).toEqual(draw());
      expect(draw()).not.toEqual(draw().map(Math.fround));
    }
    for (const fill of [init.xavierUniform, init.xavierNormal, init.orthogonal] as const) {
      const draw = () => values(fill(zeros([3, 4]), 1, { generator: new Generator(4) }));
      expect(draw()).toEqual(draw());
    }
    const draw = () => values(init.truncNormal(init.kaimingNormal(zeros([3, 4]), { generator: new Generator(4) }), 0, 1, -1, 1, { generator: new Generator(5) }));
    expect(draw()).toEqual(draw());
  });

  it('truncNormal stays inside, also far out in a tail', () => {
    for (const [low, high] of [[-2, 2], [5, 7], [-7, -5], [0, 0.001]]) {
      const drawn = values(init.truncNormal(zeros([500], { dtype: 'float64' }), 0, 1, low, high));
      expect(drawn.every((value) => value >= low && value <= high)).toBe(true);
      expect(new Set(drawn).size).toBeGreaterThan(400);
    }
  });

  it('constants, zeros, ones, eye', () => {
    expect(init.constant(zeros([2]), 2.5).toArray()).toEqual([2.5, 2.5]);
    expect(init.ones(zeros([2])).toArray()).toEqual([1, 1]);
    expect(init.zeros(init.ones(zeros([2]))).toArray()).toEqual([0, 0]);
    expect(init.eye(init.ones(zeros([2, 3]))).toArray()).toEqual([[1, 0, 0], [0, 1, 0]]);
  });

  it('orthogonal: rows or columns, the fewer, at right angles and of the length gain', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 2 }), (rows, columns, kernel) => {
      const w = init.orthogonal(zeros([rows, columns, kernel], { dtype: 'float64' }), 3).reshape([rows, columns * kernel]);
      const product = rows <= columns * kernel ? w.matmul(w.transpose()) : w.transpose().matmul(w);
      const n = product.shape[0];
      values(product).forEach((value, i) => expect(value).toBeCloseTo(i % (n + 1) === 0 ? 9 : 0, 10));
    }));
  });

  it('gains and fans are those of PyTorch', () => {
    expect(init.calculateGain('leakyRelu')).toBeCloseTo(1.4141428569978354, 14);
    expect(['linear', 'sigmoid', 'tanh', 'relu', 'selu'].map((name) => init.calculateGain(name as init.Nonlinearity))).toEqual([1, 1, 5 / 3, Math.SQRT2, 0.75]);
    expect(init.fans(zeros([3, 4, 5, 6]))).toEqual({ fanIn: 120, fanOut: 90 });
  });

  it('refuse what makes no sense', () => {
    expect(() => init.xavierUniform(zeros([3]))).toThrow('init: fan-in and fan-out need a weight of at least two axes');
    expect(() => init.orthogonal(zeros([3]))).toThrow('init.orthogonal: needs at least two axes');
    expect(() => init.eye(zeros([3]))).toThrow('init.eye: only a matrix');
    expect(() => init.normal(zeros([3]), 0, -1)).toThrow('init.normal: the standard deviation');
    expect(() => init.uniform(zeros([3]), 1, NaN)).toThrow('init.uniform: low must not be above high');
    expect(() => init.truncNormal(zeros([3]), 0, 1, 2, -2)).toThrow('init.truncNormal');
    expect(() => init.truncNormal(zeros([3]), 0, 1, 9, 10)).toThrow('init.truncNormal: fewer than one draw in 10^9 would lie from 9 to 10');
    expect(() => init.calculateGain('swish' as init.Nonlinearity)).toThrow("init.calculateGain: 'swish' is none of");
  });

  it('empty weights stay empty', () => {
    for (const fill of [init.xavierUniform, init.kaimingUniform, init.orthogonal, init.xavierNormal] as const) expect(fill(zeros([0, 3])).shape).toEqual([0, 3]);
  });

  it('inverseNormal is the inverse of normalShare, as far as the share, rounded, tells', () => {
    fc.assert(fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (x) => {
      const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
      expect(Math.abs(inverseNormal(normalShare(x)) - x)).toBeLessThan(5e-16 / density + 1e-15);
    }));
    expect([inverseNormal(0.5), inverseNormal(0), inverseNormal(1)]).toEqual([0, -Infinity, Infinity]);
    // scipy.stats.norm.ppf
    expect(inverseNormal(1e-300)).toBeCloseTo(-37.0471, 4);
    expect(inverseNormal(0.975)).toBeCloseTo(1.959963984540054, 14);
  });
});

describe('each layer starts as in PyTorch', () => {
  it('Linear: weight and bias uniform within ±1/√inFeatures', () => {
    const { weight, bias } = new Linear(25, 300);
    expectDistribution(weight, uniformWithin(0.2));
    expectDistribution(bias as Tensor, uniformWithin(0.2));
    expect(new Linear(3, 2, { bias: false }).bias).toBe(null);
  });

  it('Embedding: standard normal, the padding row 0', () => {
    expectDistribution(new Embedding(50, 40).weight, normalWith(1));
    const { weight } = new Embedding(5, 3, { paddingIndex: -2 });
    expect(weight.select(0, 3).toArray()).toEqual([0, 0, 0]);
    expect(values(weight).filter((value) => value === 0)).toHaveLength(3);
    expect(() => new Embedding(5, 3, { paddingIndex: 5 })).toThrow('Embedding: paddingIndex 5 must be one of the 5 rows: a whole number from -5 to 4');
  });

  it('norms: weight 1, bias 0', () => {
    const norm = new LayerNorm(3);
    expect([norm.weight.toArray(), norm.bias?.toArray()]).toEqual([[1, 1, 1], [0, 0, 0]]);
    expect(new LayerNorm(3, { bias: false }).bias).toBe(null);
    expect(new RMSNorm(3).weight.toArray()).toEqual([1, 1, 1]);
  });

  it('MultiHeadAttention: projections Xavier uniform as one matrix, their biases and the output\'s 0, the output\'s weight as of Linear', () => {
    const attention = new MultiHeadAttention(48, 4);
    for (const { weight, bias } of [attention.query, attention.key, attention.value]) {
      expectDistribution(weight, uniformWithin(Math.sqrt(6 / (4 * 48))));
      expect(values(bias as Tensor).every((value) => value === 0)).toBe(true);
    }
    expectDistribution(attention.output.weight, uniformWithin(1 / Math.sqrt(48)));
    expect(values(attention.output.bias as Tensor).every((value) => value === 0)).toBe(true);
    expect(deviation(values(attention.query.weight))).toBeGreaterThan(0.09);
  });

  it('MultiHeadAttention with widths of its own for keys and values: each projection Xavier uniform', () => {
    const attention = new MultiHeadAttention(48, 4, { keyWidth: 24, valueWidth: 12 });
    expectDistribution(attention.query.weight, uniformWithin(Math.sqrt(6 / 96)));
    expectDistribution(attention.key.weight, uniformWithin(Math.sqrt(6 / 72)));
    expectDistribution(attention.value.weight, uniformWithin(Math.sqrt(6 / 60)));
  });

  it("MultiHeadAttention with start: 'linear': each as a Linear of its own (BERT-pytorch)", () => {
    const attention = new MultiHeadAttention(48, 4, { start: 'linear' });
    for (const { weight, bias } of [attention.query, attention.output]) {
      expectDistribution(weight, uniformWithin(1 / Math.sqrt(48)));
      expectDistribution(bias as Tensor, uniformWithin(1 / Math.sqrt(48)));
    }
  });
});
