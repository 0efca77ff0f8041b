import { appendFileSync } from 'node:fs';
import { StridedError } from '@strided/tensor';
import { writeFileAtomicSync } from '@strided/tensor/files';
import { CurveRecorder, type Curve, type Metrics } from './curve.ts';
import type { Reporter } from './reporter.ts';
import { trainingReport, type TrainingReportOptions } from './trainingReport.ts';

/**
 * Reporters that write files: a line of JSON for each step and evaluation, and the curve as a page.
 */

/**
 * Writes a line of JSON for each step, `{"step":1,"loss":…,"learningRate":…,"gradientNorm":…,"tokens":…,"elapsed":…,"metrics":{…}}`,
 * and for each evaluation, `{"step":…,"elapsed":…,"evaluation":{…}}`; a number that is not finite is null. A resumed run
 * writes the file anew from its checkpoint's curve: it has every step once, as if nothing had happened.
 *
 * @example
 * import { jsonLinesReporter } from '@strided/nn/files';
 * await new Trainer({ ...options, reporter: [terminalReporter(), jsonLinesReporter('run/metrics.jsonl')] }).run();
 */
export function jsonLinesReporter(path: string): Reporter {
  const add = (line: string): void => {
    try {
      appendFileSync(path, line);
    } catch (error) {
      throw new StridedError(`${path}: cannot write to it (${error instanceof Error ? error.message : String(error)}); free some space or choose another file`, { cause: error });
    }
  };
  return {
    onStart: ({ curve }) => writeFileAtomicSync(path, [new TextEncoder().encode(linesOf(curve))]),
    onStep: ({ step, loss, learningRate, gradientNorm, tokens, elapsed, metrics }) => add(stepLine({ step, loss, learningRate, gradientNorm, tokens, elapsed, metrics })),
    onEvaluate: ({ step, elapsed, metrics }) => add(evaluationLine(step, elapsed, metrics)),
  };
}

const stepLine = (step: Readonly<Record<string, number | Metrics>>): string => `${JSON.stringify(step)}\n`;
const evaluationLine = (step: number, elapsed: number, evaluation: Metrics): string => `${JSON.stringify({ step, elapsed, evaluation })}\n`;

/** Every step and evaluation of a curve, in the order of training. */
function linesOf({ loss, learningRate, gradientNorm, tokens, elapsed, metrics, evaluations }: Curve): string {
  // A moment that lacked a metric has NaN there, as has one whose metric was NaN: both are null.
  const row = (columns: Readonly<Record<string, readonly number[]>>, i: number): Metrics => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]]));
  let next = 0;
  return loss.map((value, i) => {
    const step = i + 1;
    let lines = stepLine({ step, loss: value, learningRate: learningRate[i], gradientNorm: gradientNorm[i], tokens: tokens[i], elapsed: elapsed[i], metrics: row(metrics, i) });
    for (; evaluations.step[next] === step; next++) lines += evaluationLine(step, evaluations.elapsed[next], row(evaluations.metrics, next));
    return lines;
  }).join('');
}

/**
 * Writes the curve as one HTML page (see `trainingReport`) after each evaluation and at the end.
 *
 * @example
 * import { curveReporter } from '@strided/nn/files';
 * await new Trainer({ ...options, reporter: curveReporter('run/training.html', { title: 'Which party?' }) }).run();
 */
export function curveReporter(path: string, options: TrainingReportOptions = {}): Reporter {
  let recorder = new CurveRecorder();
  const write = (): void => writeFileAtomicSync(path, [new TextEncoder().encode(trainingReport(recorder, options))]);
  return {
    onStart: ({ curve }) => (recorder = new CurveRecorder(curve)),
    onStep: (report) => recorder.addStep(report),
    onEvaluate(report) {
      recorder.addEvaluation(report);
      write();
    },
    onEnd: write,
  };
}
