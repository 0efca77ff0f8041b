import { DTypeError, fromTypedArray, ShapeError, where, type Tensor } from '@strided/tensor';

/** bool [L, S], true where key j is not after query i, which stands at position `past` + i. Default S: past + L. */
export function offsetCausalMask(L: number, past: number, S = past + L): Tensor<'bool'> {
  const seen = new Uint8Array(L * S);
  for (let i = 0; i < L; i++) seen.fill(1, i * S, i * S + Math.min(S, past + i + 1));
  return fromTypedArray(seen, [L, S], { dtype: 'bool' });
}

/** A mask that also hides padding, bool [..., S] (true: padding), in every head and for every query. */
export function withPadding(mask: Tensor | undefined, padding: Tensor | undefined, S: number): Tensor | undefined {
  if (padding === undefined) return mask;
  if (padding.dtype !== 'bool') throw new DTypeError(`MultiHeadAttention: keyPaddingMask must be bool, not ${padding.dtype}; compare first, for example ids.eq(0)`);
  if (padding.rank < 1 || padding.shape[padding.rank - 1] !== S) {
    throw new ShapeError(`MultiHeadAttention: keyPaddingMask [${padding.shape.join(', ')}] must be [..., ${S}], one value for each of the ${S} keys (those in the cache too)`);
  }
  const visible = padding.logicalNot().reshape([...padding.shape.slice(0, -1), 1, 1, S]);
  if (mask === undefined) return visible;
  return mask.dtype === 'bool' ? visible.logicalAnd(mask) : where(visible, mask, -Infinity);
}
