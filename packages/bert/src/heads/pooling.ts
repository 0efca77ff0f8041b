import { fromTypedArray, ShapeError, type Tensor } from '@strided/tensor';
import type { Reading, TokenStates } from '../encoder/tokenStates.ts';
import type { Pooling } from './spec.ts';

/** A mask that says of each token whether it counts. */
function ofTokens(mask: Tensor): Tensor {
  if (mask.rank === 2) return mask;
  throw new ShapeError(`attentionMask: this head looks at the tokens that a mask [batch, length] shows, and [${mask.shape.join(', ')}] shows other tokens to each query; take the states of the model without a head, and choose of them`);
}

/** 1 for each token that the mask shows [B, S, 1]; without a mask, for all. */
function shown(hidden: Tensor, mask: Tensor | null): Tensor {
  const [batch, length] = hidden.shape;
  return mask === null ? hidden.detach().select(2, 0).mul(0).add(1).unsqueeze(-1) : ofTokens(mask).reshape([batch, length, 1]).ne(0).cast(hidden.dtype);
}

/** The mean of x [B, S, C] over the tokens that the mask shows: [B, C]. */
export function meanOfShown(x: Tensor, mask: Tensor | null): Tensor {
  const weights = shown(x, mask);
  return x.mul(weights).sum(1).div(weights.sum(1));
}

/** Which hidden states that is made of. */
export const readingOf: Readonly<Record<Pooling, Reading>> = {
  tokens: 'tokens', pooler: 'first', first: 'first', last: 'last', firstSeen: 'firstSeen', mean: 'shown', meanOfAll: 'all', late: 'shown',
};

/** Hidden states (and for 'pooler' the body's [B, H]) as what a classifier looks at. */
export function pool(kind: Pooling, states: TokenStates, mask: Tensor | null, pooled: Tensor | null): Tensor {
  const { hidden } = states;
  if (kind === 'tokens' || kind === 'late') return hidden;
  if (kind === 'pooler' && pooled !== null) return pooled;
  if (kind === 'last') return states.column('last');
  if (kind === 'mean') return meanOfShown(states.padded(hidden), mask);
  if (kind === 'meanOfAll') return hidden.mean(1);
  if (kind !== 'firstSeen' || mask === null || states.packing !== null) return states.column('first');
  const first = ofTokens(mask).cast('int32').argmax(1).toTypedArray();
  const [batch, length, width] = hidden.shape;
  const rows = Int32Array.from(first, (token, row) => row * length + token);
  return hidden.reshape([batch * length, width]).indexSelect(0, fromTypedArray(rows));
}
