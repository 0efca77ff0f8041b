import { trusted } from './markup.ts';

/**
 * What a page with charts can do beyond being read: show values under the pointer. It reads data attributes and writes
 * text nodes only, so nothing in the data can become markup.
 */
export const chartScript = trusted(`'use strict';
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
`);
