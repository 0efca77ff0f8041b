import type { Tensor } from '@strided/tensor';
import type { Packing } from './packing.ts';

/** Which hidden states a head reads. It decides whether padding can be left out. */
export type Reading =
  /** Each token for itself. */
  | 'tokens'
  /** The first or the last column, or the first token that the mask shows. */
  | 'first' | 'last' | 'firstSeen'
  /** The tokens that the mask shows. */
  | 'shown'
  /** All, padding among them. */
  | 'all';

/** Whether a head that reads this finds all of it among the real tokens. */
export function suffices(packing: Packing, reading: Reading): boolean {
  if (reading === 'first' || reading === 'last') return packing.hasColumn(reading);
  if (reading === 'firstSeen') return packing.everyRow;
  return reading !== 'all';
}

/** What the encoder made of each token: of all in a batch, or of the real ones alone. */
export class TokenStates {
  /** [B, S, hidden], or [1, T, hidden] where `packing` is given. */
  readonly hidden: Tensor;
  readonly packing: Packing | null;

  constructor(hidden: Tensor, packing: Packing | null) {
    this.hidden = hidden;
    this.packing = packing;
  }

  /** What was computed of each token as [B, S, ...], with `fill` at padding where that was left out. */
  padded(x: Tensor, fill = 0): Tensor {
    return this.packing === null ? x : this.packing.spread(x, fill);
  }

  /** What `head` makes of the last columns, `count` or as many as there are: [B, count, ...], 0 at padding where that was left out. */
  lastColumns(count: number, head: (states: Tensor) => Tensor): Tensor {
    const { hidden, packing } = this;
    const length = packing?.length ?? hidden.shape[1], kept = Math.min(count, length);
    if (packing === null) return head(hidden.narrow(1, length - kept, kept));
    const { tokens, packing: last } = packing.lastColumns(kept);
    return last.spread(head(hidden.indexSelect(1, tokens)));
  }

  /** The states in the first or last column [B, hidden]. */
  column(which: 'first' | 'last'): Tensor {
    const { hidden, packing } = this;
    if (packing !== null) return packing.ends(hidden, which);
    return hidden.select(1, which === 'first' ? 0 : hidden.shape[1] - 1);
  }
}
