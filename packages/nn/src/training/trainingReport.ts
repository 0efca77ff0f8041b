import { chartScript, chartStyle, formatNumber, html, lineChart, smooth, themeStyle, type LineSeries, type Markup } from '../charts/index.ts';
import type { Curve, MetricColumns } from './curve.ts';

export interface TrainingReportOptions {
  /** What was trained on what. */
  readonly title?: string;
  /** What the reader may want to know, as it is to be read. */
  readonly settings?: readonly (readonly [label: string, value: string])[];
  /** Horizontal lines to compare a metric with, by the metric's name. */
  readonly baselines?: Readonly<Record<string, readonly { readonly name: string; readonly value: number }[]>>;
}

/** A noisy value of each step: as it was, faint, and smoothed over an eightieth of the training. */
function noisy(name: string, values: readonly number[]): LineSeries[] {
  const points = (of: readonly number[]) => of.map((value, i): [number, number] => [i + 1, value]);
  const raw: LineSeries = { name, tone: 'primary', mark: 'thin', points: points(values) };
  if (values.length < 20) return [{ ...raw, mark: 'line' }];
  return [raw, { name: `${name}, smoothed`, tone: 'primary', points: points(smooth(values, values.length / 80)) }];
}

/** Charts of all that a curve holds: the loss first, then every metric of steps and evaluations, then the rest. */
function charts({ loss, metrics, evaluations, learningRate, gradientNorm }: Curve, baselines: NonNullable<TrainingReportOptions['baselines']>): Markup {
  const evaluated = (name: string, columns: MetricColumns = evaluations.metrics): LineSeries[] =>
    Object.hasOwn(columns, name) ? [{ name: 'evaluation', tone: 'secondary', points: evaluations.step.map((step, i) => [step, columns[name][i]]) }] : [];
  const chart = (name: string, series: readonly LineSeries[], size: 'large' | 'small'): Markup => lineChart({
    title: name, xLabel: 'step', yLabel: name, size, series,
    levels: (Object.hasOwn(baselines, name) ? baselines[name] : []).map((level) => ({ name: level.name, y: level.value })),
  });
  const others = [...new Set([...Object.keys(evaluations.metrics), ...Object.keys(metrics)])].filter((name) => name !== 'loss');
  const ofSteps = (name: string): LineSeries[] => (Object.hasOwn(metrics, name) ? noisy('training', metrics[name]) : []);
  return html`${chart('loss', [...noisy('training', loss), ...evaluated('loss')], 'large')}
<div class="columns">
${others.map((name) => chart(name, [...ofSteps(name), ...evaluated(name)], 'small'))}
${chart('learning rate', [{ name: 'learning rate', tone: 'tertiary', points: learningRate.map((rate, i) => [i + 1, rate]) }], 'small')}
${chart('gradient norm', noisy('gradient norm', gradientNorm), 'small')}
</div>`;
}

/**
 * Training as one HTML page that needs nothing but itself: it opens from a disk, loads nothing (its content policy
 * forbids it), follows the reader's light or dark theme, and can be read without its script. Long curves are thinned to
 * what a screen can show, their spikes kept.
 *
 * @example
 * const { curve } = await trainer.run();
 * await writeFile('training.html', trainingReport(curve, { title: 'Which party?', baselines: { accuracy: [{ name: 'majority', value: 0.53 }] } }));
 */
export function trainingReport(curve: Curve, { title = 'Training', settings = [], baselines = {} }: TrainingReportOptions = {}): string {
  const steps = curve.loss.length;
  const lead = steps === 0 ? 'No step was recorded.' : `${formatNumber(steps, 0)} ${steps === 1 ? 'step' : 'steps'} in ${formatNumber(curve.elapsed[steps - 1], 1)} seconds.`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${themeStyle}${chartStyle}</style>
</head>
<body>
<main>
<header><h1>${title}</h1>${settings.length === 0 ? null : html`<dl class="settings">${settings.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`}</header>
<p class="lead">${lead}</p>
${steps === 0 ? null : charts(curve, baselines)}
</main>
<script>${chartScript}</script>
</body>
</html>
`.text;
}
