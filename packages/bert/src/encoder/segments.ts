import { fromTypedArray, type Tensor } from '@strided/tensor';
import type { RelativeContext } from './disentangled.ts';
import type { Packing } from './packing.ts';

/** One sentence of a packed row, and what it knows of the distances of its tokens. */
export interface Segment {
  readonly start: number;
  readonly length: number;
  /** A number added to its scores, broadcast to [1, heads, n, n]; null: nothing. */
  readonly mask: Tensor | null;
  readonly relative: RelativeContext | null;
}

/** The sentences of a packed row: each sees itself alone. */
export interface Segments {
  readonly packing: Packing;
  /** Where each begins, and the end of the last. */
  readonly starts: Int32Array;
  /** Tokens see only those before them. */
  readonly causal: boolean;
  /** One for each sentence with tokens; null where there is nothing to know but the starts. */
  readonly each: readonly Segment[] | null;
}

/**
 * Cuts tables of distances [..., S, S], which hold for the padded batch, to the sentences. What they say of two tokens
 * depends on the distance of their columns alone, so a sentence without gaps has the upper left corner.
 */
export function segmentsOf(packing: Packing, mask: Tensor | null, relative: RelativeContext | null): Segment[] {
  const known = new Map<number, Pick<Segment, 'mask' | 'relative'>>();
  const segments: Segment[] = [];
  for (let sentence = 0; sentence < packing.batch; sentence++) {
    const columns = packing.columns(sentence);
    const { length } = columns;
    if (length === 0) continue;
    const dense = columns[length - 1] - columns[0] === length - 1;
    const own = (dense ? known.get(length) : undefined) ?? tablesOf(mask, relative, columns, dense);
    if (dense) known.set(length, own);
    segments.push({ start: packing.starts[sentence], length, ...own });
  }
  return segments;
}

function tablesOf(mask: Tensor | null, relative: RelativeContext | null, columns: Int32Array, dense: boolean): Pick<Segment, 'mask' | 'relative'> {
  const index = dense ? null : fromTypedArray(columns);
  const cut = (table: Tensor): Tensor => {
    if (index === null) return table.narrow(-2, 0, columns.length).narrow(-1, 0, columns.length);
    return table.indexSelect(-2, index).indexSelect(-1, index);
  };
  return {
    mask: mask === null ? null : cut(mask),
    relative: relative === null ? null : { embeddings: relative.embeddings, toKey: cut(relative.toKey), toQuery: cut(relative.toQuery) },
  };
}
