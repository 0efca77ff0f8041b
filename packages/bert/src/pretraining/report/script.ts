import { chartScript, trusted } from '@strided/nn/charts';

/**
 * What the page can do beyond being read: values under the pointer, and another head in the large map. It reads
 * data attributes and writes text nodes only, so nothing in the data can become markup.
 */
export const pageScript = trusted(`${chartScript.text}const attention = document.querySelector('[data-attention]');
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
