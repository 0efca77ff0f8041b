import type { ResolvedSettings } from './settings.ts';

/**
 * Changes the scores of the next token of one row in place; −Infinity rules a token out.
 * @param tokens what the row has so far, without padding on its left
 */
export type LogitsProcessor = (scores: Float32Array, tokens: Int32Array) => void;

const banned = -Infinity;

/** Divides the scores above 0 of all tokens that the text has, and multiplies those below (Keskar et al., arXiv 1909.05858). */
export const repetitionPenalty = (penalty: number): LogitsProcessor => (scores, tokens) => {
  for (const token of new Set(tokens)) scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty;
};

/** Rules out whatever would end a run of `size` tokens that the text already has. */
export const noRepeatNgram = (size: number): LogitsProcessor => (scores, tokens) => {
  const prefix = tokens.length + 1 - size;
  for (let start = 0; start + size <= tokens.length; start++) {
    let i = 0;
    while (i < size - 1 && tokens[start + i] === tokens[prefix + i]) i++;
    if (i === size - 1) scores[tokens[start + size - 1]] = banned;
  }
};

/** Rules out some tokens. */
export const without = (banish: readonly number[]): LogitsProcessor => (scores) => {
  for (const token of banish) if (token < scores.length) scores[token] = banned;
};

export const temperature = (by: number): LogitsProcessor => (scores) => {
  for (let i = 0; i < scores.length; i++) scores[i] /= by;
};

/** Keeps the `k` highest scores, and those equal to the last of them. */
export const topK = (k: number): LogitsProcessor => (scores) => {
  if (k < scores.length) keepFrom(scores, scores.slice().sort()[scores.length - k]);
};

/** Keeps the fewest of the likeliest tokens that together have the probability `p` (Holtzman et al., arXiv 1904.09751). */
export const topP = (p: number): LogitsProcessor => (scores) => {
  const ascending = scores.filter((score) => score > banned).sort();
  const top = ascending[ascending.length - 1];
  const total = ascending.reduce((sum, score) => sum + Math.exp(score - top), 0);
  let dropped = 0;
  let first = 0;
  // As transformers does it, from the unlikely end: gone is what together has at most 1 − p.
  while (first < ascending.length - 1 && (dropped += Math.exp(ascending[first] - top) / total) <= 1 - p) first++;
  keepFrom(scores, ascending[first]);
};

/** Keeps tokens at least `p` times as likely as the likeliest. */
export const minP = (p: number): LogitsProcessor => (scores) => {
  const top = scores.reduce((most, score) => Math.max(most, score), banned);
  for (let i = 0; i < scores.length; i++) if (Math.exp(scores[i] - top) < p) scores[i] = banned;
};

function keepFrom(scores: Float32Array, least: number): void {
  for (let i = 0; i < scores.length; i++) if (scores[i] < least) scores[i] = banned;
}

/** What the settings ask for, in the order of transformers; `own` comes before what only drawing needs. */
export function processorsOf(settings: ResolvedSettings, own: readonly LogitsProcessor[]): readonly LogitsProcessor[] {
  const { doSample } = settings;
  return [
    ...(settings.repetitionPenalty === 1 ? [] : [repetitionPenalty(settings.repetitionPenalty)]),
    ...(settings.noRepeatNgramSize === 0 ? [] : [noRepeatNgram(settings.noRepeatNgramSize)]),
    ...own,
    ...(doSample && settings.temperature !== 1 ? [temperature(settings.temperature)] : []),
    ...(doSample && settings.topK > 0 ? [topK(settings.topK)] : []),
    ...(doSample && settings.topP < 1 ? [topP(settings.topP)] : []),
    ...(doSample && settings.minP > 0 ? [minP(settings.minP)] : []),
  ];
}
