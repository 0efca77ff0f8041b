/** The baseline that knows how often each token occurs, and nothing of its context. */
export interface Unigram {
  /** ln of each token's probability. */
  readonly logProbabilities: Float32Array;
  /** The token that occurs most. */
  readonly mostFrequent: number;
}

/**
 * (countᵢ + ½) / Σ (count + ½) for the tokens that can be masked; the special ones below `firstOrdinary` share a
 * millionth, because they are never a target.
 */
export function unigram(counts: ArrayLike<number>, firstOrdinary: number): Unigram {
  const logProbabilities = new Float32Array(counts.length);
  let total = 0;
  let mostFrequent = firstOrdinary;
  for (let i = firstOrdinary; i < counts.length; i++) {
    total += counts[i] + 0.5;
    if (counts[i] > counts[mostFrequent]) mostFrequent = i;
  }
  for (let i = 0; i < counts.length; i++) {
    logProbabilities[i] = i < firstOrdinary ? Math.log(1e-6 / firstOrdinary) : Math.log((counts[i] + 0.5) / total);
  }
  return { logProbabilities, mostFrequent };
}
