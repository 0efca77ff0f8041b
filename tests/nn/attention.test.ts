import { KeyValueCache, LearnedPositions, MultiHeadAttention, relativeBucket, RelativePositionBias, RotaryPositions, SinusoidalPositions, TransformerDecoderLayer, TransformerEncoderLayer } from '@strided/nn';
import { arange, concat, defaultGenerator, Generator, manualSeed, permutation, randn, tensor, zeros, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramble } from './check.ts';

const f64 = (seed: number, ...shape: number[]): Tensor => randn(shape, { dtype: 'float64', generator: new Generator(seed) });
const close = { rtol: 1e-10, atol: 1e-10 };

/** Head counts, lengths, and a choice of options. */
const setting = fc.record({
  seed: fc.nat({ max: 1000 }), B: fc.integer({ min: 1, max: 3 }), L: fc.integer({ min: 1, max: 6 }), S: fc.integer({ min: 1, max: 6 }),
  keyValueHeads: fc.constantFrom(1, 2, 4), needWeights: fc.boolean(), rotary: fc.boolean(),
});
const attentionOf = ({ seed, keyValueHeads, rotary }: { seed: number; keyValueHeads: number; rotary: boolean }): MultiHeadAttention =>
  scramble(new MultiHeadAttention(8, 4, { keyValueHeads, ...(rotary ? { rotary: new RotaryPositions(2) } : {}) }), seed);

describe('MultiHeadAttention', () => {
  it('without positions: permuting the sequence permutes the result', () => {
    fc.assert(fc.property(setting, (given) => {
      const attention = attentionOf({ ...given, rotary: false });
      const x = f64(given.seed, given.B, given.L, 8);
      const order = permutation(given.L, { generator: new Generator(given.seed) });
      const { output } = attention.forward(x, { needWeights: given.needWeights });
      expectClose(attention.forward(x.indexSelect(1, order), { needWeights: given.needWeights }).output, output.indexSelect(1, order), close);
    }));
  });

  it('padding never changes the result at real positions, whatever it holds', () => {
    fc.assert(fc.property(setting, fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 1e6, -3), (given, padded, junk) => {
      const attention = attentionOf(given);
      const x = f64(given.seed, given.B, given.L, 8);
      const longer = concat([x, zeros([given.B, padded, 8], { dtype: 'float64' }).add(junk)], 1);
      const keyPaddingMask = arange(given.L + padded).ge(given.L).expand([given.B, given.L + padded]);
      const { output } = attention.forward(x, { needWeights: given.needWeights });
      expectClose(attention.forward(longer, { keyPaddingMask, needWeights: given.needWeights }).output.narrow(1, 0, given.L), output, close);
    }));
  });

  it('causal: no position sees a later one', () => {
    fc.assert(fc.property(setting, (given) => {
      const attention = attentionOf(given);
      const x = f64(given.seed, given.B, given.L, 8);
      const cut = Math.ceil(given.L / 2);
      const other = concat([x.narrow(1, 0, cut), f64(given.seed + 1, given.B, given.L - cut, 8)], 1);
      const first = (input: Tensor) => attention.forward(input, { causal: true, needWeights: given.needWeights }).output.narrow(1, 0, cut);
      expectClose(first(other), first(x), { rtol: 0, atol: 0 });
      const one = x.clone();
      one.requiresGrad = true;
      first(one).sum().backward();
      expect(one.grad?.narrow(1, cut, given.L - cut).ne(0).any().item()).toBe(false);
    }));
  });

  it('both paths agree: with weights asked for and without, under any masks; weights of visible keys sum to 1', () => {
    fc.assert(fc.property(setting, fc.boolean(), fc.constantFrom('none', 'bool', 'float'), fc.boolean(), (given, causal, kind, padding) => {
      const attention = attentionOf({ ...given, rotary: false });
      const { B, L, S, seed } = given;
      const [x, key] = [f64(seed, B, L, 8), f64(seed + 1, B, S, 8)];
      const scores = f64(seed + 2, 4, L, S);
      const inputs = {
        key, causal,
        ...(kind === 'none' ? {} : { mask: kind === 'bool' ? scores.gt(-0.5) : scores }),
        ...(padding ? { keyPaddingMask: f64(seed + 3, B, S).gt(0.7) } : {}),
      };
      const fused = attention.forward(x, inputs);
      const { output, weights } = attention.forward(x, { ...inputs, needWeights: true });
      expect(fused.weights).toBe(null);
      expectClose(fused.output, output, close);
      expect(weights?.shape).toEqual([B, 4, L, S]);
      for (const sum of weights?.sum(-1).toTypedArray() ?? []) expect(Math.min(Math.abs(sum), Math.abs(sum - 1))).toBeLessThan(1e-12);
    }));
  });

  it('grouped heads are heads whose keys and values are the same', () => {
    fc.assert(fc.property(setting, (given) => {
      const grouped = attentionOf({ ...given, rotary: false });
      const full = scramble(new MultiHeadAttention(8, 4));
      const spread = (w: Tensor): Tensor => w.reshape([given.keyValueHeads, 2, -1]).repeatInterleave(4 / given.keyValueHeads, 0).reshape([8, -1]);
      const state = new Map([...grouped.stateDict()].map(([name, w]) => [name, /^(key|value)/.test(name) ? spread(w).reshape(name.endsWith('bias') ? [8] : [8, 8]) : w]));
      full.loadStateDict(state);
      const x = f64(given.seed, given.B, given.L, 8);
      expectClose(grouped.forward(x, { needWeights: given.needWeights }).output, full.forward(x).output, close);
    }));
  });

  it('a cache gives, token by token or in pieces, what the whole sequence gives at once', () => {
    fc.assert(fc.property(setting, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }), fc.boolean(), (given, pieces, masked) => {
      const attention = attentionOf(given);
      const { B, seed } = given;
      const L = pieces.reduce((sum, n) => sum + n, 0);
      const x = f64(seed, B, L, 8);
      // The first key is never padding: a query with nothing to see is another test.
      const padding = masked ? f64(seed + 3, B, L).gt(0.5).logicalAnd(arange(L).gt(0)) : null;
      const upTo = (n: number) => (padding === null ? {} : { keyPaddingMask: padding.narrow(1, 0, n) });
      const whole = attention.forward(x, { causal: true, ...upTo(L) }).output;
      const cache = new KeyValueCache();
      const outputs = pieces.map((n) => attention.forward(x.narrow(1, cache.length, n), { cache, causal: true, needWeights: given.needWeights, ...upTo(cache.length + n) }).output);
      expect(cache.length).toBe(L);
      expectClose(concat(outputs, 1), whole, close);
      cache.reorder(tensor(Array.from({ length: B }, (_, i) => B - 1 - i), { dtype: 'int32' }));
      expectClose(attention.forward(x.narrow(1, 0, 1).flip(0), { cache }).output.flip(0), attention.forward(concat([x, x.narrow(1, 0, 1)], 1)).output.narrow(1, L, 1), close);
      cache.clear();
      expect(cache.length).toBe(0);
    }));
  });

  it('cross-attention with a cache computes the memory once', () => {
    const attention = scramble(new MultiHeadAttention(8, 4, { keyWidth: 3, valueWidth: 5 }));
    const [x, key, value] = [f64(1, 2, 4, 8), f64(2, 2, 6, 3), f64(3, 2, 6, 5)];
    const { output } = attention.forward(x, { key, value });
    const cache = new KeyValueCache();
    expectClose(attention.forward(x, { key, value, cache }).output, output, close);
    expectClose(attention.forward(x, { key: key.mul(0), value: value.mul(0), cache }).output, output, close);
    expect(cache.length).toBe(6);
  });

  it('leading axes are any: none, or more than one', () => {
    const attention = scramble(new MultiHeadAttention(8, 2));
    const x = f64(1, 2, 3, 5, 8);
    const { output } = attention.forward(x);
    expect(output.shape).toEqual([2, 3, 5, 8]);
    expectClose(attention.forward(x.select(0, 1).select(0, 2)).output, output.select(0, 1).select(0, 2), close);
    const keyPaddingMask = f64(2, 2, 3, 5).gt(0.5);
    expectClose(attention.forward(x.select(0, 1), { keyPaddingMask: keyPaddingMask.select(0, 1) }).output, attention.forward(x, { keyPaddingMask }).output.select(0, 1), close);
  });

  it('a query that sees nothing gives the output\'s bias, and no NaN on the way back', () => {
    const attention = scramble(new MultiHeadAttention(8, 2));
    const x = f64(1, 1, 3, 8);
    x.requiresGrad = true;
    for (const needWeights of [false, true]) {
      const { output } = attention.forward(x, { keyPaddingMask: zeros([1, 3]).eq(0), needWeights });
      expectClose(output, attention.output.bias?.detach().expand([1, 3, 8]) as Tensor, close);
      output.sum().backward();
    }
    expect([...attention.parameters()].every(({ grad }) => grad === null || grad.isFinite().all().item())).toBe(true);
  });

  it('dropout drops weights in training only, and evaluation is deterministic', () => {
    const attention = scramble(new MultiHeadAttention(8, 2, { dropout: 0.5 }));
    const x = f64(1, 2, 6, 8);
    manualSeed(1);
    const run = () => attention.forward(x).output.toTypedArray();
    expect(run()).not.toEqual(run());
    attention.eval();
    expect(run()).toEqual(run());
  });

  it('refuses what does not fit', () => {
    expect(() => new MultiHeadAttention(10, 4)).toThrow('MultiHeadAttention: the width 10 must be a multiple of the number of heads, 4');
    expect(() => new MultiHeadAttention(8, 4, { keyValueHeads: 3 })).toThrow('the 4 heads must be a multiple of keyValueHeads, 3');
    expect(() => new MultiHeadAttention(8, 4, { dropout: 2 })).toThrow('dropout must be from 0 to 1');
    expect(() => new MultiHeadAttention(8, 4, { rotary: new RotaryPositions(4) })).toThrow('rotary positions are for heads of 4, but 8 by 4 heads gives 2');
    const attention = new MultiHeadAttention(8, 4);
    expect(() => attention.forward(zeros([8]))).toThrow('MultiHeadAttention: inputs must be [..., length, width], not [8]');
    expect(() => attention.forward(zeros([2, 3, 8]), { keyPaddingMask: zeros([2, 3]) })).toThrow('keyPaddingMask must be bool, not float32');
    expect(() => attention.forward(zeros([2, 3, 8]), { keyPaddingMask: zeros([2, 4], { dtype: 'bool' }) })).toThrow('keyPaddingMask [2, 4] must be [..., 3]');
  });
});

describe('positions', () => {
  it('rotary: lengths stay, and the product of two vectors depends on their distance alone', () => {
    fc.assert(fc.property(fc.nat({ max: 50 }), fc.nat({ max: 50 }), fc.constantFrom('halves' as const, 'pairs' as const), fc.nat({ max: 1000 }), (at, shift, layout, seed) => {
      const rotary = new RotaryPositions(6, { layout, base: 100 });
      const [q, k] = [f64(seed, 1, 6), f64(seed + 1, 1, 6)];
      const product = (p: number) => rotary.forward(q, p + at).mul(rotary.forward(k, p)).sum();
      // Angles are rounded to float32.
      expectClose(product(shift), product(0), { rtol: 0, atol: 1e-4 });
      expectClose(rotary.forward(q, at).square().sum(), q.square().sum(), { rtol: 1e-6, atol: 0 });
      expectClose(rotary.forward(q, 0), q, { rtol: 0, atol: 0 });
    }));
  });

  it('rotary: any start is a part of the whole', () => {
    const rotary = new RotaryPositions(4);
    const x = f64(1, 2, 7, 4);
    expectClose(rotary.forward(x.narrow(1, 3, 2), 3), rotary.forward(x).narrow(1, 3, 2), { rtol: 0, atol: 0 });
  });

  it('sinusoidal: sines and cosines of the position; neither trained nor saved', () => {
    const positions = new SinusoidalPositions(600, 6);
    expect([positions.stateDict().size, positions.parameterCount()]).toEqual([0, 0]);
    const added = positions.forward(zeros([2, 50, 6]), 500).select(0, 1).toArray() as number[][];
    added.forEach((row, i) => row.forEach((value, column) => {
      const angle = (500 + i) * 10000 ** (-(column - (column % 2)) / 6);
      expect(Math.abs(value - (column % 2 === 0 ? Math.sin(angle) : Math.cos(angle)))).toBeLessThan(5e-5);
    }));
    expect(() => positions.forward(zeros([2, 50, 6]), 551)).toThrow('SinusoidalPositions: positions 551 to 600 go beyond the 600 that there are');
    expect(positions.to('float64').forward(zeros([1, 6], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('learned: a row for each position', () => {
    const positions = new LearnedPositions(5, 3);
    expectClose(positions.forward(zeros([2, 2, 3]), 3).select(0, 1), positions.weight.narrow(0, 3, 2), { rtol: 0, atol: 0 });
    expect(() => positions.forward(zeros([6, 3]))).toThrow('LearnedPositions: positions 0 to 5 go beyond the 5');
  });

  it('relative: the bias depends on the distance alone, and distances fall into all buckets in order', () => {
    const bias = new RelativePositionBias(3, { buckets: 8, maxDistance: 20 });
    const whole = bias.forward(30);
    expect(whole.shape).toEqual([3, 30, 30]);
    expectClose(whole.narrow(1, 1, 29).narrow(2, 1, 29), whole.narrow(1, 0, 29).narrow(2, 0, 29), { rtol: 0, atol: 0 });
    expectClose(bias.forward(2, 10, 8), bias.forward(10).narrow(1, 8, 2), { rtol: 0, atol: 0 });
    const before = Array.from({ length: 40 }, (_, n) => relativeBucket(-n, { buckets: 8, maxDistance: 20 }));
    expect(before.every((bucket, n) => n === 0 || bucket >= before[n - 1])).toBe(true);
    expect(new Set(before)).toEqual(new Set([0, 1, 2, 3]));
    expect(relativeBucket(5, { bidirectional: false })).toBe(0);
    expect(() => new RelativePositionBias(3, { buckets: 7 })).toThrow('the buckets must be a multiple of 4');
    expect(() => new RelativePositionBias(3, { buckets: 32, maxDistance: 8 })).toThrow('maxDistance must be above 8');
  });

  it('rotary refuses what does not fit', () => {
    expect(() => new RotaryPositions(5)).toThrow('RotaryPositions: the head size must be an even number');
    expect(() => new RotaryPositions(4, { base: 0 })).toThrow('the base must be above 0');
    expect(() => new RotaryPositions(4).forward(zeros([3, 6]))).toThrow('x must be [..., length, 4], not [3, 6]');
  });
});

describe('transformer layers', () => {
  const options = { feedForwardWidth: 12, dropout: 0.2 } as const;

  it.each(['first', 'last'] as const)('norm %s: padding does not leak in, the future neither', (norm) => {
    fc.assert(fc.property(fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 4 }), (seed, L) => {
      const encoder = scramble(new TransformerEncoderLayer(8, 2, { ...options, norm, activation: 'gelu' }), seed).eval();
      const decoder = scramble(new TransformerDecoderLayer(8, 2, { ...options, norm }), seed).eval();
      const [x, junk, memory] = [f64(seed, 2, L, 8), f64(seed + 1, 2, 2, 8), f64(seed + 2, 2, 3, 8)];
      const longer = concat([x, junk], 1);
      const keyPaddingMask = arange(L + 2).ge(L).expand([2, L + 2]);
      expectClose(encoder.forward(longer, { keyPaddingMask }).narrow(1, 0, L), encoder.forward(x), close);
      expectClose(decoder.forward(longer, memory).narrow(1, 0, L), decoder.forward(x, memory), close);
      const padded = concat([memory, junk], 1);
      const cross = { keyPaddingMask: arange(5).ge(3).expand([2, 5]) };
      expectClose(decoder.forward(x, padded, { cross }), decoder.forward(x, memory), close);
    }));
  });

  it('a decoder layer generates token by token with caches what it gives at once', () => {
    const decoder = scramble(new TransformerDecoderLayer(8, 4, { ...options, keyValueHeads: 2, rotary: new RotaryPositions(2) })).eval();
    const [x, memory] = [f64(1, 2, 5, 8), f64(2, 2, 3, 8)];
    const caches = { self: { cache: new KeyValueCache() }, cross: { cache: new KeyValueCache() } };
    const outputs = [0, 1, 2, 3, 4].map((i) => decoder.forward(x.narrow(1, i, 1), memory, caches));
    expectClose(concat(outputs, 1), decoder.forward(x, memory), close);
  });

  it('dropout is on in training, and off in evaluation, which is deterministic', () => {
    const layer = new TransformerEncoderLayer(8, 2, options);
    const x = randn([2, 3, 8]);
    expect(layer.forward(x).toTypedArray()).not.toEqual(layer.forward(x).toTypedArray());
    layer.eval();
    expect(layer.forward(x).toTypedArray()).toEqual(layer.forward(x).toTypedArray());
  });

  it('dropout is where PyTorch has it: on attention weights, after each part and inside the feed-forward part', () => {
    const [x, memory] = [randn([2, 3, 8]), randn([2, 5, 8])];
    const drawn = (run: () => unknown): number => {
      manualSeed(1);
      run();
      return defaultGenerator.state.offset;
    };
    const encoder = new TransformerEncoderLayer(8, 2, options);
    const decoder = new TransformerDecoderLayer(8, 2, options);
    // In numbers of the stream, of which each drops two values; a mask begins with a whole block of four.
    const [weights, across, sums, inner] = [20, 32, 24, 36];
    expect([weights, across, sums, inner].map((count) => 2 * count)).toEqual([2 * 2 * 3 * 3 + 4, 2 * 2 * 3 * 5 + 4, 2 * 3 * 8, 2 * 3 * 12]);
    expect(drawn(() => encoder.forward(x))).toBe(weights + 2 * sums + inner);
    expect(drawn(() => decoder.forward(x, memory))).toBe(weights + across + 3 * sums + inner);
    const { dropout, selfAttention, linear1 } = new TransformerEncoderLayer(8, 2);
    expect([dropout.p, selfAttention.dropout, linear1.weight.shape]).toEqual([0.1, 0.1, [2048, 8]]);
  });

  it('refuses an activation that does not exist', () => {
    expect(() => new TransformerEncoderLayer(8, 2, { activation: 'swish' as 'relu' })).toThrow("activation: 'swish' is none of relu, silu, tanh");
  });
});
