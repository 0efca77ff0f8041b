import { CheckpointError, encodeSafetensors, Generator, loadSafetensors, ones, tensor, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Linear } from '../linear.ts';
import { Parameter } from '../parameter.ts';
import { Adam } from './adam.ts';
import { AdamW } from './adamw.ts';
import { ExponentialMovingAverage } from './average.ts';
import type { Optimizer } from './optimizer.ts';
import { SGD } from './sgd.ts';

const draws = (generator: Generator, count: number): number[] => Array.from({ length: count }, () => 4 * generator.uniform() - 2);
const makers: readonly (readonly [string, (parameters: readonly Parameter[]) => Optimizer])[] = [
  ['SGD', (p) => new SGD(p, { lr: 0.1, weightDecay: 0.1 })],
  ['SGD with momentum', (p) => new SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.1 })],
  ['SGD, Nesterov', (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
  ['Adam', (p) => new Adam(p, { lr: 0.1, weightDecay: 0.1 })],
  ["AdamW, Google's", (p) => new AdamW(p, { lr: 0.1, biasCorrection: false, eps: 1e-6 })],
];

describe.each(makers)('%s', (_, make) => {
  it('goes on bit for bit from its state, also through a file', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(), fc.nat({ max: 3 }), fc.nat({ max: 3 }), async (seed, before, after) => {
      const generator = new Generator(seed);
      const start = draws(generator, 3);
      const gradients = Array.from({ length: before + after }, () => draws(generator, 3));
      const run = (weights: Parameter, optimizer: Optimizer, part: readonly number[][]): void => part.forEach((gradient) => {
        weights.grad = tensor(gradient);
        optimizer.step();
      });
      const whole = new Parameter(tensor(start));
      run(whole, make([whole]), gradients);
      const first = new Parameter(tensor(start));
      const stopped = make([first]);
      run(first, stopped, gradients.slice(0, before));
      const { tensors, step } = stopped.state();
      const second = new Parameter(first.clone());
      const resumed = make([second]);
      resumed.loadState({ step, tensors: await loadSafetensors(encodeSafetensors(tensors)) });
      run(first, stopped, gradients.slice(before));
      run(second, resumed, gradients.slice(before));
      expect(second.toTypedArray()).toEqual(whole.toTypedArray());
      expect(resumed.stepCount).toBe(before + after);
    }));
  });

  it('copies the state that it loads', () => {
    const p = new Parameter(ones([2]));
    const optimizer = make([p]);
    p.grad = ones([2]);
    optimizer.step();
    const { tensors, step } = optimizer.state();
    const given = new Map(Array.from(tensors, ([name, values]) => [name, values.clone()]));
    const values = () => Array.from(given.values(), (each) => each.toArray());
    const before = values();
    optimizer.loadState({ tensors: given, step });
    optimizer.step();
    expect(values()).toEqual(before);
  });

  it('leaves frozen parameters and those without a gradient alone, and does not change gradients', () => {
    const [used, idle] = [new Parameter(ones([2])), new Parameter(ones([2]))];
    const optimizer = make([used, idle]);
    used.grad = tensor([0.5, -0.5]);
    for (let step = 0; step < 3; step++) optimizer.step();
    expect(idle.toArray()).toEqual([1, 1]);
    expect(used.grad.toArray()).toEqual([0.5, -0.5]);
    expect(used.toArray()).not.toEqual([1, 1]);
  });

  it('finds the bottom of a bowl', () => {
    const x = new Parameter(tensor([3, -2]));
    const optimizer = make([x]);
    const heights = Array.from({ length: 200 }, () => {
      optimizer.zeroGrad();
      const loss = x.sub(tensor([0.5, 0.25])).square().sum();
      loss.backward();
      optimizer.step();
      return Number(loss.item());
    });
    expect(heights[199]).toBeLessThan(0.05);
  });
});

describe('optimisers refuse', () => {
  it('settings that make no sense', () => {
    const p = [new Parameter(ones([1]))];
    for (const settings of [{ lr: -1 }, { momentum: -1 }, { weightDecay: NaN }, { dampening: NaN }]) expect(() => new SGD(p, settings)).toThrow('SGD: ');
    expect(() => new SGD(p, { nesterov: true })).toThrow('SGD: nesterov needs a momentum and no dampening');
    expect(() => new Adam(p, { betas: [1, 0.9] })).toThrow('Adam: lr');
  });

  it("another's state, and keep their own", () => {
    const p = new Parameter(ones([2]));
    const optimizer = new SGD([p], { momentum: 0.9 });
    p.grad = ones([2]);
    optimizer.step();
    for (const tensors of [{ 'momentum.0': ones([3]) }, { 'momentum.1': ones([2]) }, { 'm.0': ones([2]) }]) {
      expect(() => optimizer.loadState({ step: 9, tensors: new Map(Object.entries(tensors)) })).toThrow(CheckpointError);
    }
    expect([optimizer.stepCount, optimizer.state().tensors.get('momentum.0')?.toArray()]).toEqual([1, [1, 1]]);
  });
});

describe('ExponentialMovingAverage', () => {
  const weight = (layer: Linear): number => layer.weight.toTypedArray()[0];
  const make = () => {
    const layer = new Linear(1, 1, { bias: false });
    layer.weight.requiresGrad = false;
    layer.weight.fill(0);
    return layer;
  };

  it('is the average by its formula, with warm-up and without', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 8 }), (decay, warmup, values) => {
      const layer = make().to('float64');
      const average = new ExponentialMovingAverage(layer, { decay, warmup });
      let expected = 0;
      values.forEach((value, i) => {
        layer.weight.fill(value);
        average.update();
        const d = warmup ? Math.min(decay, (i + 2) / (i + 11)) : decay;
        expected = d * expected + (1 - d) * value;
      });
      expect(average.updates).toBe(values.length);
      expect(Math.abs(Number(average.stateDict().get('weight')?.item()) - expected)).toBeLessThan(1e-12);
    }));
  });

  it('lends the model its weights and puts the own ones back, after errors and promises too', async () => {
    const layer = make();
    const average = new ExponentialMovingAverage(layer);
    layer.weight.fill(5);
    expect(average.with(() => weight(layer))).toBe(0);
    expect(weight(layer)).toBe(5);
    expect(() => average.with(() => { throw new Error('inside'); })).toThrow('inside');
    expect(weight(layer)).toBe(5);
    const promise = average.with(async () => {
      await Promise.resolve();
      return weight(layer);
    });
    expect(weight(layer)).toBe(0);
    expect(await promise).toBe(0);
    expect(weight(layer)).toBe(5);
    average.copyTo(layer);
    expect(weight(layer)).toBe(0);
  });

  it('ties stay ties, buffers are copied, and a saved one goes on', () => {
    const model = () => Object.assign(make(), { tied: null as Tensor | null, count: tensor([0]) });
    const [a, b] = [model(), model()];
    for (const each of [a, b]) each.tied = each.weight;
    const [first, second] = [a, b].map((each) => new ExponentialMovingAverage(each, { decay: 0.5 }));
    a.weight.fill(4);
    a.count.fill(3);
    first.update();
    expect(['weight', 'tied', 'count'].map((name) => first.stateDict().get(name)?.toTypedArray()[0])).toEqual([2, 2, 3]);
    second.loadStateDict(first.stateDict(), first.updates);
    b.weight.fill(4);
    second.update();
    expect([second.updates, ...['weight', 'tied'].map((name) => second.stateDict().get(name)?.item())]).toEqual([2, 3, 3]);
    expect(() => second.loadStateDict(new Map(), 0)).toThrow('the saved average does not fit the model at weight');
    expect(() => new ExponentialMovingAverage(a, { decay: 2 })).toThrow('the decay must be from 0 to 1');
  });
});
