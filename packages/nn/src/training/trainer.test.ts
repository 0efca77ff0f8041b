import { ArgumentError, CheckpointError, defaultGenerator, Generator, manualSeed, rand, StridedError, tensor, type Tensor } from '@strided/tensor';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TrainingError } from '../errors.ts';
import { Module } from '../module.ts';
import { AdamW } from '../optim/adamw.ts';
import { linearSchedule, type Progress } from '../optim/schedule.ts';
import { Parameter } from '../parameter.ts';
import type { Metrics } from './curve.ts';
import type { DataSource } from './dataSource.ts';
import { historyReporter, type EndReport, type Reporter } from './reporter.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';

class Line extends Module {
  readonly slope: Parameter;
  readonly shift: Parameter;

  constructor(slopes = [0, 0]) {
    super();
    this.slope = new Parameter(tensor(slopes));
    this.shift = new Parameter(tensor([0]));
  }

  values(): number[] {
    return [...this.slope.toTypedArray(), ...this.shift.toTypedArray()];
  }
}

/** 1, 2, 3, … */
class Counting implements DataSource<number, number> {
  state = 0;
  next(): number {
    return ++this.state;
  }
  restore(state: number): void {
    if (!Number.isInteger(state)) throw new Error('not a number of a batch');
    this.state = state;
  }
}

let folder = '';
let now = 0;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'strided-trainer-')), 'run');
  now = 5000;
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

/** A run whose every step takes a second: the loss is the distance to [1, 2]·batch-independent targets. */
function setup(options: Partial<TrainerOptions<number>> = {}, model = new Line()) {
  const data = new Counting();
  const optimizer = new AdamW(model.parameters(), { lr: 0.1 });
  const loss = (): Tensor => model.slope.sub(tensor([1, 2])).square().sum().add(model.shift.sub(3).square().sum());
  const all: TrainerOptions<number> = {
    model, data, optimizer, clock: () => now,
    step() {
      now += 1000;
      return { loss: loss(), tokens: 10 };
    },
    ...(options.seconds === undefined ? { steps: 10 } : {}),
    ...options,
  };
  return { model, data, optimizer, loss, options: all, run: () => new Trainer(all).run() };
}

function recording(): Reporter & { readonly events: string[] } {
  const events: string[] = [];
  return {
    events,
    onStart: ({ step }) => events.push(`start ${step}`),
    onStep: ({ step }) => events.push(`step ${step}`),
    onEvaluate: ({ step }) => events.push(`evaluate ${step}`),
    onCheckpoint: ({ step }) => events.push(`checkpoint ${step}`),
    onWarning: (message) => events.push(message),
    onEnd: ({ reason, step }) => events.push(`end ${reason} ${step}`),
  };
}

function abortAt(step: number): Pick<TrainerOptions<number>, 'signal' | 'reporter'> {
  const controller = new AbortController();
  return { signal: controller.signal, reporter: { onStep: (report) => report.step === step && controller.abort() } };
}

describe('the plan', () => {
  it('in steps: as many, the schedule follows their share', async () => {
    const seen: Progress[] = [];
    const end = await setup({ steps: 4, schedule: (progress) => (seen.push(progress), 0.5) }).run();
    expect(seen).toEqual([{ step: 0, share: 0 }, { step: 1, share: 0.25 }, { step: 2, share: 0.5 }, { step: 3, share: 0.75 }]);
    expect(end).toMatchObject({ reason: 'steps', step: 4, tokens: 40, elapsed: 4, tokensPerSecond: 10 });
    expect(end.curve.learningRate).toEqual([0.05, 0.05, 0.05, 0.05]);
  });

  it('in seconds: until they have passed, the schedule follows their share', async () => {
    const shares: number[] = [];
    const end = await setup({ seconds: 5, schedule: ({ share }) => (shares.push(share), 1) }).run();
    expect(shares).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(end).toMatchObject({ reason: 'seconds', step: 5, elapsed: 5 });
  });

  it('in both: whichever comes first', async () => {
    expect(await setup({ steps: 3, seconds: 100 }).run()).toMatchObject({ reason: 'steps', step: 3 });
    expect(await setup({ steps: 100, seconds: 3 }).run()).toMatchObject({ reason: 'seconds', step: 3 });
  });

  it('in seconds, resumed: time before it counts, time in between does not', async () => {
    await setup({ seconds: 10, checkpoint: { folder }, ...abortAt(4) }).run();
    now += 1e9;
    const end = await setup({ seconds: 10, checkpoint: { folder }, resume: true }).run();
    expect(end).toMatchObject({ reason: 'seconds', step: 10, elapsed: 10 });
    expect(end.curve.elapsed).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('a step', () => {
  it('changes the model as AdamW does by hand, with the scheduled rate and the clipped gradients', async () => {
    const { model, run } = setup({ steps: 5, schedule: linearSchedule({ warmup: 0.2 }), clipNorm: 0.5 });
    const end = await run();
    const twin = setup();
    for (let step = 0; step < 5; step++) {
      twin.optimizer.zeroGrad();
      twin.loss().backward();
      const norm = Math.hypot(...twin.optimizer.parameters.flatMap(({ grad }) => [...grad?.toTypedArray() ?? []]));
      expect(end.curve.gradientNorm[step]).toBeCloseTo(norm, 5);
      for (const { grad } of twin.optimizer.parameters) grad?.mulInPlace(0.5 / (norm + 1e-6));
      twin.optimizer.scaleLr(linearSchedule({ warmup: 0.2 })({ step, share: step / 5 }));
      twin.optimizer.step();
    }
    model.values().forEach((value, i) => expect(value).toBeCloseTo(twin.model.values()[i], 6));
  });

  it('starts without gradients and leaves none', async () => {
    const { model, run } = setup({ steps: 1 });
    model.slope.grad = tensor([1e6, 1e6]);
    const end = await run();
    expect(end.curve.gradientNorm[0]).toBeCloseTo(Math.hypot(2, 4, 6), 5);
    expect(model.slope.grad).toBe(null);
  });

  it.each([NaN, Infinity, -Infinity])('a loss of %d stops with the step and the remedy, before the model changes', async (bad) => {
    const { model, options, loss } = setup();
    const events = recording();
    let ended: EndReport | null = null;
    let before: number[] = [];
    const step = (batch: number) => {
      before = model.values();
      return { loss: batch === 3 ? loss().mul(bad) : loss() };
    };
    const run = new Trainer({ ...options, step, reporter: [events, { onEnd: (end) => (ended = end) }] }).run();
    await expect(run).rejects.toThrow(TrainingError);
    await expect(run).rejects.toThrow(`Trainer: the loss of step 3 is ${bad} (batch 3; no single op made it: look at the data and the weights); the model is as it was after step 2: lower the learning rate`);
    await expect(run).rejects.toMatchObject({ step: 3, batch: 3 });
    expect(model.values()).toEqual(before);
    expect(events.events).toEqual(['start 0', 'step 1', 'step 2', 'end failed 2']);
    expect(ended).toMatchObject({ reason: 'failed', step: 2, error: expect.any(TrainingError) });
  });

  it('gradients that are not finite, behind a loss that is, stop before the model changes', async () => {
    const { model, options } = setup({}, new Line([0, 1]));
    const broken = (): Tensor => model.slope.sqrt().sum();
    const run = new Trainer({ ...options, step: () => ({ loss: broken() }) }).run();
    await expect(run).rejects.toThrow('the gradients of step 1 have the norm Infinity (the loss is 1) (batch 1; backward of sqrt is the first to make a NaN or an infinity, in a result of shape [2]); the model is as it was after step 0');
    expect(model.values()).toEqual([0, 1, 0]);
  });

  it('a schedule that gives no rate stops', async () => {
    await expect(setup({ schedule: () => NaN }).run()).rejects.toThrow('the schedule gave NaN for step 1');
    await expect(setup({ schedule: () => -1 }).run()).rejects.toThrow(TrainingError);
  });

  it('takes batches that come later', async () => {
    const { options } = setup({ steps: 3 });
    const seen: number[] = [];
    const data = { state: null, restore: () => {}, next: async () => Promise.resolve(seen.length) };
    await new Trainer<number>({ ...options, data, step: (batch) => (seen.push(batch), options.step(batch)) }).run();
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe('evaluation', () => {
  it('comes every so many steps and once at the end; without recording, in evaluation mode, leaving no trace', async () => {
    const states: unknown[] = [];
    const model = new Line();
    const evaluate = () => {
      states.push([model.training, model.slope.mul(2).requiresGrad]);
      rand([5]);
      return { quality: states.length };
    };
    const events = recording();
    manualSeed(4);
    const { options } = setup({ steps: 6, evaluate, evaluateEvery: 3, reporter: events }, model);
    const drawn: number[] = [];
    const end = await new Trainer({
      ...options,
      step(batch) {
        expect(model.training).toBe(true);
        drawn.push(defaultGenerator.uniform());
        return options.step(batch);
      },
    }).run();
    expect(states).toEqual([[false, false], [false, false]]);
    expect(events.events.filter((event) => event.startsWith('evaluate'))).toEqual(['evaluate 3', 'evaluate 6']);
    expect(end.evaluation).toEqual({ quality: 2 });
    expect(end.curve.evaluations).toEqual({ step: [3, 6], elapsed: [3, 6], metrics: { quality: [1, 2] } });
    const generator = new Generator(4);
    expect(drawn).toEqual(drawn.map(() => generator.uniform()));
  });

  it('may be asynchronous, and puts the mode back when it fails', async () => {
    expect((await setup({ steps: 1, evaluate: async () => Promise.resolve({ a: 1 }) }).run()).evaluation).toEqual({ a: 1 });
    const { model, run } = setup({ evaluate: async () => Promise.reject(new Error('no held-out text')) });
    await expect(run()).rejects.toThrow('no held-out text');
    expect(model.training).toBe(true);
  });

  it('leaves a model that was in evaluation mode there', async () => {
    const { model, run } = setup({ steps: 1 });
    model.eval();
    await run();
    expect(model.training).toBe(false);
  });
});

describe('checkpoints', () => {
  it('come every so many steps and at the end, after the evaluation; the newest two stay', async () => {
    const events = recording();
    await setup({ steps: 7, checkpoint: { folder, every: 2 }, evaluate: () => ({ a: 1 }), evaluateEvery: 4, reporter: events }).run();
    expect(events.events).toEqual([
      'start 0', 'step 1', 'step 2', 'checkpoint 2', 'step 3', 'step 4', 'evaluate 4', 'checkpoint 4',
      'step 5', 'step 6', 'checkpoint 6', 'step 7', 'evaluate 7', 'checkpoint 7', 'end steps 7',
    ]);
    expect(await readdir(folder)).toEqual(['step-00000006.safetensors', 'step-00000007.safetensors']);
  });

  it('come when so many seconds have passed since the last', async () => {
    const events = recording();
    await setup({ steps: 8, checkpoint: { folder, everySeconds: 2.5, keep: 1 }, reporter: events }).run();
    expect(events.events.filter((event) => event.startsWith('checkpoint'))).toEqual(['checkpoint 3', 'checkpoint 6', 'checkpoint 8']);
    expect(await readdir(folder)).toEqual(['step-00000008.safetensors']);
  });

  it('aborted: the step at hand is finished and saved, without evaluation, and the run can go on', async () => {
    const evaluate = vi.fn<() => Metrics>(() => ({ a: 1 }));
    const end = await setup({ checkpoint: { folder }, evaluate, ...abortAt(4) }).run();
    expect(end).toMatchObject({ reason: 'aborted', step: 4, evaluation: null });
    expect(evaluate).not.toHaveBeenCalled();
    const history = historyReporter();
    const { model, run } = setup({ checkpoint: { folder }, evaluate, resume: true, reporter: history });
    const resumed = await run();
    const whole = setup({ evaluate });
    expect(resumed.curve).toEqual((await whole.run()).curve);
    expect(history.curve).toEqual(resumed.curve);
    expect(model.values()).toEqual(whole.model.values());
  });

  it('a complete run, resumed, makes no step and does not measure again', async () => {
    const evaluate = vi.fn<() => Metrics>(() => ({ a: 1 }));
    const first = await setup({ checkpoint: { folder }, evaluate }).run();
    const again = await setup({ checkpoint: { folder }, evaluate, resume: true }).run();
    expect(evaluate).toHaveBeenCalledTimes(1);
    expect(again).toMatchObject({ step: 10, smoothedLoss: first.smoothedLoss, evaluation: { a: 1 }, tokens: 100 });
    const shorter = await setup({ steps: 5, checkpoint: { folder }, evaluate: () => ({ b: 2 }), resume: true }).run();
    expect(shorter).toMatchObject({ step: 10, reason: 'steps' });
    const longer = await setup({ steps: 12, checkpoint: { folder }, resume: true }).run();
    expect(longer.curve.loss).toHaveLength(12);
  });

  it('resume true needs one, false refuses a folder that has some, auto takes what is there', async () => {
    await expect(setup({ checkpoint: { folder }, resume: true }).run()).rejects.toThrow(`${folder}: there is no checkpoint to resume from`);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
    expect((await setup({ steps: 2, checkpoint: { folder }, resume: 'auto' }).run()).curve.loss).toHaveLength(2);
    await expect(setup({ checkpoint: { folder } }).run()).rejects.toThrow(`${folder}: holds checkpoints of an earlier run (step 2); pass resume: true`);
    const events = recording();
    await setup({ steps: 3, checkpoint: { folder }, resume: 'auto', reporter: events }).run();
    expect(events.events[0]).toBe('start 2');
  });

  it('leftovers of writers that were killed are removed, other files are not', async () => {
    await setup({ steps: 1, checkpoint: { folder } }).run();
    const others = ['.step-00000003.safetensors.tmp', 'notes.tmp', 'step-1.safetensors', 'step-000000009.safetensors'];
    for (const name of [...others, '.step-00000002.safetensors.4711.0123456789ab.tmp']) await writeFile(join(folder, name), 'x');
    const events = recording();
    await setup({ steps: 1, checkpoint: { folder }, resume: true, reporter: events }).run();
    expect(events.events).toEqual(['start 1', 'end steps 1']);
    expect((await readdir(folder)).sort()).toEqual([...others, 'step-00000001.safetensors'].sort());
  });

  it('a writer that fails (a full disk) stops with the cause and the remedy; those before stay', async () => {
    const { saveSafetensors } = await import('@strided/tensor');
    const full = new StridedError('x.safetensors: cannot write it: the disk is full; free some space (nothing was changed)');
    const save: typeof saveSafetensors = async (path, ...rest) => {
      if (String(path).endsWith('6.safetensors')) throw full;
      await saveSafetensors(path, ...rest);
    };
    const run = setup({ checkpoint: { folder, every: 2, keep: 1, save } }).run();
    await expect(run).rejects.toThrow('Trainer: the checkpoint of step 6 could not be written (x.safetensors: cannot write it: the disk is full; free some space (nothing was changed)); put that right and resume');
    await expect(run).rejects.toMatchObject({ step: 6, cause: full });
    expect(await readdir(folder)).toEqual(['step-00000004.safetensors']);
    const whole = setup();
    await whole.run();
    const { model, run: resume } = setup({ checkpoint: { folder }, resume: true });
    await resume();
    expect(model.values()).toEqual(whole.model.values());
  });

  it('a data source whose state JSON would change is refused, not saved wrong', async () => {
    const data = { state: { position: NaN }, restore: () => {}, next: () => 1 };
    await expect(setup({ data, checkpoint: { folder } }).run()).rejects.toThrow("the checkpoint's state.data.position is NaN, which JSON cannot hold");
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a checkpoint that does not fit: one line, and nothing changes', () => {
  class Bent extends Line {
    readonly curve = new Parameter(tensor([1]));
  }
  class Renamed extends Module {
    readonly slope: Parameter = new Parameter(tensor([1, 1]));
    readonly offset = new Parameter(tensor([1]));
  }

  async function refused(model: Module & { readonly slope: Parameter }, change: (options: TrainerOptions<number>) => Partial<TrainerOptions<number>>, message: string): Promise<void> {
    await setup({ steps: 2, checkpoint: { folder } }).run();
    const data = new Counting();
    const optimizer = new AdamW(model.parameters());
    const base: TrainerOptions<number> = { model, data, optimizer, steps: 4, step: () => ({ loss: model.slope.sum() }), checkpoint: { folder }, resume: true };
    const options = { ...base, ...change(base) };
    manualSeed(8);
    const before = Array.from(model.stateDict(), ([, values]) => values.toArray());
    const run = new Trainer(options).run();
    await expect(run).rejects.toThrow(CheckpointError);
    await expect(run).rejects.toThrow(`${join(folder, 'step-00000002.safetensors')}: belongs to another ${message}`);
    await expect(run).rejects.toThrow(/^[^\n]*$/);
    expect(Array.from(model.stateDict(), ([, values]) => values.toArray())).toEqual(before);
    expect(options.data.state).toEqual(0);
    expect(options.optimizer.state()).toEqual({ tensors: new Map(), step: 0 });
    expect(defaultGenerator.state).toEqual({ seed: 8, offset: 0 });
  }

  it('a model with another shape', () => refused(new Line([1, 2, 3]), () => ({}), 'model: its slope is float32 [2], the model\'s is float32 [3]; resume with the model that wrote it'));
  it('a model with more', () => refused(new Bent(), () => ({}), 'model: it lacks curve'));
  it('a model with other names', () => refused(new Renamed(), () => ({}), 'model: it lacks offset'));
  it('a model of another dtype', () => {
    const model = Object.assign(new Line(), { slope: new Parameter(tensor([0, 0], { dtype: 'float64' })) });
    return refused(model, () => ({}), 'model: its slope is float32 [2], the model\'s is float64 [2]');
  });
  it('an optimiser with its parameters in another order', () => {
    const model = new Line();
    return refused(model, () => ({ optimizer: new AdamW([model.shift, model.slope]) }), 'optimiser: it had slope in place 0, this one has shift');
  });
  it('an optimiser of fewer parameters', () => {
    const model = new Line();
    return refused(model, () => ({ optimizer: new AdamW([model.slope]) }), 'optimiser: it had 2 parameters, this one has 1');
  });
  it('an optimiser that refuses its state, after the data was put in place', () => {
    class Fussy extends AdamW {
      override loadState(): void {
        throw new Error('these are not my moments');
      }
    }
    const model = new Line();
    return refused(model, () => ({ optimizer: new Fussy(model.parameters()) }), 'run: these are not my moments');
  });
  it('data that refuses the place', () => {
    const data: DataSource<number> = { state: 0, next: () => 1, restore: (place) => {
      if (place !== 0) throw new Error('the corpus has changed');
    } };
    return refused(new Line(), () => ({ data }), 'run: the corpus has changed; resume with the data and optimiser that wrote it');
  });
});

describe('reports', () => {
  it('say how far, how fast and how long', async () => {
    const steps: unknown[] = [];
    const reporter: Reporter = { onStep: ({ step, tokensPerSecond, timeLeft, share, elapsed }) => steps.push([step, tokensPerSecond, timeLeft, share, elapsed].map((value) => Number(value.toPrecision(12)))) };
    await setup({ steps: 4, reporter }).run();
    expect(steps).toEqual([[1, 10, 3, 0.25, 1], [2, 10, 2, 0.5, 2], [3, 10, 1, 0.75, 3], [4, 10, 0, 1, 4]]);
  });

  it('reach every reporter; warnings that none takes go to the console', async () => {
    await setup({ steps: 2, checkpoint: { folder, every: 1 } }).run();
    await writeFile(join(folder, 'step-00000002.safetensors'), 'cut');
    const spy = vi.spyOn(console, 'warn').mockReturnValue();
    const [one, two] = [historyReporter(), historyReporter()];
    await setup({ steps: 2, checkpoint: { folder }, resume: true, reporter: [one, two] }).run();
    expect(spy.mock.calls).toEqual([[expect.stringContaining('step-00000002.safetensors: has 3 bytes')]]);
    spy.mockRestore();
    expect(one.curve).toEqual(two.curve);
    expect(one.curve.loss).toHaveLength(2);
  });

  it('let timers of the host run', async () => {
    let fired = false;
    setTimeout(() => (fired = true), 0);
    // A timer of 0 is due after a millisecond, and five steps may be made in less.
    for (const due = performance.now() + 3; performance.now() < due;);
    const { options } = setup({ steps: 5 });
    await new Trainer(options).run();
    expect(fired).toBe(true);
  });
});

describe('options', () => {
  it.each<[string, Partial<TrainerOptions<number>>]>([
    ['steps must be a whole number from 1, not 0', { steps: 0 }],
    ['steps must be a whole number', { steps: 1.5 }],
    ['seconds must be a finite number above 0', { seconds: 0 }],
    ['seconds must be a finite number above 0', { seconds: Infinity }],
    ['clipNorm must be above 0', { clipNorm: 0 }],
    ['clipNorm must be above 0', { clipNorm: NaN }],
    ['evaluateEvery needs evaluate', { evaluateEvery: 2 }],
    ['evaluateEvery must be a whole number', { evaluateEvery: 0, evaluate: () => ({}) }],
    ['resume needs checkpoint.folder', { resume: 'auto' }],
    ['checkpoint.every must be a whole number', { checkpoint: { folder: 'x', every: 0 } }],
    ['checkpoint.everySeconds must be above 0', { checkpoint: { folder: 'x', everySeconds: -1 } }],
    ['checkpoint.keep must be a whole number from 1', { checkpoint: { folder: 'x', keep: 0 } }],
    ['the optimizer has a parameter of shape [2] that is not in the model', { optimizer: new AdamW([new Parameter(tensor([1, 2]))]) }],
  ])('refused: %s', (message, options) => {
    expect(() => new Trainer(setup(options).options)).toThrow(ArgumentError);
    expect(() => new Trainer(setup(options).options)).toThrow(message);
  });

  it('a plan is needed, and a trainer runs once', async () => {
    const { steps: _, ...planless } = setup().options;
    expect(() => new Trainer(planless)).toThrow('say how long to train with steps or seconds');
    const trainer = new Trainer(setup({ steps: 1 }).options);
    await trainer.run();
    await expect(trainer.run()).rejects.toThrow('it was called before');
  });
});
