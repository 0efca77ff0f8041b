import { manualSeed, rand, ScopeError, zeros, type Tensor } from '@strided/tensor';
import { describe, expect, it } from 'vitest';
import { Linear } from '../linear.ts';
import { mseLoss } from '../loss.ts';
import { Module } from '../module.ts';
import { Adam } from '../optim/adam.ts';
import { AdamW } from '../optim/adamw.ts';
import { ExponentialMovingAverage } from '../optim/average.ts';
import { clipGradNorm } from '../optim/clip.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { SGD } from '../optim/sgd.ts';
import type { DataSource } from './dataSource.ts';
import { Trainer } from './trainer.ts';

class Net extends Module {
  readonly hidden = new Linear(16, 96);
  readonly output = new Linear(96, 8);
  /** A tensor that a forward makes and the next one reads. */
  last: Tensor = zeros([12, 96]);

  forward(x: Tensor): Tensor {
    const y = this.hidden.forward(x).gelu();
    const out = this.output.forward(y).add(this.last.mean().mul(0.1));
    this.last = y.detach();
    return out;
  }
}

/** Batches of two fixed inputs, one after the other. */
class Inputs implements DataSource<Tensor, number> {
  state = 0;
  readonly #batches: readonly Tensor[];
  constructor(batches: readonly Tensor[]) {
    this.#batches = batches;
  }
  next(): Tensor {
    return this.#batches[this.state++ % this.#batches.length];
  }
  restore(state: number): void {
    this.state = state;
  }
}

const optimizers: readonly [string, (model: Net) => Optimizer][] = [
  ['SGD with momentum', (model) => new SGD(model.parameters(), { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 })],
  ['Adam with decay', (model) => new Adam(model.parameters(), { lr: 0.01, weightDecay: 0.1 })],
  ['AdamW', (model) => new AdamW(model.parameters(), { lr: 0.01 })],
];

function setup(make: (model: Net) => Optimizer) {
  manualSeed(3);
  const model = new Net();
  const batches = [rand([12, 16]), rand([12, 16])] as Tensor[];
  return { model, optimizer: make(model), batches };
}
const loss = (model: Net, x: Tensor): Tensor => mseLoss(model.forward(x), x.slice(1, 0, 8));
const valuesOf = (model: Net): unknown => Array.from(model.stateDict(), ([name, values]) => [name, values.toTypedArray()]);

describe('a step, whose tensors are taken back at its end', () => {
  it.each(optimizers)('%s trains as a loop of its own does, bit for bit, with accumulation, clipping and an average too', async (_, make) => {
    for (const accumulate of [1, 2]) {
      const plain = setup(make);
      const own = new ExponentialMovingAverage(plain.model, { decay: 0.5 });
      for (let step = 0; step < 4; step++) {
        plain.optimizer.zeroGrad();
        for (let i = 0; i < accumulate; i++) {
          const value = loss(plain.model, plain.batches[(step * accumulate + i) % 2]);
          (accumulate === 1 ? value : value.div(accumulate)).backward();
        }
        clipGradNorm(plain.optimizer.parameters, 0.5);
        plain.optimizer.step();
        own.update();
      }
      const { model, optimizer, batches } = setup(make);
      const average = new ExponentialMovingAverage(model, { decay: 0.5 });
      const data = new Inputs(batches);
      await new Trainer({ model, optimizer, data, average, accumulate, clipNorm: 0.5, steps: 4, step: (x) => ({ loss: loss(model, x) }) }).run();
      expect(valuesOf(model)).toEqual(valuesOf(plain.model));
      expect(Array.from(average.stateDict(), ([, values]) => values.toTypedArray())).toEqual(Array.from(own.stateDict(), ([, values]) => values.toTypedArray()));
      expect(Array.from(optimizer.state().tensors, ([, values]) => values.toTypedArray())).toEqual(Array.from(plain.optimizer.state().tensors, ([, values]) => values.toTypedArray()));
      expect(model.last.toTypedArray()).toEqual(plain.model.last.toTypedArray());
    }
  });

  it('a loss that was carried out of the step is refused, with the remedy', async () => {
    const { model, optimizer, batches } = setup(optimizers[0][1]);
    const losses: Tensor[] = [];
    const step = (x: Tensor) => {
      const value = loss(model, x);
      losses.push(value);
      return { loss: value };
    };
    await new Trainer({ model, optimizer, data: new Inputs(batches), steps: 1, step }).run();
    expect(() => losses[0].item()).toThrow(ScopeError);
    expect(() => losses[0].item()).toThrow('keep(t)');
  });
});
