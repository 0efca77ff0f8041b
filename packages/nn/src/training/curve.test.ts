import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, loadSafetensors } from '@strided/tensor';
import { curveFromTensors, CurveRecorder, curveTensors, type Metrics } from './curve.ts';

const names = fc.constantFrom('accuracy', 'a.b', 'metrics.loss', 'step', 'weiß ∞');
const metrics: fc.Arbitrary<Metrics> = fc.dictionary(names, fc.double(), { noNullPrototype: true });
const steps = fc.array(fc.record({ loss: fc.double(), learningRate: fc.double(), gradientNorm: fc.double(), tokens: fc.nat(), elapsed: fc.double(), metrics }), { maxLength: 6 });
const evaluations = fc.array(fc.record({ step: fc.nat(), elapsed: fc.double(), metrics }), { maxLength: 4 });

describe('CurveRecorder', () => {
  it('keeps every number in its place: row i of each column is the i-th step, NaN where it had no such metric', () => {
    fc.assert(fc.property(steps, evaluations, (rows, moments) => {
      const curve = new CurveRecorder();
      rows.forEach((row) => curve.addStep(row));
      moments.forEach((moment) => curve.addEvaluation(moment));
      for (const column of ['loss', 'learningRate', 'gradientNorm', 'tokens', 'elapsed'] as const) expect(curve[column]).toEqual(rows.map((row) => row[column]));
      for (const [table, source] of [[curve.metrics, rows], [curve.evaluations.metrics, moments]] as const) {
        expect(new Set(Object.keys(table))).toEqual(new Set(source.flatMap((row) => Object.keys(row.metrics))));
        for (const [name, values] of Object.entries(table)) expect(values).toEqual(source.map((row) => row.metrics[name] ?? NaN));
      }
      expect(curve.evaluations.step).toEqual(moments.map(({ step }) => step));
    }));
  });

  it('comes back from a file bit for bit: infinities, NaN, -0 and all', async () => {
    await fc.assert(fc.asyncProperty(steps, evaluations, async (rows, moments) => {
      const curve = new CurveRecorder();
      rows.forEach((row) => curve.addStep(row));
      moments.forEach((moment) => curve.addEvaluation(moment));
      const read = curveFromTensors(await loadSafetensors(encodeSafetensors(curveTensors(curve))));
      expect(read).toEqual({ ...curve });
      expect(new CurveRecorder(read)).toEqual(curve);
    }));
  });

  it('copies the past: what is added later does not change it', () => {
    const step = { loss: 1, learningRate: 1, gradientNorm: 1, tokens: 1, elapsed: 1, metrics: { a: 1 } };
    const past = new CurveRecorder();
    past.addStep(step);
    past.addEvaluation(step as never);
    const next = new CurveRecorder(past);
    next.addStep(step);
    next.addEvaluation({ step: 2, elapsed: 2, metrics: { b: 2 } });
    expect([past.loss.length, past.metrics['a'].length, past.evaluations.step.length, next.loss.length]).toEqual([1, 1, 1, 2]);
    expect(next.evaluations.metrics).toEqual({ a: [1, NaN], b: [NaN, 2] });
  });
});
