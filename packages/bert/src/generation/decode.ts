import { fromTypedArray, noGrad, type Tensor } from '@strided/tensor';
import type { Choice } from './choice.ts';
import { without, type LogitsProcessor } from './processors.ts';
import type { ResolvedSettings } from './settings.ts';
import type { TokenTable } from './tokenTable.ts';

export interface Decoding {
  /** What there is so far; grows by a column a step. */
  readonly tokens: TokenTable;
  /** How much padding stands on the left of each row. */
  readonly padding: readonly number[];
  readonly settings: ResolvedSettings;
  readonly processors: readonly LogitsProcessor[];
  readonly choice: Choice;
  /** Random numbers from 0 to below 1. */
  readonly uniform: () => number;
  /** Logits of the next token [rows, vocabulary]. */
  readonly next: (tokens: TokenTable) => Tensor;
  /** Takes what was computed, where someone wants to have it [rows, vocabulary]. */
  readonly record: ((logits: Tensor, scores: Tensor) => void) | null;
}

/**
 * Adds a token to every row, again and again, until each has come to its end or the length is reached; a row that is at its
 * end gets padding. Gives the new tokens of each step.
 */
export function* decode({ tokens, padding, settings, processors, choice, uniform, next, record }: Decoding): IterableIterator<Int32Array> {
  const finished = new Uint8Array(tokens.rows);
  const notYet = without(settings.eos);
  while (tokens.length < settings.maxLength && finished.includes(0)) {
    const logits = noGrad(() => next(tokens));
    const scores = Float32Array.from(logits.toTypedArray());
    const width = scores.length / tokens.rows;
    const column = new Int32Array(tokens.rows).fill(settings.pad);
    for (let row = 0; row < tokens.rows; row++) {
      // Each row has its number in each step, so that what it draws does not hang on when others end.
      const share = settings.doSample ? uniform() : 0;
      if (finished[row] === 1 && record === null) continue;
      const own = scores.subarray(row * width, (row + 1) * width);
      if (tokens.length < settings.minLength) notYet(own, tokens.row(row));
      for (const process of processors) process(own, tokens.row(row, padding[row]));
      if (finished[row] === 0) column[row] = choice(own, share);
    }
    record?.(logits, fromTypedArray(scores, logits.shape));
    tokens.push((row) => column[row]);
    for (let row = 0; row < tokens.rows; row++) if (settings.eos.includes(column[row])) finished[row] = 1;
    yield column;
  }
}
