import { tensor } from '@strided/tensor';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Module } from '../module.ts';
import { SGD } from '../optim/sgd.ts';
import { Parameter } from '../parameter.ts';
import { CurveRecorder } from './curve.ts';
import { curveReporter, jsonLinesReporter } from './fileReporters.node.ts';
import type { Reporter } from './reporter.ts';
import { Trainer, type TrainerOptions } from './trainer.ts';
import { trainingReport } from './trainingReport.ts';

class Point extends Module {
  readonly x = new Parameter(tensor([4]));
}

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'strided-reporters-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

function run(reporter: Reporter | readonly Reporter[], options: Partial<TrainerOptions<null>> = {}) {
  const model = new Point();
  let now = 0;
  return new Trainer<null>({
    model, optimizer: new SGD(model.parameters(), { lr: 0.25 }), data: { next: () => null, state: null, restore: () => {} }, steps: 5, reporter, clock: () => now,
    step: () => ((now += 1000), { loss: model.x.square().sum(), tokens: 3, metrics: { x: Number(model.x.item()) } }),
    evaluate: () => ({ accuracy: 0.5, nothing: NaN }), evaluateEvery: 2, ...options,
  }).run();
}

describe('jsonLinesReporter', () => {
  const path = () => join(folder, 'metrics.jsonl');
  const lines = async () => (await readFile(path(), 'utf8')).split('\n');

  it('writes each step and evaluation as a line; what is not finite is null', async () => {
    await run(jsonLinesReporter(path()));
    const found = await lines();
    expect(found.pop()).toBe('');
    expect(found).toHaveLength(8);
    expect(JSON.parse(found[0])).toEqual({ step: 1, loss: 16, learningRate: 0.25, gradientNorm: 8, tokens: 3, elapsed: 1, metrics: { x: 4 } });
    expect(found[2]).toBe('{"step":2,"elapsed":2,"evaluation":{"accuracy":0.5,"nothing":null}}');
  });

  it('of a run that was cut off and resumed is that of the whole run', async () => {
    await run(jsonLinesReporter(path()));
    const whole = await lines();
    const checkpoint = { folder: join(folder, 'run'), every: 2 };
    const dies = (): never => {
      throw new Error('killed');
    };
    const reporter = jsonLinesReporter(path());
    await expect(run([reporter, { onStep: ({ step }) => void (step === 3 && dies()) }], { checkpoint })).rejects.toThrow('killed');
    await run(jsonLinesReporter(path()), { checkpoint, resume: true });
    expect(await lines()).toEqual(whole);
  });

  it('a folder that is not there is named', async () => {
    await expect(run(jsonLinesReporter(join(folder, 'nowhere', 'metrics.jsonl')))).rejects.toThrow('metrics.jsonl');
  });
});

describe('trainingReport', () => {
  it('draws the loss, every metric, rates and norms, with baselines, in a page that loads nothing', async () => {
    const path = join(folder, 'training.html');
    const { curve } = await run(curveReporter(path, { title: 'A <b> point', settings: [['Seed', '"1"']], baselines: { accuracy: [{ name: 'chance', value: 0.5 }] } }));
    const page = await readFile(path, 'utf8');
    expect(page).toBe(trainingReport(curve, { title: 'A <b> point', settings: [['Seed', '"1"']], baselines: { accuracy: [{ name: 'chance', value: 0.5 }] } }));
    expect(Array.from(page.matchAll(/<h3>([^<]*)<\/h3>/g), ([, title]) => title)).toEqual(['loss', 'accuracy', 'nothing', 'x', 'learning rate', 'gradient norm']);
    expect(page).toContain('<h1>A &lt;b&gt; point</h1>');
    expect(page).toContain('5 steps in 5.0 seconds.');
    expect(page).toContain('chance 0.50');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/(src|href)=/);
  });

  it('of nothing says so', () => {
    expect(trainingReport(new CurveRecorder())).toContain('No step was recorded.');
  });
});
