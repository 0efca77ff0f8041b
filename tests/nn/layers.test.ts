import * as nn from '@strided/nn';
import { manualSeed, noGrad, ones, randn, tensor, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkModule } from './check.ts';

const f64 = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64' });
beforeEach(() => manualSeed(20261123));

describe('every layer gives the gradients that central differences give, in float64', () => {
  const layers: Readonly<Record<string, () => nn.Layer>> = {
    Linear: () => new nn.Linear(3, 4), 'Linear without bias': () => new nn.Linear(3, 2, { bias: false }),
    LayerNorm: () => new nn.LayerNorm(3), "LayerNorm, the seed's": () => new nn.LayerNorm(3, { form: 'deviation', epsilon: 1e-6 }), RMSNorm: () => new nn.RMSNorm(3),
    GELU: () => new nn.GELU(), 'GELU, tanh': () => new nn.GELU({ approximate: 'tanh' }), ReLU: () => new nn.ReLU(), SiLU: () => new nn.SiLU(), Tanh: () => new nn.Tanh(),
    Sigmoid: () => new nn.Sigmoid(), Softplus: () => new nn.Softplus(), Softmax: () => new nn.Softmax(), LogSoftmax: () => new nn.LogSoftmax(0),
    Identity: () => new nn.Identity(), 'Dropout in evaluation': () => new nn.Dropout(0.5).eval(),
    Sequential: () => new nn.Sequential(new nn.Linear(3, 2), new nn.Tanh(), new nn.Linear(2, 3)),
    LearnedPositions: () => new nn.LearnedPositions(4, 3), SinusoidalPositions: () => new nn.SinusoidalPositions(4, 3),
  };
  for (const [name, make] of Object.entries(layers)) {
    it(`${name}, of both orders`, () => {
      const layer = make();
      checkModule(layer, (x) => layer.forward(x), [f64(2, 3)], { order: 2 });
    });
  }

  it('Dropout in training, with the same draws each time', () => {
    const layer = new nn.Dropout(0.4);
    checkModule(layer, (x) => (manualSeed(5), layer.forward(x)), [f64(3, 4)]);
  });

  it('Embedding, its padding row aside, which gets none', () => {
    const ids = tensor([[0, 2, 2], [1, 0, 2]], { dtype: 'int32' });
    const layer = new nn.Embedding(3, 2);
    checkModule(layer, () => layer.forward(ids), []);
    const padded = new nn.Embedding(3, 2, { paddingIndex: 2 });
    padded.forward(ids).sum().backward();
    expect(padded.weight.grad?.toArray()).toEqual([[2, 2], [1, 1], [0, 0]]);
  });

  it.each([false, true])('MultiHeadAttention, grouped, rotary, with a cache; weights asked for: %s', (needWeights) => {
    const layer = new nn.MultiHeadAttention(4, 2, { keyValueHeads: 1, rotary: new nn.RotaryPositions(2) });
    const hidden = tensor([[0, 0, 1], [0, 1, 0]]).ne(0);
    checkModule(layer, (x, mask) => {
      const cache = new nn.KeyValueCache();
      const first = layer.forward(x.narrow(1, 0, 1), { cache }).output;
      const { output, weights } = layer.forward(x.narrow(1, 1, 2), { cache, causal: true, mask, keyPaddingMask: hidden, needWeights });
      return weights === null ? [first, output] : [first, output, weights];
    }, [f64(2, 3, 4), f64(2, 3)]);
  });

  it('RelativePositionBias', () => {
    const layer = new nn.RelativePositionBias(2, { buckets: 4, maxDistance: 4 });
    checkModule(layer, () => layer.forward(4), []);
  });

  it.each(['first', 'last'] as const)('TransformerEncoderLayer and TransformerDecoderLayer, norm %s', (norm) => {
    const options = { feedForwardWidth: 3, dropout: 0, norm, activation: 'gelu' } as const;
    const encoder = new nn.TransformerEncoderLayer(2, 1, options);
    const decoder = new nn.TransformerDecoderLayer(2, 1, options);
    checkModule(encoder, (x) => encoder.forward(x), [f64(1, 2, 2)]);
    checkModule(decoder, (x, memory) => decoder.forward(x, memory), [f64(1, 2, 2), f64(1, 3, 2)]);
  });

  it('a Linear with a LoRA adapter', () => {
    const layer = new nn.Linear(3, 2);
    nn.addLora(layer, { rank: 2, alpha: 3 });
    checkModule(layer.unfreeze(), (x) => layer.forward(x), [f64(2, 3)], { order: 2 });
  });
});

describe('Dropout', () => {
  it('keeps the mean and gives the variance p/(1 − p) to ones', () => {
    fc.assert(fc.property(fc.constantFrom(0.1, 0.3, 0.5, 0.8), (p) => {
      const values = [...new nn.Dropout(p).forward(ones([100, 100])).toTypedArray()];
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      // Five standard deviations of the mean of 10,000 draws; that of the variance is smaller or about as large.
      const slack = (5 * Math.sqrt(p / (1 - p))) / 100;
      expect(Math.abs(mean - 1)).toBeLessThan(slack);
      expect(Math.abs(variance - p / (1 - p))).toBeLessThan(slack * (1 + 1 / (1 - p)));
      expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - p))]));
    }));
  });

  it('p = 0 and evaluation change nothing, p = 1 leaves 0, other p are refused', () => {
    const x = randn([50]);
    expect(new nn.Dropout(0).forward(x).toTypedArray()).toEqual(x.toTypedArray());
    expect(new nn.Dropout(0.5).eval().forward(x).toTypedArray()).toEqual(x.toTypedArray());
    expect(new Set(new nn.Dropout(1).forward(x).toTypedArray())).toEqual(new Set([0]));
    for (const p of [-0.1, 1.1, NaN]) expect(() => new nn.Dropout(p)).toThrow('Dropout: the probability must be from 0 to 1');
  });
});

describe('recompute', () => {
  const model = (p: number) => new nn.Sequential(new nn.Linear(4, 4), new nn.Sequential(new nn.Linear(4, 4), new nn.Dropout(p), new nn.GELU()), new nn.Linear(4, 1));

  it('gives the same results and gradients bit for bit, draws included, under the same names', () => {
    const [plain, saving] = [model(0.5), model(0.5)];
    saving.loadStateDict(plain.stateDict());
    const undo = nn.recompute(saving[1]);
    const gradients = [plain, saving].map((each) => {
      manualSeed(7);
      const y = each.forward(ones([3, 4]));
      y.sum().backward();
      return [[...y.toTypedArray()], ...Array.from(each.namedParameters(), ([name, { grad }]) => [name, [...(grad?.toTypedArray() ?? [])]])];
    });
    expect(gradients[1]).toEqual(gradients[0]);
    undo();
    expect(Object.getOwnPropertyDescriptor(saving[1], 'forward')).toBe(undefined);
  });

  it('runs the module once more on the way back', () => {
    let calls = 0;
    class Counting extends nn.Module {
      forward(x: Tensor): Tensor {
        calls++;
        return x.exp();
      }
    }
    const counting = new Counting();
    nn.recompute(counting);
    const x = ones([2], { requiresGrad: true });
    const y = counting.forward(x).sum();
    expect(calls).toBe(1);
    y.backward();
    expect(calls).toBe(2);
    expect(x.grad?.toArray()).toEqual([Math.fround(Math.E), Math.fround(Math.E)]);
    expect(() => nn.recompute(new nn.ModuleList())).toThrow('recompute: ModuleList has no forward');
  });
});

describe('LoRA', () => {
  const model = () => new nn.Sequential(new nn.Linear(4, 6), new nn.GELU(), new nn.Sequential(new nn.Linear(6, 3)));

  it('changes nothing at first; trains the adapters alone; merged, the plain model gives the same', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.double({ min: 0.5, max: 4, noNaN: true }), (rank, alpha) => {
      const base = model();
      const x = randn([5, 4]);
      const before = base.forward(x).toTypedArray();
      const weights = new Map([...base.stateDict()].map(([name, w]) => [name, w.toArray()]));
      expect(nn.addLora(base, { rank, alpha })).toEqual(['0', '2.0']);
      expect(base.forward(x).toTypedArray()).toEqual(before);
      const trained = [...base.parameters()].filter(({ requiresGrad }) => requiresGrad);
      expect(trained.reduce((sum, { size }) => sum + size, 0)).toBe(rank * (10 + 9));
      const optimizer = new nn.SGD(trained, { lr: 0.02 });
      for (let step = 0; step < 3; step++) {
        optimizer.zeroGrad();
        base.forward(x).square().sum().backward();
        optimizer.step();
      }
      const after = base.forward(x).toTypedArray();
      expect(after).not.toEqual(before);
      for (const [name, w] of weights) expect(base.stateDict().get(name)?.toArray()).toEqual(w);

      const adapters = nn.loraStateDict(base);
      expect([...adapters.keys()]).toEqual(['0.adapter.a', '0.adapter.b', '2.0.adapter.a', '2.0.adapter.b']);
      const other = model();
      nn.removeLora(base);
      expect(base.forward(x).toTypedArray()).toEqual(before);
      other.loadStateDict(base.stateDict());
      nn.addLora(other, { rank, alpha });
      nn.loadLoraStateDict(other, adapters);
      expect(other.forward(x).toTypedArray()).toEqual(after);
      nn.mergeLora(other);
      expect([...other.stateDict().keys()]).toEqual([...weights.keys()]);
      other.forward(x).toTypedArray().forEach((value, i) => expect(Math.abs(value - after[i])).toBeLessThan(1e-4 * (1 + Math.abs(after[i]))));
    }), { numRuns: 10 });
  });

  it('is (alpha/rank)·x·Aᵀ·Bᵀ beside the layer', () => {
    const layer = new nn.Linear(3, 2).to('float64');
    const x = f64(4, 3);
    const plain = layer.forward(x);
    nn.addLora(layer, { rank: 2, alpha: 6 });
    const { a, b } = layer.adapter as nn.LoraAdapter;
    nn.init.normal(b);
    expectClose(layer.forward(x).sub(plain), x.matmul(a.transpose()).matmul(b.transpose()).mul(3), { rtol: 1e-12, atol: 1e-12 });
  });

  it('is there where several layers see one x, whose values and gradients are those of each alone', () => {
    const layers = [new nn.Linear(16, 32), new nn.Linear(16, 32, { bias: false }), new nn.Linear(16, 32)];
    const all = new nn.Sequential(...layers);
    const x = randn([20, 16], { requiresGrad: true });
    const compare = (): void => {
      const apart = () => layers.map((layer) => layer.forward(x));
      const [together, alone] = [nn.Linear.forwardAll(layers, x), apart()].map((results) => {
        x.grad = null;
        results.reduce((sum, y, i) => sum.add(y.square().sum().mul(i + 1)), tensor(0)).backward();
        return [...results, x.grad as unknown as Tensor].map((each) => each.toTypedArray());
      });
      expect(together).toEqual(alone);
      expect(noGrad(() => nn.Linear.forwardAll(layers, x)).map((y) => y.toTypedArray())).toEqual(alone.slice(0, 3));
    };
    compare();
    nn.addLora(all, { rank: 2, alpha: 6 }, (name) => name === '1');
    nn.init.normal((layers[1].adapter as nn.LoraAdapter).b);
    compare();
  });

  it('on chosen layers, in any dtype and mode', () => {
    const base = model().to('float64').eval();
    expect(nn.addLora(base, { rank: 1, dropout: 0.5 }, (name) => name === '2.0')).toEqual(['2.0']);
    const lora = [...base.modules()].find((module) => module instanceof nn.LoraAdapter);
    expect([lora?.a.dtype, lora?.training, lora?.dropout.p]).toEqual(['float64', false, 0.5]);
    expect(String(base)).toContain('adapter: LoraAdapter(rank 1, scale 1), 9 parameters');
  });

  it('refuses what makes no sense, and changes nothing then', () => {
    const base = model();
    expect(() => nn.addLora(base, {}, () => false)).toThrow('addLora: no linear layer was chosen; there are 0, 2.0');
    expect(() => nn.addLora(base, { rank: 0 })).toThrow('LoRA: the rank must be a whole number from 1, not 0');
    expect(base.parameterCount({ trained: true })).toBe(base.parameterCount());
    nn.addLora(base, {}, (name) => name === '0');
    expect(() => nn.addLora(base)).toThrow('addLora: 0 has an adapter; merge or remove it first');
    expect(() => nn.loadLoraStateDict(base, new Map([['1.adapter.a', ones([1])]]))).toThrow('missing: 0.adapter.a, 0.adapter.b | unexpected: 1.adapter.a');
  });
});
