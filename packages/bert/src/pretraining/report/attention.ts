import { formatNumber, html, type Markup } from '@strided/nn/charts';
import type { PretrainingReport } from './report.ts';

type Weights = readonly (readonly number[])[];
type Attention = NonNullable<PretrainingReport['attention']>;

/** Cells on the page in all: at about ten characters each, they stay well below a megabyte. */
const cellBudget = 60_000;
/** Shades of a map. The shade is that of the weight's root, so that small weights are told apart too. */
const shades = 20;
/** Size of a cell, and of the margins with the tokens, in the large map. */
const cell = 22;
const margin = 112;

/** A cell's weight between 0 and 1, or NaN if it is missing or not finite. */
function weightOf(weights: Weights, query: number, key: number): number {
  const weight = weights[query]?.[key] ?? Number.NaN;
  return Number.isFinite(weight) ? Math.min(1, Math.max(0, weight)) : Number.NaN;
}

/** A map of size × size cells: for each shade one path with the runs of cells that have it. */
function heatMap(weights: Weights, size: number): Markup[] {
  const paths = Array.from({ length: shades + 1 }, () => '');
  // NaN has the shade NaN, which is not above 0: the cell stays empty.
  const shadeOf = (query: number, key: number): number => Math.round(Math.sqrt(weightOf(weights, query, key)) * shades);
  for (let query = 0; query < size; query++) {
    for (let key = 0, end = 0; key < size; key = end) {
      const shade = shadeOf(query, key);
      for (end = key + 1; end < size && shadeOf(query, end) === shade; ) end++;
      if (shade > 0) paths[shade] += `M${key} ${query}h${end - key}`;
    }
  }
  return paths.flatMap((path, shade) => (path === '' ? [] : [html`<path opacity="${shade / shades}" d="${path}"/>`]));
}

/** The weights for the page's script: two digits of base 36 a cell, `--` where there is no number. */
function encode(weights: Weights, size: number): string {
  let text = '';
  for (let query = 0; query < size; query++) {
    for (let key = 0; key < size; key++) {
      const weight = weightOf(weights, query, key);
      text += Number.isNaN(weight) ? '--' : Math.round(weight * 1295).toString(36).padStart(2, '0');
    }
  }
  return text;
}

/** How much of its weight a head's queries put on their first choice, on average. */
function sharpness(weights: Weights, size: number): number {
  let sum = 0;
  for (let query = 0; query < size; query++) {
    let most = 0;
    for (let key = 0; key < size; key++) {
      const weight = weightOf(weights, query, key);
      if (weight > most) most = weight;
    }
    sum += most;
  }
  return sum / size;
}

function shorten(token: string): string {
  const chars = Array.from(token);
  return chars.length > 14 ? `${chars.slice(0, 13).join('')}…` : token;
}

/** The selected head, its tokens along both sides; the script points `use` at another head. */
function largeMap(tokens: readonly string[], id: string): Markup {
  const side = margin + tokens.length * cell + 8;
  const label = (token: string, transform: string, anchor: string): Markup =>
    html`<text transform="${transform}" text-anchor="${anchor}" dominant-baseline="central">${shorten(token)}<title>${token}</title></text>`;
  const middle = (index: number): number => margin + (index + 0.5) * cell;
  return html`<div class="scroll"><svg class="large" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}" role="img" aria-label="Attention weights of the selected head, queries down, keys across">
${tokens.map((token, index) => label(token, `translate(${middle(index)} ${margin - 8}) rotate(-90)`, 'start'))}
${tokens.map((token, index) => label(token, `translate(${margin - 8} ${middle(index)})`, 'end'))}
<rect class="ground" x="${margin}" y="${margin}" width="${tokens.length * cell}" height="${tokens.length * cell}"/>
<g class="heat" transform="translate(${margin} ${margin}) scale(${cell})"><use id="chosen" href="#${id}"/></g>
<rect class="cross" id="row" x="${margin}" width="${tokens.length * cell}" height="${cell}"/><rect class="cross" id="column" y="${margin}" width="${cell}" height="${tokens.length * cell}"/>
</svg></div>`;
}

function maps({ tokens, layers }: Attention): Markup {
  const count = layers.reduce((sum, heads) => sum + heads.length, 0);
  const size = Math.min(tokens.length, Math.floor(Math.sqrt(cellBudget / count)));
  const shown = tokens.slice(0, size);
  let best = { layer: 0, head: 0, sharp: -1 };
  layers.forEach((heads, layer) => heads.forEach((weights, head) => {
    const sharp = sharpness(weights, size);
    if (sharp > best.sharp) best = { layer, head, sharp };
  }));
  const nameOf = (layer: number, head: number): string => `Layer ${layer + 1}, head ${head + 1}`;
  const small = (weights: Weights, layer: number, head: number): Markup =>
    html`<button type="button" aria-pressed="${String(layer === best.layer && head === best.head)}" aria-label="${nameOf(layer, head)}" title="${nameOf(layer, head)}" data-head="${layer}-${head}" data-weights="${encode(weights, size)}"><svg class="heat" viewBox="0 0 ${size} ${size}" aria-hidden="true"><g id="head-${layer}-${head}" transform="translate(0 .5)">${heatMap(weights, size)}</g></svg></button>`;
  const widest = layers.reduce((most, heads) => Math.max(most, heads.length), 0);
  const cropped = size < tokens.length ? ` Shown are the first ${size} of the sentence’s ${formatNumber(tokens.length, 0)} tokens.` : '';
  return html`<p class="lead">Where each token looks: a row is a token, its shades say how much it takes from each token of the columns. The head with the sharpest focus is open below; choose any other.${cropped}</p>
<div class="attention" data-attention="${JSON.stringify({ tokens: shown, cell, margin })}">
<div class="scroll heads" style="--heads:${widest}">${layers.map((heads, layer) => html`<div class="layer"><span>Layer ${layer + 1}</span>${heads.map((weights, head) => small(weights, layer, head))}</div>`)}</div>
<figure class="map"><figcaption><h3 id="chosen-name">${nameOf(best.layer, best.head)}</h3><p id="readout" class="note"></p></figcaption>
${largeMap(shown, `head-${best.layer}-${best.head}`)}
<p class="ramp" aria-label="Scale of the shades"><span>0%</span><i></i><span>25%</span><i></i><span>100%</span></p></figure></div>`;
}

/** Every head's attention over one sentence, small, and one of them large. */
export function attentionSection({ attention }: PretrainingReport): Markup | null {
  if (attention === null) return null;
  const empty = attention.tokens.length === 0 || attention.layers.every((heads) => heads.length === 0);
  return html`<section aria-labelledby="attention"><h2 id="attention">Attention</h2>${empty ? html`<p class="empty">No attention was recorded.</p>` : maps(attention)}</section>`;
}
