import { drawMasks, Stream, WORDS_BYTES } from '../draws';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

/** Rows that are drawn together: eight blocks of eight draws. */
const ROWS: i32 = 64 / TILE_COLUMNS;

/** From which block on a lane draws, in rows and in blocks: a row of a panel is two blocks, or one. */
const LANES: usize = WIDE ? memory.data<u32>([0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 0, 1]) : memory.data<u32>([0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0]);

/** Bytes for the masks of so many rows of a panel, and for the words that they are made from. */
// @ts-ignore: decorator
@inline
export function masksBytes(rows: i32): i32 {
  return (rows + ROWS) * TILE_COLUMNS * 4 + WORDS_BYTES;
}

/** The masks of `rows` rows of a panel of C, row by row; rows of C are whole blocks. Returns where they begin. */
export function drawPanel(product: Product, row: i32, rows: i32, column: i32, scratch: usize): usize {
  const stream = changetype<Stream>(changetype<usize>(product) + offsetof<Product>('threshold'));
  const each = i32x4.splat(product.rowBlocks), across = v128.load(LANES, 32);
  const lanes0 = i32x4.add(i32x4.mul(v128.load(LANES), each), across), lanes1 = i32x4.add(i32x4.mul(v128.load(LANES, 16), each), across);
  const masks = scratch + WORDS_BYTES;
  for (let to = masks, end = row + rows; row < end; row += ROWS, to += 256) {
    const first = i32x4.splat(row * product.rowBlocks + (column >> 3));
    drawMasks(stream, i32x4.add(first, lanes0), i32x4.add(first, lanes1), scratch, to);
  }
  return masks;
}
