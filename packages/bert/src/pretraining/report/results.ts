import { formatNumber, formatPercent, html, type Markup } from '@strided/nn/charts';
import type { PretrainingReport } from './report.ts';

interface Measure {
  readonly name: string;
  readonly value: number;
}

/** A comparison of the model with what knows less: a large number, both as bars, and the difference in words. */
interface Card {
  readonly label: string;
  readonly unit: string;
  readonly model: Measure;
  readonly baseline: Measure;
  readonly lowerIsBetter: boolean;
  /** The value whose bar is full. */
  readonly full: number;
  format(value: number): string;
  difference(size: number): string;
}

const most = (...values: readonly number[]): number => Math.max(...values.filter(Number.isFinite));

const share = (value: number, full: number): number => {
  const width = (value / full) * 100;
  return Number.isFinite(width) ? Math.min(100, Math.max(0, Math.round(width * 100) / 100)) : 0;
};

function card({ label, unit, model, baseline, lowerIsBetter, full, format, difference }: Card): Markup {
  const gain = lowerIsBetter ? baseline.value - model.value : model.value - baseline.value;
  const verdict = !Number.isFinite(gain) ? ['unknown', 'cannot be compared']
    : gain > 0 ? ['good', `${difference(gain)} better than ${baseline.name}`]
    : gain < 0 ? ['bad', `${difference(-gain)} worse than ${baseline.name}`]
    : ['unknown', `the same as ${baseline.name}`];
  const bar = ({ name, value }: Measure, kind: string): Markup =>
    html`<dt>${name}</dt><dd><i class="bar ${kind}"><i style="width:${share(value, full)}%"></i></i><b>${format(value)}</b></dd>`;
  return html`<article class="card"><h3>${label}</h3>
<p class="figure">${format(model.value)}${unit === '' ? null : html` <small>${unit}</small>`}</p>
<p class="chip ${verdict[0]}">${verdict[1]}</p>
<dl class="bars">${bar(model, 'model')}${bar(baseline, 'baseline')}</dl></article>`;
}

/** The outcome on held-out text beside what the frequencies of words alone would reach on the same masked tokens. */
export function resultCards({ result }: PretrainingReport): Markup {
  const { heldOutLoss, unigramLoss, heldOutAccuracy, unigramAccuracy, nextSentenceAccuracy } = result;
  const points = (size: number): string => `${formatNumber(size * 100, 1)} points`;
  return html`<section class="cards" aria-label="Results on held-out text">
${card({
  label: 'Held-out loss', unit: 'nats per masked token', lowerIsBetter: true, full: most(heldOutLoss, unigramLoss),
  model: { name: 'model', value: heldOutLoss }, baseline: { name: 'unigram', value: unigramLoss },
  format: (value) => formatNumber(value, 3), difference: (size) => `${formatNumber(size, 3)} nats`,
})}
${card({
  label: 'Held-out accuracy', unit: 'of masked tokens', lowerIsBetter: false, full: most(heldOutAccuracy, unigramAccuracy),
  model: { name: 'model', value: heldOutAccuracy }, baseline: { name: 'unigram', value: unigramAccuracy },
  format: (value) => formatPercent(value), difference: points,
})}
${nextSentenceAccuracy === undefined ? null : card({
  label: 'Next-sentence accuracy', unit: 'of pairs', lowerIsBetter: false, full: 1,
  model: { name: 'model', value: nextSentenceAccuracy }, baseline: { name: 'coin toss', value: 0.5 },
  format: (value) => formatPercent(value), difference: points,
})}
</section>`;
}
