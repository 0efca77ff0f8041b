import { drawFours, drawTwos, masksOf, WORDS_BYTES } from '../draws';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

/** Rows of a panel whose masks are drawn together: a multiple of the rows of a group. */
export const MASK_ROWS: i32 = 16;
/** Bytes for the masks of so many rows, and for the words that they are made from. */
export const MASKS_BYTES: i32 = MASK_ROWS * TILE_COLUMNS * 4 + WORDS_BYTES;

/** The block from which C draws in `row` from `column` on; rows of C are whole blocks. */
// @ts-ignore: decorator
@inline
function blockOf(product: Product, row: i32, column: i32): u64 {
  return ((<u64>product.blockHigh << 32) | <u64>product.blockLow) + <u64>row * <u64>product.rowBlocks + <u64>(column >> 2);
}

/** The masks of `rows` rows of a panel, row by row from `to` on. */
export function drawMasks(product: Product, row: i32, rows: i32, column: i32, to: usize): void {
  const words = to + MASK_ROWS * TILE_COLUMNS * 4, threshold = i32x4.splat(product.threshold);
  const seedLow = product.seedLow, seedHigh = product.seedHigh;
  // Eight blocks are two rows of 16 columns, or four of 8.
  for (const end = row + rows; row < end; row += 32 / TILE_COLUMNS, to += 128) {
    const a = blockOf(product, row, column), b = a + product.rowBlocks;
    if (TILE_COLUMNS == 16) drawFours(seedLow, seedHigh, a, b, words);
    else drawTwos(seedLow, seedHigh, a, b, b + product.rowBlocks, b + 2 * product.rowBlocks, words);
    masksOf(words, threshold, to);
    masksOf(words + 64, threshold, to + 64);
  }
}
