import { html, type Markup } from './markup.ts';
import { formatTick, isDrawable } from './numbers.ts';
import { extentOf, linearScale, type Scale } from './scale.ts';
import { stretches, thin, type Point } from './series.ts';

/** Colours of the page's theme, light and dark. */
export type Tone = 'primary' | 'secondary' | 'tertiary' | 'muted';

export interface LineSeries {
  readonly name: string;
  /** In any order; a y that is not finite leaves a gap. */
  readonly points: readonly Point[];
  readonly tone: Tone;
  /** `thin` is a faint line behind the others, for raw values. Default `line`. */
  readonly mark?: 'line' | 'thin' | 'points';
}

/** A horizontal dashed line, labelled in the plot: a baseline. */
export interface Level {
  readonly name: string;
  readonly y: number;
}

export interface LineChartOptions {
  readonly title: string;
  readonly series: readonly LineSeries[];
  readonly levels?: readonly Level[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** Room for the plot; its width is that of its place in the page. Default `large`. */
  readonly size?: 'large' | 'small';
  /** How y is written: 0.25 as `0.25` or as `25%`. Default `number`. */
  readonly yUnit?: 'number' | 'percent';
  /** A value that the y axis has to show, as 0 for a share. */
  readonly yInclude?: number;
}

/** Heights in CSS pixels, and about how many ticks there is room for. */
const sizes = { large: { height: 320, xTicks: 8, yTicks: 6 }, small: { height: 150, xTicks: 4, yTicks: 3 } } as const;

/** Columns of a plot that thinned curves tell apart; a plot is about 1000 pixels wide. */
const columns = 500;

// The drawing is stretched to the plot's size (its strokes are not): labels are HTML, legible at any width.
const place = (scale: Scale, value: number): number => Math.round(scale.at(value) * 10_000) / 10;
const percent = (share: number): string => `${Math.round(share * 10_000) / 100}%`;

function drawing({ mark = 'line', tone, points }: LineSeries, x: Scale, y: Scale): Markup {
  const at = ([px, py]: Point): string => `${place(x, px)} ${Math.round((1000 - place(y, py)) * 10) / 10}`;
  const runs = stretches(points);
  // A point is a line of no length with round ends: a circle, however the drawing is stretched.
  const lone = runs.length === 1 && runs[0].length === 1;
  const path = mark === 'points'
    ? runs.flat().map((point) => `M${at(point)}h0`).join('')
    : runs.map((run) => (run.length === 1 ? `M${at(run[0])}h0` : `M${run.map(at).join('L')}`)).join('');
  return html`<path class="mark ${lone ? 'points' : mark} ${tone}" d="${path}"/>`;
}

function legend(series: readonly LineSeries[], levels: readonly Level[]): Markup {
  const item = (kind: string, tone: string, name: string): Markup => html`<li><i class="swatch ${kind} ${tone}"></i>${name}</li>`;
  return html`<ul class="legend">${series.map(({ mark = 'line', tone, name }) => item(mark, tone, name))}${levels.map(({ name }) => item('level', 'muted', name))}</ul>`;
}

/** What the page's script shows under the pointer; six digits are more than a plot can. */
function hoverData(series: readonly LineSeries[], x: Scale, { xLabel, yUnit = 'number' }: LineChartOptions): string {
  const short = (value: number): number => Number(value.toPrecision(6));
  const curves = series.map(({ name, tone, points }) => {
    const drawn = points.filter(([, y]) => isDrawable(y));
    return { name, tone, x: drawn.map(([px]) => short(px)), y: drawn.map(([, py]) => short(py)) };
  });
  return JSON.stringify({ min: x.min, max: x.max, label: xLabel, unit: yUnit, curves });
}

/**
 * A chart of lines and points as a piece of HTML (its looks are in `chartStyle`): an SVG that fills the width of the
 * page, axes with round ticks, a legend. Values that are not finite are left out and counted in a note; curves of more
 * points than pixels are thinned, their spikes kept.
 *
 * @example
 * lineChart({ title: 'Loss', xLabel: 'step', yLabel: 'nats', series: [{ name: 'training', tone: 'primary', points: [[1, 6.2], [2, 5.9]] }] });
 */
export function lineChart(options: LineChartOptions): Markup {
  const { title, xLabel, yLabel, size = 'large', yUnit = 'number', yInclude } = options;
  const { height, xTicks, yTicks: count } = sizes[size];
  const series = options.series.filter(({ points }) => points.length > 0).map((one) => ({ ...one, points: thin(one.points, columns) }));
  const levels = (options.levels ?? []).filter((level) => isDrawable(level.y));
  const drawn = series.flatMap(({ points }) => points.filter(([, y]) => isDrawable(y)));
  const xExtent = extentOf(drawn.map(([x]) => x));
  const yExtent = extentOf([...drawn.map(([, y]) => y), ...levels.map((level) => level.y), ...(yInclude === undefined ? [] : [yInclude])]);
  const lost = options.series.reduce((sum, { points }) => sum + points.filter(([x, y]) => !isDrawable(x) || !isDrawable(y)).length, 0);
  const note = lost === 0 ? null : html`<p class="note">${lost === 1 ? '1 value is' : `${lost} values are`} not finite and not drawn.</p>`;
  if (xExtent === null || yExtent === null) {
    return html`<figure class="chart"><figcaption><h3>${title}</h3></figcaption><p class="empty">No values to draw.</p>${note}</figure>`;
  }

  const x = linearScale(...xExtent, { count: xTicks, integer: true, tight: true });
  const y = linearScale(...yExtent, { count });
  const yTicks = y.ticks.map((tick) => ({ label: formatTick(tick, y.step, yUnit), share: 1 - y.at(tick) }));
  const gutter = Math.max(...yTicks.map(({ label }) => label.length)) + 1;
  const range = `${formatTick(xExtent[0], x.step)} to ${formatTick(xExtent[1], x.step)}`;
  return html`<figure class="chart">
<figcaption><h3>${title}</h3>${legend(series, levels)}</figcaption>
<p class="y-label">${yLabel}</p>
<div class="plot" style="height:${height}px;margin-left:${gutter}ch" data-chart="${hoverData(series, x, options)}">
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${title}: ${series.map(({ name }) => name).join(', ')} over ${xLabel} ${range}">
<path class="grid" d="${yTicks.map(({ share }) => `M0 ${Math.round(share * 10_000) / 10}H1000`).join('')}"/>
${levels.map((level) => html`<path class="level" d="M0 ${1000 - place(y, level.y)}H1000"/>`)}
${series.map((one) => drawing(one, x, y))}
</svg>
${yTicks.map(({ label, share }) => html`<span class="tick y" style="top:${percent(share)}">${label}</span>`)}
${x.ticks.map((tick) => html`<span class="tick x" style="left:${percent(x.at(tick))}">${formatTick(tick, x.step)}</span>`)}
${levels.map((level) => html`<span class="level-label" style="top:${percent(1 - y.at(level.y))}">${level.name} ${formatTick(level.y, yUnit === 'percent' ? 0.001 : 0.01, yUnit)}</span>`)}
</div>
<p class="x-label">${xLabel}</p>${note}
</figure>`;
}
