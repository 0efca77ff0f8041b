import { StridedError } from '@strided/tensor';

/** Chooses a token by its score; `share` is a random number from 0 to below 1. */
export type Choice = (scores: Float32Array, share: number) => number;

/** The token of the highest score, the first of several. @throws StridedError where none can be chosen. */
export const likeliest: Choice = (scores) => {
  let best = 0;
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw new StridedError(`generate: the score of token ${i} is NaN; the model's weights or inputs hold NaN or Infinity`);
    if (scores[i] > scores[best]) best = i;
  }
  if (!Number.isFinite(scores[best])) throw new StridedError(`generate: no token can come next, the highest score is ${scores[best]}; allow more tokens`);
  return best;
};

/** The token that `share`, from 0 to below 1, falls on where each token has the part softmax(scores) of that range. */
export const drawn: Choice = (scores, share) => {
  const top = scores[likeliest(scores, share)];
  let total = 0;
  for (const score of scores) total += Math.exp(score - top);
  let left = share * total;
  let last = 0;
  for (let i = 0; i < scores.length; i++) {
    const part = Math.exp(scores[i] - top);
    if (part === 0) continue;
    left -= part;
    last = i;
    if (left < 0) break;
  }
  return last;
};
