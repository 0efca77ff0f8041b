import { defaultGenerator, manualSeed, rand, tensor, zeros, type Tensor } from '@strided/tensor';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrainingError } from '../errors.ts';
import { Module } from '../module.ts';
import { ExponentialMovingAverage } from '../optim/average.ts';
import { SGD } from '../optim/sgd.ts';
import { Parameter } from '../parameter.ts';
import { readCheckpoint } from './checkpointFile.ts';
import type { DataSource } from './dataSource.ts';
import { bestEvaluation, isExhausted, type Goal } from './goal.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

/** What becomes of steps: several batches each, numbers that are not finite, stopping early, the best, averages. */

class Point extends Module {
  readonly x = new Parameter(tensor([0]));

  get value(): number {
    return this.x.toTypedArray()[0];
  }
}

class Counting implements DataSource<number, number> {
  state = 0;
  next(): number {
    return ++this.state;
  }
  restore(state: number): void {
    this.state = state;
  }
}

let folder = '';
beforeEach(async () => (folder = join(await mkdtemp(join(tmpdir(), 'strided-policies-')), 'run')));
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

/** Each step moves x by a tenth of the batch: the loss is −batch·x. */
function setup(options: Partial<TrainerOptions<number>> = {}, model = new Point()) {
  const all: TrainerOptions<number> = {
    model, data: new Counting(), optimizer: new SGD(model.parameters(), { lr: 0.1 }), steps: 4,
    step: (batch) => ({ loss: model.x.mul(-batch).sum(), tokens: batch, metrics: { batch } }),
    ...options,
  };
  return { model, data: all.data, run: () => new Trainer(all).run() };
}

describe('accumulation', () => {
  it('averages losses, metrics and gradients over the batches of a step, and adds tokens', async () => {
    const { model, data, run } = setup({ accumulate: 3, steps: 2 });
    const { curve } = await run();
    expect(data.state).toBe(6);
    expect(model.value).toBeCloseTo(0.1 * 2 + 0.1 * 5, 6);
    expect([curve.tokens, curve.metrics]).toEqual([[6, 15], { batch: [2, 5] }]);
    expect(curve.gradientNorm[0]).toBeCloseTo(2, 6);
    expect(curve.loss[1]).toBeCloseTo(-5 * 0.2, 6);
  });

  it('killed and resumed is as not killed', async () => {
    const whole = setup({ accumulate: 3 });
    await whole.run();
    await setup({ accumulate: 3, steps: 2, checkpoint: { folder } }).run();
    const { model, run } = setup({ accumulate: 3, checkpoint: { folder }, resume: true });
    await run();
    expect(model.value).toBe(whole.model.value);
  });
});

describe('numbers that are not finite', () => {
  const broken = (model: Point, bad: (batch: number) => boolean, make: () => Tensor) => (batch: number) => ({ loss: bad(batch) ? model.x.sum().mul(0).add(make()) : model.x.mul(-batch).sum() });

  it('stop: names the step, the batch and the first op, also of a second batch, and hands out the batch', async () => {
    const model = new Point();
    const run = setup({ accumulate: 2, step: broken(model, (batch) => batch === 4, () => tensor([-1, 4]).sqrt().exp().sum()) }, model).run();
    await expect(run).rejects.toThrow(TrainingError);
    await expect(run).rejects.toThrow('Trainer: the loss of step 2 is NaN (batch 4; sqrt is the first to make a NaN, in a result of shape [2]); the model is as it was after step 1: lower');
    await expect(run).rejects.toMatchObject({ step: 2, batch: 4 });
    expect(model.value).toBeCloseTo(0.15, 6);
    expect(model.x.grad).toBe(null);
  });

  it('stop: batches count across a resume', async () => {
    await setup({ accumulate: 2, steps: 2, checkpoint: { folder } }).run();
    const model = new Point();
    const run = setup({ accumulate: 2, checkpoint: { folder }, resume: true, step: broken(model, (batch) => batch === 6, () => tensor(NaN)) }, model).run();
    await expect(run).rejects.toThrow('the loss of step 3 is NaN (batch 6; ');
  });

  it('stop: an infinity too', async () => {
    const model = new Point();
    const run = setup({ step: broken(model, (batch) => batch === 2, () => zeros([3]).log().sum()) }, model).run();
    await expect(run).rejects.toThrow('the loss of step 2 is -Infinity (batch 2; log is the first to make a NaN or an infinity, in a result of shape [3])');
  });

  it('skip: warns, counts and goes on with the next batch; the plan\'s steps are all made', async () => {
    const model = new Point();
    const warnings: string[] = [];
    const { run, data } = setup({ nonFinite: 'skip', reporter: { onWarning: (message) => warnings.push(message) }, step: broken(model, (batch) => batch % 3 === 2, () => zeros([]).div(zeros([]))) }, model);
    const end = await run();
    expect(end).toMatchObject({ step: 4, skipped: 2, reason: 'steps' });
    expect(data.state).toBe(6);
    expect(model.value).toBeCloseTo(0.1 * (1 + 3 + 4 + 6), 6);
    expect(warnings).toEqual([
      'Trainer: the loss of step 2 is NaN (batch 2; div is the first to make a NaN, in a result of shape []); the model is as it was after step 1, and goes on with the next batch (skipped: 1)',
      'Trainer: the loss of step 4 is NaN (batch 5; div is the first to make a NaN, in a result of shape []); the model is as it was after step 3, and goes on with the next batch (skipped: 2)',
    ]);
  });

  it('skip: looking for the op draws nothing, and a resumed run is as one that was not', async () => {
    const make = (options: Partial<TrainerOptions<number>>) => {
      const model = new Point();
      const drawn: number[] = [];
      const step = (batch: number) => {
        drawn.push(Number(rand([1]).item()));
        const result = broken(model, (each) => each === 2 || each === 5, () => zeros([]).div(0).mul(0))(batch);
        // The search for the op does not come this far.
        rand([3]);
        return result;
      };
      return { drawn, ...setup({ nonFinite: 'skip', step, reporter: { onWarning: () => {} }, ...options }, model) };
    };
    manualSeed(3);
    const whole = make({});
    await whole.run();
    const after = defaultGenerator.state;
    // Twice each, in step 2 and in step 4.
    expect(whole.drawn[1]).toBe(whole.drawn[2]);
    expect(new Set(whole.drawn).size).toBe(6);
    manualSeed(3);
    const once = Array.from({ length: 6 }, () => {
      const draw = Number(rand([1]).item());
      rand([3]);
      return draw;
    });
    expect([...new Set(whole.drawn)]).toEqual(once);
    manualSeed(3);
    await make({ steps: 3, checkpoint: { folder } }).run();
    manualSeed(99);
    const resumed = make({ checkpoint: { folder }, resume: true });
    expect(await resumed.run()).toMatchObject({ skipped: 2 });
    expect([resumed.model.value, defaultGenerator.state]).toEqual([whole.model.value, after]);
  });

  it('skip: more than a hundred, but not in a row, are as they are', async () => {
    const model = new Point();
    const { run } = setup({ nonFinite: 'skip', steps: 110, reporter: { onWarning: () => {} }, step: broken(model, (batch) => batch % 2 === 1, () => tensor(NaN)) }, model);
    expect(await run()).toMatchObject({ step: 110, skipped: 110 });
  });

  it('skip: a hundred in a row are too many', async () => {
    const model = new Point();
    const { run, data } = setup({ nonFinite: 'skip', reporter: { onWarning: () => {} }, step: broken(model, () => true, () => tensor(NaN)) }, model);
    await expect(run()).rejects.toThrow('Trainer: the loss of step 1 is NaN (batch 101; no single op made it: look at the data and the weights); the model is as it was after step 0; 100 steps in a row were skipped');
    expect(data.state).toBe(101);
  });
});

describe('stopping early', () => {
  const values = [5, 3, 4, 2, 2, 3, 2, 1];
  const measured = (options: Partial<TrainerOptions<number>> = {}) => {
    let number = 0;
    return setup({ steps: 16, evaluate: () => ({ loss: values[number++] }), evaluateEvery: 2, ...options });
  };

  it('after so many evaluations without a better one', async () => {
    for (const [patience, minimumChange, count] of [[1, 0, 3], [2, 0, 6], [3, 0, 7], [4, 0, 8], [2, 1.5, 4], [9, 0, 8]] as const) {
      const end = await measured({ earlyStopping: { metric: 'loss', mode: 'min', patience, minimumChange } }).run();
      expect([end.step, end.reason]).toEqual([2 * count, count === 8 ? 'steps' : 'earlyStopping']);
      expect(end.curve.evaluations.step).toHaveLength(count);
    }
  });

  it('leaves a checkpoint; resumed, such a run makes no step', async () => {
    const options = { earlyStopping: { metric: 'loss', mode: 'min', patience: 2 }, checkpoint: { folder } } as const;
    expect((await measured(options).run()).step).toBe(12);
    expect(await measured({ ...options, resume: true }).run()).toMatchObject({ step: 12, reason: 'earlyStopping' });
  });

  it('a resumed run counts the evaluations before', async () => {
    let number = 0;
    const evaluate = () => ({ loss: values[number++] });
    const options = { steps: 16, evaluate, evaluateEvery: 2, earlyStopping: { metric: 'loss', mode: 'min', patience: 2 } } as const;
    const controller = new AbortController();
    await setup({ ...options, checkpoint: { folder }, signal: controller.signal, reporter: { onStep: ({ step }) => step === 11 && controller.abort() } }).run();
    expect(await setup({ ...options, checkpoint: { folder }, resume: true }).run()).toMatchObject({ step: 12, reason: 'earlyStopping' });
  });

  it('knows the best: the first of equals, NaN never', () => {
    const of = (...loss: number[]) => ({ step: loss.map((_, i) => i), elapsed: loss, metrics: { loss } });
    const best = (mode: Goal['mode'], ...loss: number[]) => bestEvaluation(of(...loss), { metric: 'loss', mode });
    expect([best('min', 2, 1, 1), best('max', 2, 1, 2), best('max', NaN, -Infinity, NaN), best('min', NaN), best('min', NaN, 5)]).toEqual([1, 0, 1, -1, 1]);
    expect(bestEvaluation({ step: [], elapsed: [], metrics: {} }, { metric: 'loss', mode: 'min' })).toBe(-1);
    const exhausted = (...loss: number[]) => isExhausted(of(...loss), { metric: 'loss', mode: 'min', patience: 2 });
    expect([exhausted(), exhausted(1), exhausted(NaN, NaN), exhausted(NaN, NaN, NaN), exhausted(1, 2), exhausted(1, 2, 3)]).toEqual([false, false, false, true, false, true]);
  });

  it('needs a metric that is measured', async () => {
    await expect(measured({ earlyStopping: { metric: 'accuracy', mode: 'max', patience: 1 } }).run()).rejects.toThrow("Trainer: evaluate gave no 'accuracy', which was to tell the best; it gave loss");
  });
});

describe('the best checkpoint', () => {
  it('is that of the best evaluation, beside the newest; a resumed run knows it', async () => {
    const values = [5, 3, 4, 2, 9];
    const model = new Point();
    const evaluate = () => ({ loss: values[Math.round(model.value) % 5] });
    // x is 1, 2, … after each step.
    const options = (steps: number, own: Point): Partial<TrainerOptions<number>> => ({
      steps, evaluate: () => ({ loss: values[Math.round(own.value) % 5] }), evaluateEvery: 1, checkpoint: { folder, every: 1, keep: 1, best: { metric: 'loss', mode: 'min' } },
      step: () => ({ loss: own.x.mul(-10).sum() }),
    });
    await setup({ ...options(2, model), evaluate }, model).run();
    expect(await readdir(folder)).toEqual(['best.safetensors', 'step-00000002.safetensors']);
    expect((await readCheckpoint(join(folder, 'best.safetensors'))).step).toBe(1);
    await writeFile(join(folder, '.best.safetensors.4711.0123456789ab.tmp'), 'x');
    const second = new Point();
    await setup({ ...options(5, second), resume: true }, second).run();
    const best = await readCheckpoint(join(folder, 'best.safetensors'));
    expect([best.step, best.model.get('x')?.toArray()]).toEqual([3, [3]]);
    expect(await readdir(folder)).toEqual(['best.safetensors', 'step-00000005.safetensors']);
  });
});

describe('an average of weights', () => {
  it('follows every step, is what evaluations see, and goes on after a resume bit for bit', async () => {
    const make = (options: Partial<TrainerOptions<number>>) => {
      const model = new Point();
      const average = new ExponentialMovingAverage(model, { decay: 0.5 });
      const seen: number[] = [];
      return { average, seen, ...setup({ average, evaluate: async () => (await Promise.resolve(), seen.push(model.value), { x: model.value }), evaluateEvery: 2, ...options }, model) };
    };
    const whole = make({});
    await whole.run();
    let [x, average] = [0, 0];
    const expected = [1, 2, 3, 4].map((batch) => (average = 0.5 * average + 0.5 * (x += 0.1 * batch)));
    expect(whole.seen[0]).toBeCloseTo(expected[1], 6);
    expect(whole.seen[1]).toBeCloseTo(expected[3], 6);
    expect(whole.model.value).toBeCloseTo(1, 6);
    await make({ steps: 3, checkpoint: { folder } }).run();
    const resumed = make({ checkpoint: { folder }, resume: true });
    await resumed.run();
    expect([resumed.average.updates, resumed.average.stateDict().get('x')?.item(), resumed.model.value]).toEqual([4, whole.average.stateDict().get('x')?.item(), whole.model.value]);
    await expect(setup({ checkpoint: { folder }, resume: true }).run()).rejects.toThrow('belongs to another run: it has an average of weights, this one has none; resume with the same options, or start anew');
  });
});

describe('options that make no sense are refused', () => {
  it.each<[string, Partial<TrainerOptions<number>>]>([
    ['accumulate must be a whole number of batches from 1, not 0', { accumulate: 0 }],
    ['earlyStopping needs evaluateEvery', { earlyStopping: { metric: 'a', mode: 'min', patience: 1 } }],
    ["the mode of earlyStopping must be 'min' or 'max', not 'least'", { evaluate: () => ({}), evaluateEvery: 1, earlyStopping: { metric: 'a', mode: 'least' as 'min', patience: 1 } }],
    ['earlyStopping.patience must be a whole number of evaluations from 1, not 0', { evaluate: () => ({}), evaluateEvery: 1, earlyStopping: { metric: 'a', mode: 'min', patience: 0 } }],
    ['earlyStopping needs the name of a metric', { evaluate: () => ({}), evaluateEvery: 1, earlyStopping: { metric: '', mode: 'min', patience: 1 } }],
    ['checkpoint.best needs evaluate', { checkpoint: { folder: 'x', best: { metric: 'a', mode: 'min' } } }],
  ])('%s', (message, options) => {
    expect(setup(options).run).toThrow(`Trainer: ${message}`);
  });
});
