import { formatNumber, html, lineChart, type LineSeries, type Markup, smooth } from '@strided/nn/charts';
import type { PretrainingReport } from './report.ts';

type Step = PretrainingReport['curve'][number];

/** A noisy value of each step: as it was, faint, and smoothed over an eightieth of the training. */
function noisy(curve: readonly Step[], name: string, read: (step: Step) => number): LineSeries[] {
  const values = curve.map(read);
  const raw: LineSeries = { name, tone: 'primary', mark: 'thin', points: curve.map(({ step }, i) => [step, values[i]]) };
  if (curve.length < 20) return [{ ...raw, mark: 'line' }];
  const smoothed = smooth(values, curve.length / 80);
  return [raw, { name: `${name}, smoothed`, tone: 'primary', points: curve.map(({ step }, i) => [step, smoothed[i]]) }];
}

/** How training went: losses, accuracy and learning rate over the steps. */
export function curvesSection({ curve, evaluations, result }: PretrainingReport): Markup {
  const last = curve[curve.length - 1];
  const pairs = curve.some(({ nextSentenceLoss }) => Number.isFinite(nextSentenceLoss));
  return html`<section aria-labelledby="curves"><h2 id="curves">Training</h2>
${last === undefined ? html`<p class="empty">No step was recorded.</p>` : html`<p class="lead">${formatNumber(last.step, 0)} ${last.step === 1 ? 'step' : 'steps'} in ${formatNumber(last.seconds, 1)} seconds.</p>`}
${lineChart({
  title: 'Masked-language-model loss', xLabel: 'step', yLabel: 'nats per masked token',
  series: [
    ...noisy(curve, 'training', ({ maskedLmLoss }) => maskedLmLoss),
    { name: 'held out', tone: 'secondary', mark: 'points', points: evaluations.map(({ step, loss }) => [step, loss]) },
  ],
  levels: [{ name: 'unigram baseline', y: result.unigramLoss }],
})}
<div class="columns">
${evaluations.length === 0 ? null : lineChart({
  title: 'Held-out accuracy', xLabel: 'step', yLabel: 'masked tokens guessed right', size: 'small', yUnit: 'percent', yInclude: 0,
  series: [{ name: 'held out', tone: 'secondary', points: evaluations.map(({ step, accuracy }) => [step, accuracy]) }],
  levels: [{ name: 'unigram', y: result.unigramAccuracy }],
})}
${pairs ? lineChart({
  title: 'Next-sentence loss', xLabel: 'step', yLabel: 'nats per pair', size: 'small',
  series: noisy(curve, 'training', ({ nextSentenceLoss }) => nextSentenceLoss),
  levels: [{ name: 'coin toss', y: Math.LN2 }],
}) : null}
${curve.length === 0 ? null : lineChart({
  title: 'Learning rate', xLabel: 'step', yLabel: 'step size', size: 'small', yInclude: 0,
  series: [{ name: 'learning rate', tone: 'tertiary', points: curve.map(({ step, lr }) => [step, lr]) }],
})}
</div></section>`;
}
