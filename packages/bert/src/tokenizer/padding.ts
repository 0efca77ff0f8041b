import { addedTokens, type Encoding, joinEncodings, mapEncoding } from './encoding.ts';
import type { Side } from './truncation.ts';

/** What is appended (or put before) to make encodings equally long. */
export interface Padding {
  readonly id: number;
  readonly token: string;
  readonly typeId: number;
  readonly side: Side;
}

/** `length`, or the next multiple of `multiple`. */
export function roundUp(length: number, multiple: number | undefined): number {
  return multiple === undefined ? length : Math.ceil(length / multiple) * multiple;
}

/** Pads an encoding and each of its overflows to `length` tokens; longer ones stay. */
export function padEncoding(encoding: Encoding, length: number, padding: Padding): Encoding {
  return mapEncoding(encoding, (one) => {
    const missing = length - one.inputIds.length;
    if (missing <= 0) return one;
    const filler = addedTokens(padding.id, padding.token, padding.typeId, 0, missing);
    return padding.side === 'right' ? joinEncodings(one, filler) : joinEncodings(filler, one);
  });
}
