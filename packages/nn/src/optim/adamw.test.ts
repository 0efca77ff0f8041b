import { ArgumentError, CheckpointError, encodeSafetensors, Generator, loadSafetensors, tensor, type FloatDType, type Tensor } from '@strided/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Parameter } from '../parameter.ts';
import { AdamW, type AdamWSettings } from './adamw.ts';

/** torch.optim.AdamW's formula, number by number, in float64. */
class Reference {
  readonly values: number[];
  readonly #settings: AdamWSettings;
  readonly #m: number[];
  readonly #v: number[];
  #step = 0;

  constructor(values: readonly number[], settings: AdamWSettings) {
    this.values = [...values];
    this.#settings = settings;
    this.#m = values.map(() => 0);
    this.#v = values.map(() => 0);
  }

  step(gradient: readonly number[], lr = this.#settings.lr): void {
    const { betas: [beta1, beta2], eps, weightDecay } = this.#settings;
    this.#step++;
    gradient.forEach((g, i) => {
      this.values[i] *= 1 - lr * weightDecay;
      this.#m[i] = beta1 * this.#m[i] + (1 - beta1) * g;
      this.#v[i] = beta2 * this.#v[i] + (1 - beta2) * g * g;
      const mHat = this.#m[i] / (1 - beta1 ** this.#step);
      const vHat = this.#v[i] / (1 - beta2 ** this.#step);
      this.values[i] -= (lr * mHat) / (Math.sqrt(vHat) + eps);
    });
  }
}

const settings: fc.Arbitrary<AdamWSettings> = fc.record({
  lr: fc.double({ min: 1e-5, max: 0.5, noNaN: true }),
  betas: fc.tuple(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.double({ min: 0, max: 0.9999, noNaN: true })),
  eps: fc.constantFrom(1e-8, 1e-6, 1e-3),
  weightDecay: fc.constantFrom(0, 0.01, 0.3),
});

function parameter(values: readonly number[], dtype: FloatDType = 'float64'): Parameter {
  return new Parameter<FloatDType>(tensor([...values], { dtype }) as Tensor<FloatDType>);
}

function draws(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => Math.fround(4 * generator.uniform() - 2));
}

describe('AdamW', () => {
  it.each([['float64', 1e-12], ['float32', 5e-5]] as const)('ten steps in %s are those of the formula within %d of the way that a step can go', (dtype, tolerance) => {
    fc.assert(fc.property(settings, fc.nat(), fc.integer({ min: 1, max: 9 }), (chosen, seed, count) => {
      const generator = new Generator(seed);
      const start = draws(generator, count);
      const weights = parameter(start, dtype);
      const optimizer = new AdamW([weights], chosen);
      const reference = new Reference(start, chosen);
      for (let step = 0; step < 10; step++) {
        const gradient = draws(generator, count);
        weights.grad = tensor(gradient, { dtype });
        optimizer.step();
        reference.step(gradient);
        const found = weights.toTypedArray();
        reference.values.forEach((expected, i) => expect(Math.abs(found[i] - expected)).toBeLessThanOrEqual(tolerance * (step + 1) * (chosen.lr + Math.abs(expected))));
      }
    }));
  });

  it('has the defaults of PyTorch', () => {
    const weights = parameter([1, -2]);
    const optimizer = new AdamW([weights]);
    const reference = new Reference([1, -2], { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 });
    for (const gradient of [[0.5, -3], [1e-9, 4]]) {
      weights.grad = tensor(gradient, { dtype: 'float64' });
      optimizer.step();
      reference.step(gradient);
    }
    weights.toTypedArray().forEach((value, i) => expect(value).toBeCloseTo(reference.values[i], 13));
  });

  it('gives every group its settings and a scaled rate of its own', () => {
    const [a, b] = [parameter([1]), parameter([1])];
    const optimizer = new AdamW([{ parameters: [a] }, { parameters: [b], settings: { weightDecay: 0, lr: 0.2 } }], { lr: 0.1, weightDecay: 0.5 });
    const base = { betas: [0.9, 0.999], eps: 1e-8 } as const;
    const references = [new Reference([1], { ...base, lr: 0.1, weightDecay: 0.5 }), new Reference([1], { ...base, lr: 0.2, weightDecay: 0 })];
    for (const [gradient, factor] of [[3, 1], [-1, 0.5], [2, 0]] as const) {
      optimizer.scaleLr(factor);
      for (const each of [a, b]) each.grad = tensor([gradient], { dtype: 'float64' });
      optimizer.step();
      references[0].step([gradient], 0.1 * factor);
      references[1].step([gradient], 0.2 * factor);
    }
    [a, b].forEach((each, i) => expect(each.toTypedArray()[0]).toBeCloseTo(references[i].values[0], 12));
  });

  it('leaves a parameter without a gradient alone, and its own steps count from its first gradient', () => {
    const [used, idle] = [parameter([1]), parameter([5])];
    const optimizer = new AdamW([used, idle], { lr: 0.1 });
    const late = new Reference([5], { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 });
    for (let step = 0; step < 3; step++) {
      used.grad = tensor([1], { dtype: 'float64' });
      optimizer.step();
    }
    expect(idle.toTypedArray()[0]).toBe(5);
    idle.grad = tensor([2], { dtype: 'float64' });
    optimizer.step();
    late.step([2]);
    expect(idle.toTypedArray()[0]).toBeCloseTo(late.values[0], 13);
    optimizer.zeroGrad();
    expect([used.grad, idle.grad]).toEqual([null, null]);
  });

  it('goes on bit for bit from its state, also through a file, and the state is a copy', async () => {
    await fc.assert(fc.asyncProperty(settings, fc.nat(), fc.nat({ max: 4 }), fc.nat({ max: 4 }), async (chosen, seed, before, after) => {
      const generator = new Generator(seed);
      const start = draws(generator, 3);
      const gradients = Array.from({ length: before + after }, () => draws(generator, 3));
      const run = (weights: Parameter, optimizer: AdamW, part: readonly number[][]): void => part.forEach((gradient) => {
        weights.grad = tensor(gradient);
        optimizer.step();
      });
      const whole = parameter(start, 'float32');
      run(whole, new AdamW([whole], chosen), gradients);

      const first = parameter(start, 'float32');
      const stopped = new AdamW([first], chosen);
      run(first, stopped, gradients.slice(0, before));
      const { tensors, step } = stopped.state();
      const second = new Parameter(first.clone());
      const resumed = new AdamW([second], chosen);
      resumed.loadState({ step, tensors: await loadSafetensors(encodeSafetensors(tensors)) });
      expect(resumed.stepCount).toBe(before);
      run(first, stopped, gradients.slice(before));
      run(second, resumed, gradients.slice(before));
      expect(second.toTypedArray()).toEqual(whole.toTypedArray());
      expect(first.toTypedArray()).toEqual(whole.toTypedArray());
    }));
  });

  it('refuses a state that is not its own, and keeps what it had', () => {
    const weights = parameter([1, 2]);
    const optimizer = new AdamW([weights]);
    weights.grad = tensor([1, 1], { dtype: 'float64' });
    optimizer.step();
    const before = optimizer.state();
    const numbers = () => Array.from(optimizer.state().tensors, ([name, values]) => [name, values.toArray()]);
    const had = numbers();
    const wide = parameter([1, 2, 3]);
    const other = new AdamW([wide, parameter([1])]);
    for (const each of other.parameters) each.grad = each.detach().clone();
    other.step();
    const state = other.state();
    const without = (name: string) => ({ step: 1, tensors: new Map([...before.tensors].filter(([each]) => each !== name)) });
    for (const [wrong, message] of [
      [state, "the optimiser's m.0 has shape [3], but its parameter has shape [2]; the state belongs to another model"],
      [{ step: 1, tensors: new Map([...before.tensors, ...[...state.tensors].filter(([name]) => name.endsWith('1'))]) }, "the optimiser's m.1 has no parameter"],
      [without('v.0'), "the optimiser's v.0 is missing"],
      [without('step.0'), "the optimiser's step.0 is missing"],
    ] as const) {
      expect(() => optimizer.loadState(wrong)).toThrow(CheckpointError);
      expect(() => optimizer.loadState(wrong)).toThrow(message);
      expect(numbers()).toEqual(had);
    }
  });

  it('refuses settings and parameters that make no sense', () => {
    const weights = parameter([1]);
    for (const wrong of [{ lr: -1 }, { lr: NaN }, { eps: -1 }, { weightDecay: -0.1 }, { betas: [1, 0.9] as const }, { betas: [0.9, -0.1] as const }]) {
      expect(() => new AdamW([weights], wrong)).toThrow(ArgumentError);
    }
    expect(() => new AdamW([weights, weights])).toThrow('AdamW: a parameter of shape [1] stands in two places; name each once');
    expect(() => new AdamW([{ parameters: [weights] }, { parameters: [weights] }])).toThrow('stands in two places');
    expect(() => new AdamW([])).toThrow('AdamW: there are no parameters to optimise');
    expect(() => new AdamW([{ parameters: [] }])).toThrow('no parameters');
  });
});
