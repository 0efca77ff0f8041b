import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, html, trusted } from '@strided/nn/charts';
import { pretrainingReport, type PretrainingReport } from './report.ts';
import { pageScript } from './script.ts';

const voids = new Set(['meta', 'path', 'rect', 'use']);

/** A strict reading of a page: every tag with its attributes' names, in order. Throws where a `<` or a quote stands that is not markup, or tags do not pair. */
function tagsOf(page: string): string[] {
  const tag = /<(\/?)([a-z]+[1-6]?)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*(\/?)>/y;
  const tags: string[] = [];
  const open: string[] = [];
  for (let at = page.indexOf('<', 1); at >= 0; at = page.indexOf('<', tag.lastIndex)) {
    tag.lastIndex = at;
    const found = tag.exec(page);
    if (found === null) throw new Error(`not a tag: ${page.slice(at, at + 60)}`);
    const [, closing, name, attributes, selfClosing] = found;
    if (closing === '/') {
      const opened = open.pop();
      if (opened !== name) throw new Error(`</${name}> closes <${opened ?? ''}>`);
      continue;
    }
    tags.push(`${name}${attributes.replace(/="[^"]*"/g, '').replace(/\s+/g, ' ')}`);
    if (selfClosing === '' && !voids.has(name)) open.push(name);
    if (name === 'script' || name === 'style') tag.lastIndex = page.indexOf(`</${name}>`, tag.lastIndex);
  }
  if (open.length > 0) throw new Error(`never closed: ${open.join(' ')}`);
  return tags;
}

/** A full report whose every string is made by `text`. */
function reportOf(text: (word: string) => string, steps = 30): PretrainingReport {
  const tokens = ['alpha', 'beta', 'gamma'].map(text);
  return {
    title: text('title'),
    settings: [[text('label'), text('value')]],
    curve: Array.from({ length: steps }, (_, i) => ({ step: i + 1, loss: 7 - i / 50, maskedLmLoss: 6.3 - i / 50, nextSentenceLoss: 0.7, lr: 1e-3, seconds: i })),
    evaluations: [{ step: 10, loss: 6, accuracy: 0.1 }, { step: 30, loss: 5.9, accuracy: 0.12 }],
    result: { heldOutLoss: 5.9, unigramLoss: 6.4, heldOutAccuracy: 0.12, unigramAccuracy: 0.06, nextSentenceAccuracy: 0.6 },
    fills: [{ tokens, position: 1, truth: text('beta'), candidates: [{ token: text('delta'), probability: 0.5 }, { token: text('beta'), probability: 0.25 }] }],
    attention: { tokens, layers: [[[[1, 0, 0], [0.25, 0.5, 0.25], [0, 0, 1]], [[1, 0, 0], [0.5, 0.5, 0], [0.3, 0.3, 0.4]]]] },
  };
}

const benign = reportOf((word) => word);
const hostile = [
  '</script><img src=x onerror=alert(1)>', '<script>alert(1)</script>', '"><svg onload=alert(1)>', "' onmouseover='alert(1)", '</title><h1>', '</style>',
  '<!--', '-->', ']]>', '&lt;img&gt;', '&#60;b&#62;', '\u0000\u0007\u001b[31m', '\ud800', '\u202e\u2066evil', '${alert(1)}', '`', '\u2028', 'x'.repeat(500), '__proto__',
];

describe('pretrainingReport', () => {
  it.each(hostile)('takes %j as text everywhere', (text) => {
    const page = pretrainingReport(reportOf((word) => `${word}${text}`));
    expect(tagsOf(page)).toEqual(tagsOf(pretrainingReport(benign)));
    // eslint-disable-next-line no-control-regex -- HTML forbids them
    expect(page).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  });

  it('is well formed whatever the strings are', () => {
    const known = new Set([...tagsOf(pretrainingReport(benign)), 'span class', 'bdi']);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(tagsOf(pretrainingReport(reportOf((word) => text + word))).filter((tag) => !known.has(tag))).toEqual([]);
    }));
  });

  it('loads nothing, and forbids loading', () => {
    const page = pretrainingReport(benign);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/https?:|\bsrc=|url\(|@import|<link/);
    expect(Array.from(page.matchAll(/href="([^"]*)"/g), ([, href]) => href)).toEqual(['#head-0-0']);
  });

  it('says what it was told', () => {
    const page = pretrainingReport(benign);
    for (const said of ['0.500 nats better than unigram', '6.0 points better than unigram', '10.0 points better than coin toss', 'guessed second', 'first in 0 of 1 and among its top five in 1', '30 steps in 29.0 seconds', 'unigram baseline 6.40', 'coin toss 0.69', 'Layer 1, head 2']) {
      expect(page).toContain(said);
    }
    expect(pretrainingReport({ ...benign, result: { ...benign.result, heldOutLoss: 6.5 } })).toContain('0.100 nats worse than unigram');
    expect(pretrainingReport({ ...benign, result: { ...benign.result, heldOutLoss: 6.4 } })).toContain('the same as unigram');
  });

  it('is the same bytes for the same report', () => {
    expect(pretrainingReport(reportOf((word) => word))).toBe(pretrainingReport(benign));
  });

  it('takes a run of one step without evaluation, and of none', () => {
    const bare = { ...benign, settings: [], evaluations: [], fills: [], attention: null };
    for (const curve of [benign.curve.slice(0, 1), []]) tagsOf(pretrainingReport({ ...bare, curve }));
    const none = pretrainingReport({ ...bare, curve: [] });
    expect(none).toContain('No step was recorded.');
    expect(none).not.toMatch(/Filled masks|Attention<|Learning rate/);
  });

  it('takes lists that are empty inside', () => {
    const fills = [{ tokens: [], position: 0, truth: '', candidates: [] }, { tokens: ['a'], position: 7, truth: 'b', candidates: [] }];
    for (const attention of [{ tokens: [], layers: [[[]]] }, { tokens: ['a'], layers: [] }, { tokens: ['a'], layers: [[], []] }]) {
      const page = pretrainingReport({ ...benign, fills, attention });
      tagsOf(page);
      expect(page).toContain('No attention was recorded.');
    }
    expect(tagsOf(pretrainingReport({ ...benign, attention: { tokens: ['a', 'b'], layers: [[[[1]], []], [[]]] } })).filter((tag) => tag.startsWith('button'))).toHaveLength(3);
  });

  it.each([Number.NaN, Infinity, -Infinity, 1e308, -1e308, 5e-324])('draws around %d in any place', (odd) => {
    const every = <T extends object>(row: T): T => Object.fromEntries(Object.entries(row).map(([key, entry]) => [key, typeof entry === 'number' && key !== 'step' ? odd : entry])) as T;
    const page = pretrainingReport({
      ...benign,
      curve: benign.curve.map((row, i) => (i % 3 === 0 ? every(row) : row)),
      evaluations: benign.evaluations.map(every),
      result: every(benign.result),
      fills: benign.fills.map((fill) => ({ ...fill, candidates: fill.candidates.map(every) })),
      attention: { tokens: ['a', 'b'], layers: [[[[odd, 1], [0, odd]]]] },
    });
    tagsOf(page);
    for (const [, drawn] of page.matchAll(/\s(?:d|style|opacity|transform|data-chart|viewBox|width|height|x|y)="([^"]*)"/g)) expect(drawn).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(page).not.toContain('undefined');
  });

  it('leaves next-sentence charts and cards out where there was none', () => {
    const { nextSentenceAccuracy: _, ...result } = benign.result;
    const page = pretrainingReport({ ...benign, result, curve: benign.curve.map((row) => ({ ...row, nextSentenceLoss: Number.NaN })) });
    expect(page).not.toContain('Next-sentence');
  });

  it('puts pieces of words together and punctuation to its word', () => {
    const tokens = '[CLS] america \' s nec ##essary ( good ) word ##s . [SEP]'.split(' ');
    const page = pretrainingReport({ ...benign, fills: [{ tokens, position: 5, truth: '##essary', candidates: [] }], attention: null });
    const sentence = /<p class="sentence">(.*?)<\/p>/.exec(page)?.[1].replace(/<[^>]*>/g, '');
    expect(sentence).toBe('[CLS] america&#39;s necessary (good) words. [SEP]');
  });

  it('stays below a megabyte with a large model, a long sentence and a long training, and says what it left out', () => {
    const tokens = Array.from({ length: 128 }, (_, i) => `token${i}`);
    const head = tokens.map((_q, q) => tokens.map((_k, k) => Math.abs(Math.sin(q * q * 7.1 + k * k * 13.7))));
    const layers = Array.from({ length: 12 }, () => Array.from({ length: 12 }, () => head));
    const long = reportOf((word) => word, 100_000);
    const curve = long.curve.map((row, i) => ({ ...row, maskedLmLoss: 6 + Math.sin(i * i), nextSentenceLoss: Math.cos(i * i) + 2 }));
    const page = pretrainingReport({ ...long, curve, attention: { tokens, layers } });
    expect(page.length).toBeLessThan(1_000_000);
    expect(page).toContain('the first 20 of the sentence’s 128 tokens');
  });

  it('hands the script each weight, and draws it in its shade', () => {
    const page = pretrainingReport(benign);
    const weights = Array.from(page.matchAll(/data-weights="([^"]*)"/g), ([, codes]) => Array.from(codes.matchAll(/../g), ([code]) => Number.parseInt(code, 36) / 1295));
    expect(weights).toHaveLength(2);
    [1, 0, 0, 0.25, 0.5, 0.25, 0, 0, 1].forEach((weight, i) => expect(Math.abs(weights[0][i] - weight)).toBeLessThan(4e-4));
    expect(page).toContain('<path opacity="0.5" d="M0 1h1M2 1h1"/>');
    expect(page).toContain('<path opacity="1" d="M0 0h1M2 2h1"/>');
    // The rows are strokes, moved down by half their width: once, also where the large map uses the small one.
    expect(page.match(/<g[^>]* transform="[^"]*"/g)).toEqual([
      '<g id="head-0-0" transform="translate(0 .5)"', '<g id="head-0-1" transform="translate(0 .5)"', '<g class="heat" transform="translate(112 112) scale(22)"',
    ]);
  });

  it('leaves the cells of weights that are missing or not finite empty, and tells the script', () => {
    const page = pretrainingReport({ ...benign, attention: { tokens: ['a', 'b', 'c'], layers: [[[[Number.NaN, 1], [2, -1, Infinity]]]] } });
    expect(page).toContain('data-weights="--zz--zz00--------"');
    expect(page).toContain('<path opacity="1" d="M1 0h1M0 1h1"/>');
  });

  it('has a script that is JavaScript and does not end its element', () => {
    // eslint-disable-next-line no-new-func -- parses it, does not run it
    expect(() => new Function(pageScript.text)).not.toThrow();
    expect(pageScript.text).not.toMatch(/<\/|<!--|innerHTML/);
  });
});

describe('html', () => {
  it('escapes every hole but markup', () => {
    expect(html`<p title="${'"'}">${'<'}${1}${null}${[html`<b>${"'"}</b>`, '&']}${trusted('<i>')}</p>`.text).toBe('<p title="&quot;">&lt;1<b>&#39;</b>&amp;<i></p>');
  });

  it('does not take what only looks like markup', () => {
    expect(escapeHtml('</script>\u0000\t\n')).toBe('&lt;/script&gt;\ufffd\t\n');
  });
});
