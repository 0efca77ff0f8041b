import { DTypeError, fromTypedArray, ShapeError, type Tensor } from '@strided/tensor';
import { DistanceTables } from './distanceTables.ts';

/** The most negative float32, which transformers adds to the score of what may not be seen. */
const hidden = -3.4028234663852886e38;

/** What each query may see. */
export interface Visibility {
  /** A number added to its scores, broadcast to [B, heads, L, S]; null: everything is seen. */
  readonly mask: Tensor | null;
  /**
   * 1 for a query that may see nothing, else 0: [B, 1, L or 1, 1]; null: there is none. The same number is added to all its
   * scores, which drowns what they were: it sees all keys equally, while gradients flow through its scores as if they had
   * been used. Some losses look at such queries (question answering, at padding).
   */
  readonly blind: Tensor | null;
}

export const everything: Visibility = { mask: null, blind: null };

/** What a mask hides keys of. */
interface MaskedScores {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
}

/**
 * The mask of keys: [B, S] (0 or false: not seen), [B, L, S] for each query, or [B, heads or 1, L or 1, S]. null where it
 * hides nothing.
 * @throws ShapeError for another shape, DTypeError for floats with four axes.
 */
export function visibleKeys(mask: Tensor | null, { batch, heads, queries, keys }: MaskedScores): Tensor<'bool'> | null {
  if (mask === null) return null;
  const { shape } = mask;
  const [length] = shape.slice(-1);
  const [head, query] = [shape.length === 4 ? shape[1] : 1, shape.length > 2 ? shape[shape.length - 2] : 1];
  const fits = shape.length > 1 && shape.length < 5 && shape[0] === batch && (head === 1 || head === heads) && (query === 1 || query === queries) && length === keys;
  if (!fits) {
    throw new ShapeError(`attentionMask: must be [batch, length] = [${batch}, ${keys}] (or [batch, queries, ${keys}] with ${queries} queries, or [batch, heads, queries, ${keys}] with ${heads} heads; both may be 1), not [${shape.join(', ')}]`);
  }
  if (shape.length === 4 && (mask.dtype === 'float32' || mask.dtype === 'float64')) {
    throw new DTypeError(`attentionMask: a ${mask.dtype} mask of four axes could mean what is added to scores (0: seen) as well as what is seen (0: hidden); give a bool one, mask.ge(0) or mask.ne(0)`);
  }
  if (!mask.toTypedArray().includes(0)) return null;
  return mask.ne(0).reshape([batch, head, query, keys]);
}

/** bool [length, length]: key j is visible to query i. */
function visiblePairs(length: number, visible: (i: number, j: number) => boolean): { readonly visible: Tensor } {
  const table = new Uint8Array(length * length);
  for (let i = 0; i < length; i++) for (let j = 0; j < length; j++) table[i * length + j] = Number(visible(i, j));
  return { visible: fromTypedArray(table, [length, length], { dtype: 'bool' }) };
}

/** Which pairs of tokens see each other by their places alone, as bool [1, 1, queries, keys]; the tables are made once for all lengths. */
export class VisiblePairs {
  readonly #causal = new DistanceTables<'visible'>();
  readonly #window = new DistanceTables<'visible'>();

  /** Key j is not after query i, which stands behind `past` others; null where that is all of them. */
  causal(length: number, past = 0): Tensor<'bool'> | null {
    if (length === 1) return null;
    const { visible } = this.#causal.upTo(past + length, (most) => visiblePairs(most, (i, j) => j <= i));
    return four(visible.narrow(0, past, length));
  }

  /** Key j is at most `window` away from query i; null where that is all of them. */
  window(length: number, window: number): Tensor<'bool'> | null {
    if (length <= window + 1) return null;
    return four(this.#window.upTo(length, (most) => visiblePairs(most, (i, j) => Math.abs(i - j) <= window)).visible);
  }
}

const four = (table: Tensor): Tensor<'bool'> => table.unsqueeze(0).unsqueeze(0) as Tensor<'bool'>;

/** What is visible by all of the masks. */
export function together(...masks: readonly (Tensor<'bool'> | null)[]): Tensor<'bool'> | null {
  return masks.reduce<Tensor<'bool'> | null>((all, mask) => (all === null || mask === null ? all ?? mask : all.logicalAnd(mask)), null);
}

/** What a mask leaves to be seen. */
export function visibility(visible: Tensor<'bool'> | null): Visibility {
  if (visible === null) return everything;
  const sees = visible.any(-1, { keepDims: true });
  const blind = sees.toTypedArray().includes(0) ? sees.logicalNot() : null;
  const seen = blind === null ? visible : visible.logicalOr(blind);
  return { mask: seen.logicalNot().cast('float32').mul(hidden), blind: blind === null ? null : blind.cast('float32') };
}

/** x without its value where a query is blind, but with its gradient. */
export const drowned = (x: Tensor, blind: Tensor | null): Tensor => (blind === null ? x : x.sub(x.detach().mul(blind)));
