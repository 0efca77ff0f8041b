import { formatPercent, html, type Markup } from '@strided/nn/charts';
import type { PretrainingReport } from './report.ts';

type Fill = PretrainingReport['fills'][number];

const clings = /^(?:##.+|[,.;:!?%)\]}'’”-]+)$/su;
const opens = /^[([{'’“$-]+$/u;
const isSpecial = (token: string): boolean => /^(?:\[[A-Z]+\]|<[a-z]+>)$/.test(token);
const surface = (token: string): string => (token.length > 2 && token.startsWith('##') ? token.slice(2) : token);

/** The sentence as one reads it, pieces of a word together, with the true word in the place of the mask. */
function sentence({ tokens, position, truth }: Fill, rank: number): Markup {
  const shown = tokens.map((token, index) => (index === position ? truth : token));
  const word = (token: string, index: number): Markup => {
    const space = index === 0 || clings.test(token) || opens.test(shown[index - 1]) ? '' : ' ';
    if (index === position) return html`${space}<mark class="${rank === 0 ? 'first' : rank > 0 ? 'among' : 'missed'}">${surface(token)}</mark>`;
    return isSpecial(token) ? html`${space}<span class="special">${token}</span>` : html`${space}<bdi>${surface(token)}</bdi>`;
  };
  return html`<p class="sentence">${shown.map(word)}</p>`;
}

function fillCard(fill: Fill, full: number): Markup {
  const candidates = fill.candidates.slice(0, 5);
  const rank = candidates.findIndex(({ token }) => token === fill.truth);
  const verdict = rank === 0 ? 'guessed first' : rank > 0 ? `guessed ${['', 'second', 'third', 'fourth', 'fifth'][rank]}` : `not among ${candidates.length}`;
  return html`<article class="card fill">${sentence(fill, rank)}
<p class="truth">hidden: <b><bdi>${fill.truth}</bdi></b> · ${verdict}</p>
<ol class="candidates">${candidates.map(({ token, probability }, index) => {
    const width = Number.isFinite(probability) && full > 0 ? Math.min(100, Math.max(0, Math.round((probability / full) * 1000) / 10)) : 0;
    return html`<li${index === rank ? html` class="right"` : null}><bdi>${token}</bdi><i class="bar model"><i style="width:${width}%"></i></i><b>${formatPercent(probability)}</b></li>`;
  })}</ol></article>`;
}

/** Held-out sentences with one word hidden, and what the model thinks it was. */
export function fillsSection({ fills }: PretrainingReport): Markup | null {
  if (fills.length === 0) return null;
  const probabilities = fills.flatMap(({ candidates }) => candidates.map(({ probability }) => probability)).filter(Number.isFinite);
  // One scale for all sentences: a sure guess looks surer than a vague one.
  const full = probabilities.reduce((most, probability) => Math.max(most, probability), 0);
  const ranks = fills.map(({ truth, candidates }) => candidates.slice(0, 5).findIndex(({ token }) => token === truth));
  const first = ranks.filter((rank) => rank === 0).length;
  const among = ranks.filter((rank) => rank >= 0).length;
  return html`<section aria-labelledby="fills"><h2 id="fills">Filled masks</h2>
<p class="lead">Sentences that the model never saw, one word of each hidden. It puts the true word first in ${first} of ${fills.length} and among its top five in ${among}.</p>
<div class="fills">${fills.map((fill) => fillCard(fill, full))}</div></section>`;
}
