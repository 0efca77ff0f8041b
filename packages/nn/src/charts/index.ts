/** Charts of curves as pieces of HTML that need nothing but themselves, for pages that show training. */
export { lineChart, type Level, type LineChartOptions, type LineSeries, type Tone } from './chart.ts';
export { escapeHtml, html, Markup, trusted, type Content } from './markup.ts';
export { formatNumber, formatPercent, formatTick, isDrawable } from './numbers.ts';
export { extentOf, linearScale, type Scale, type ScaleOptions } from './scale.ts';
export { smooth, stretches, thin, type Point } from './series.ts';
export { chartScript } from './script.ts';
export { chartStyle, themeStyle } from './style.ts';
