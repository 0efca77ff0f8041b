import { trusted } from './markup.ts';

/**
 * What the page can do beyond being read: values under the pointer, and another head in the large map. It reads
 * data attributes and writes text nodes only, so nothing in the data can become markup.
 */
export const pageScript = trusted(`'use strict';
const make = (parent, tag, name) => { const node = document.createElement(tag); node.className = name; parent.append(node); return node; };
const write = (y, unit) => unit === 'percent' ? (100 * y).toFixed(1) + '%' : y !== 0 && Math.abs(y) < 0.01 ? y.toExponential(2) : y.toFixed(3);
const nearest = (sorted, x) => {
  let low = 0, high = sorted.length - 1;
  while (low < high) { const middle = (low + high) >> 1; if (sorted[middle] < x) low = middle + 1; else high = middle; }
  return low > 0 && x - sorted[low - 1] < sorted[low] - x ? low - 1 : low;
};
for (const plot of document.querySelectorAll('[data-chart]')) {
  const { min, max, label, unit, curves } = JSON.parse(plot.dataset.chart);
  const hair = make(plot, 'div', 'hair'), tip = make(plot, 'div', 'tip');
  hair.hidden = tip.hidden = true;
  const show = (event) => {
    const box = plot.getBoundingClientRect();
    const pointed = min + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (max - min);
    const found = curves.filter(({ x }) => x.length > 0).map((curve) => ({ curve, at: nearest(curve.x, pointed) }));
    if (found.length === 0) return;
    const far = ({ curve, at }) => Math.abs(curve.x[at] - pointed);
    const x = found.reduce((a, b) => far(b) < far(a) ? b : a), snapped = x.curve.x[x.at], share = (snapped - min) / (max - min);
    hair.hidden = tip.hidden = false;
    hair.style.left = 100 * share + '%';
    tip.replaceChildren();
    make(tip, 'b', '').textContent = label + ' ' + snapped;
    for (const { curve, at } of found) {
      if (Math.abs(curve.x[at] - snapped) > 0.01 * (max - min)) continue;
      const line = make(tip, 'div', '');
      make(line, 'span', curve.tone).textContent = curve.x[at] === snapped ? curve.name : curve.name + ' at ' + curve.x[at];
      make(line, 'b', '').textContent = write(curve.y[at], unit);
    }
    const right = share * box.width + 10, width = tip.offsetWidth;
    tip.style.left = (right + width <= box.width ? right : Math.max(0, right - 20 - width)) + 'px';
  };
  const hide = () => { hair.hidden = tip.hidden = true; };
  plot.addEventListener('pointermove', show);
  plot.addEventListener('pointerdown', show);
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('pointercancel', hide);
}
const attention = document.querySelector('[data-attention]');
if (attention !== null) {
  const { tokens, cell, margin } = JSON.parse(attention.dataset.attention);
  const get = (id) => document.getElementById(id);
  const readout = get('readout'), row = get('row'), column = get('column'), map = attention.querySelector('.large');
  const buttons = attention.querySelectorAll('[data-head]');
  let chosen = attention.querySelector('[aria-pressed=true]');
  const hint = () => { readout.textContent = 'Point at a cell to read its weight.'; row.style.visibility = column.style.visibility = ''; };
  hint();
  for (const button of buttons) button.addEventListener('click', () => {
    chosen.setAttribute('aria-pressed', 'false');
    chosen = button;
    chosen.setAttribute('aria-pressed', 'true');
    get('chosen').setAttribute('href', '#head-' + button.dataset.head);
    get('chosen-name').textContent = button.title;
    hint();
  });
  const point = (event) => {
    const box = map.getBoundingClientRect();
    const query = Math.floor((event.clientY - box.top - margin) / cell), key = Math.floor((event.clientX - box.left - margin) / cell);
    if (!(query in tokens && key in tokens)) return hint();
    const code = chosen.dataset.weights.substr(2 * (query * tokens.length + key), 2);
    const weight = code === '--' ? 'not finite' : (parseInt(code, 36) / 12.95).toFixed(1) + '%';
    readout.textContent = '\\u2068' + tokens[query] + '\\u2069 looks at \\u2068' + tokens[key] + '\\u2069: ' + weight;
    row.setAttribute('y', margin + query * cell);
    column.setAttribute('x', margin + key * cell);
    row.style.visibility = column.style.visibility = 'visible';
  };
  map.addEventListener('pointermove', point);
  map.addEventListener('pointerdown', point);
  map.addEventListener('pointerleave', hint);
}
`);
