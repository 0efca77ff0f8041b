import { epilogueBytes, finishNarrow, finishRows, hasEpilogue, Lines, linesOf, startOf } from './epilogue';
import { packPanels } from './pack';
import { Product } from './record';
import { fetch, tile, tileOfFour, TILE_COLUMNS, TILE_ROWS } from './tile';

/** Values of k that one chain of multiply-adds takes: a panel of B then stays in the first-level cache. Part of the result's definition. */
const BLOCK_K: i32 = 256;
/** The most rows of A that are packed at once: with more, C's rows, which each BLOCK_K goes through again, would not stay in the second-level cache. */
const BLOCK_ROWS: i32 = 132;
const BLOCK_TILES: i32 = BLOCK_ROWS / TILE_ROWS;
/** Values of A that are packed for all of K if they are no more: then each panel of B is met once. */
const BLOCK_A: i32 = BLOCK_ROWS * 768;

/** The most rows of a block of so many values of k, where C is so narrow that its rows still stay in that cache. */
const TALL_ROWS: i32 = BLOCK_A / BLOCK_K;
const NARROW: i32 = 512;

/** Up to so many rows tiles of four are better: within them the next panel is fetched, which takes as long as the products. */
const FEW_ROWS: i32 = WIDE ? 48 : 16;

/** Groups of four lines that are fetched before a tall tile, at least: few long waits for memory cost less than many short ones. */
const LEAST_SHARE: i32 = WIDE ? 6 : 1;

/** Panels of B that are packed together where its rows are dense: lines of far apart rows are then met four at a time. */
const GROUP: i32 = 4;

/** Of a part's scratch: one tile at C's edge, panels of B, then the epilogue's. */
const EDGE_ROW: i32 = TILE_COLUMNS * 4;
const TILE_BYTES: i32 = TILE_ROWS * EDGE_ROW;
const PANEL_BYTES: i32 = BLOCK_K * TILE_COLUMNS * 4;

/**
 * Multiply-adds by which the first part has less to do, its share of them spread over the others: about as long as its
 * thread, the calling one, takes to prepare what comes next while the others finish.
 */
const LEAD: i64 = 3 << 19;

/** The first of `units`, of so many multiply-adds each, of part `part` of `parts`. */
// @ts-ignore: decorator
@inline
function shareFrom(units: i32, each: i64, part: i32, parts: i32): i32 {
  const lead = <i32>min<i64>(units / 24, LEAD / each);
  return max<i32>((units + lead) * part / parts - lead, 0);
}

// @ts-ignore: decorator
@inline
function panelsOf(N: i32): i32 {
  return (N + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

/** Bytes that B's panels take. */
export function packedBytes(K: i32, N: i32): usize {
  return <usize>(panelsOf(N) * TILE_COLUMNS) * <usize>K * 4;
}

/** Bytes of scratch that one part needs beside B's panels. */
export function scratchBytes(K: i32): usize {
  return <usize>min<i32>(TALL_ROWS * K, BLOCK_A) * 4 + TILE_BYTES + GROUP * PANEL_BYTES + epilogueBytes(BLOCK_ROWS) + 64;
}

/** Packs part `part` of `parts` of the panels of the first product's B, for `multiplyPacked`. */
export function packB(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const panels = panelsOf(product.N);
  packColumns(product, load<usize>(product.operands, 4), product.packedB, panels * part / parts, panels * (part + 1) / parts);
}

/** The first product, with B packed: a share of the rows, or of the columns where there are more tiles of those. */
export function multiplyPacked(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const rowTiles = (product.M + TILE_ROWS - 1) / TILE_ROWS;
  const panels = panelsOf(product.N);
  const scratch = product.scratch + part * product.scratchStride;
  if (rowTiles > panels) {
    const each = <i64>TILE_ROWS * product.N * product.K;
    const start = shareFrom(rowTiles, each, part, parts) * TILE_ROWS, end = min<i32>(shareFrom(rowTiles, each, part + 1, parts) * TILE_ROWS, product.M);
    multiply(product, product.operands, product.packedB, start, end, 0, panels, scratch);
  } else {
    multiplyShare(product, product.packedB, panels, part, parts, scratch);
  }
}

/** The first product, B not packed: each part packs and multiplies a share of the columns, so that nobody waits for another's panels. */
export function multiplyColumns(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  multiplyShare(product, 0, panelsOf(product.N), part, parts, product.scratch + part * product.scratchStride);
}

function multiplyShare(product: Product, packedB: usize, panels: i32, part: i32, parts: i32, scratch: usize): void {
  const each = <i64>product.M * TILE_COLUMNS * product.K;
  multiply(product, product.operands, packedB, 0, product.M, shareFrom(panels, each, part, parts), shareFrom(panels, each, part + 1, parts), scratch);
}

/** A share of the products, each from its packing to its end. */
export function multiplyEach(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const panels = panelsOf(product.N);
  const scratch = product.scratch + part * product.scratchStride;
  const packed = product.packedB == 0 ? 0 : product.packedB + part * product.packedBStride;
  const end = <i32>(<i64>product.count * (part + 1) / parts);
  let last: usize = 0;
  for (let i = <i32>(<i64>product.count * part / parts); i < end; i++) {
    const operands = product.operands + i * 12;
    const b = load<usize>(operands, 4);
    if (packed != 0 && b != last) packColumns(product, b, packed, 0, panels);
    last = b;
    multiply(product, operands, packed, 0, product.M, 0, panels, scratch);
  }
}

function packColumns(product: Product, b: usize, packed: usize, start: i32, end: i32): void {
  const K = product.K, column = start * TILE_COLUMNS;
  const panelBytes = <usize>TILE_COLUMNS * K * 4;
  packPanels(b + column * product.bColumn, product.bColumn, product.bRow, min<i32>(end * TILE_COLUMNS, product.N) - column, K, packed + start * panelBytes, TILE_COLUMNS, panelBytes);
}

/**
 * Rows [rowStart, rowEnd) and panels [panelStart, panelEnd) of C. packedB 0: B's panels are packed in scratch.
 *
 * rows    blocks of at most BLOCK_ROWS
 *   k0    all of K where the block's share of A is small, else BLOCK_K at a time: A is packed for them
 *     start, k, panel, row    a panel of C, or a group of them, one tile after the other; then what follows the sums
 */
function multiply(product: Product, operands: usize, packedB: usize, rowStart: i32, rowEnd: i32, panelStart: i32, panelEnd: i32, scratch: usize): void {
  const a = load<usize>(operands), b = load<usize>(operands, 4), c = load<usize>(operands, 8);
  const K = product.K, N = product.N, cRow = product.cRow;
  const edge = (scratch + 63) & ~63;
  const ownPanels = edge + TILE_BYTES, spare = ownPanels + GROUP * PANEL_BYTES, packedA = spare + epilogueBytes(BLOCK_ROWS);
  const finishes = hasEpilogue(product);
  const group = packedB == 0 && product.bColumn == 4 ? GROUP : 1;
  // Blocks of one size: each reads all of B, which would not pay for a few rows that are left over.
  const tiles = (rowEnd - rowStart + TILE_ROWS - 1) / TILE_ROWS;
  // Where A's rows lie side by side, those of k are read in longer runs.
  const most = product.aRow == 4 && !finishes && N <= NARROW ? TALL_ROWS / TILE_ROWS : BLOCK_TILES;
  const blocks = (tiles + most - 1) / most;
  for (let block = 0; block < blocks; block++) {
    const rows = rowStart + tiles * block / blocks * TILE_ROWS;
    const height = min<i32>(rowStart + tiles * (block + 1) / blocks * TILE_ROWS, rowEnd) - rows;
    // The last tiles have four rows, as many as leave none empty, or few.
    const allTiles = (height + TILE_ROWS - 1) / TILE_ROWS;
    const fours = min<i32>(allTiles, (allTiles * TILE_ROWS - height) / (TILE_ROWS - 4));
    let tall = (allTiles - fours) * TILE_ROWS;
    const packedRows = tall + fours * 4;
    if (height <= FEW_ROWS) {
      // As few tall ones as leave no more rows empty.
      let least = 0;
      while (least < tall && least + ((height - least + 3) & ~3) > packedRows) least += TILE_ROWS;
      tall = least;
    }
    const span = packedRows * K <= BLOCK_A ? K : BLOCK_K;
    for (let k0 = 0; k0 < K; k0 += span) {
      const kEnd = min<i32>(k0 + span, K);
      for (let k = k0; k < kEnd; k += BLOCK_K) {
        const depth = min<i32>(BLOCK_K, kEnd - k);
        const from = a + rows * product.aRow + k * product.aColumn, to = packedA + packedRows * (k - k0) * 4;
        packPanels(from, product.aRow, product.aColumn, min<i32>(tall, height), depth, to, TILE_ROWS, TILE_ROWS * depth * 4);
        if (tall < height) packPanels(from + tall * product.aRow, product.aRow, product.aColumn, height - tall, depth, to + tall * depth * 4, 4, 16 * depth);
      }
      for (let start = panelStart; start < panelEnd; start += group) {
        const end = min<i32>(start + group, panelEnd);
        for (let k = k0; k < kEnd; k += BLOCK_K) {
          const depth = min<i32>(BLOCK_K, kEnd - k);
          const first = start * TILE_COLUMNS, panelBytes = TILE_COLUMNS * depth * 4;
          if (packedB == 0) packPanels(b + first * product.bColumn + k * product.bRow, product.bColumn, product.bRow, min<i32>(end * TILE_COLUMNS, N) - first, depth, ownPanels, TILE_COLUMNS, panelBytes);
          for (let panel = start; panel < end; panel++) {
            const column = panel * TILE_COLUMNS;
            const panelB = packedB == 0 ? ownPanels + (panel - start) * panelBytes : packedPanel(product, packedB, column) + k * TILE_COLUMNS * 4;
            // What comes next, where panels lie packed before: the first tile would wait for it.
            const goesOn = k + BLOCK_K < kEnd, last = packedB == 0 || (!goesOn && panel + 1 == panelEnd);
            const next = last ? 0 : goesOn ? panelB + panelBytes : packedPanel(product, packedB, column + TILE_COLUMNS) + k0 * TILE_COLUMNS * 4;
            const nextBytes = last ? 0 : TILE_COLUMNS * 4 * min<i32>(BLOCK_K, goesOn ? kEnd - k - BLOCK_K : kEnd - k0);
            const width = min<i32>(TILE_COLUMNS, N - column);
            const start = k > 0 ? 0 : startOf(product, column, width, spare);
            const lines = finishes && k + depth == K ? changetype<usize>(linesOf(product, c, rows, height, column, spare)) : 0;
            multiplyPanel(packedA + packedRows * (k - k0) * 4, panelB, c + rows * cRow + column * 4, cRow, height, width, tall, packedRows, depth, k == 0, start, edge, next, nextBytes, width == TILE_COLUMNS ? lines : 0);
            if (lines != 0 && width < TILE_COLUMNS) finishNarrow(changetype<Lines>(lines), height, <usize>width << 2, spare);
          }
        }
      }
    }
  }
}

/** Where the packed panel that begins with a column lies. */
// @ts-ignore: decorator
@inline
function packedPanel(product: Product, packedB: usize, column: i32): usize {
  const each = product.columnsEach, bytes = <usize>product.K * 4;
  return each == 0 ? packedB + column * bytes : load<usize>(product.packedEach + (column / each << 2)) + (column % each) * bytes;
}

/**
 * `height` rows of one panel of C: `tall` rows of A in tall tiles, then tiles of four up to `packedRows`. Meanwhile the
 * `aheadBytes` at `ahead` are fetched, four lines at a time: a share before each tall tile, or all along each of four.
 * The sums begin with the row at `start`, if not 0, or unless `first` with what C holds. `lines`, if not 0: what follows
 * the sums of each tile, while the processor is busy with the next.
 */
// @ts-ignore: decorator
@inline
function multiplyPanel(a: usize, b: usize, c: usize, cRow: isize, height: i32, width: i32, tall: i32, packedRows: i32, depth: i32, first: bool, start: usize, edge: usize, ahead: usize, aheadBytes: i32, lines: usize): void {
  const tiles = tall / TILE_ROWS + (packedRows - tall) / 4;
  // From as many pages of 4 KB as there are, that the first lines of all be waited for together. The processor's own
  // prefetching goes on in each, but follows one run of lines in a page.
  const runs = aheadBytes <= 4096 ? 1 : aheadBytes <= 8192 ? 2 : 4;
  const onward = 256 / runs, apart = runs == 1 ? 64 : aheadBytes / runs, across = runs == 4 ? 2 * apart : onward / 2;
  const groups = aheadBytes >> 8;
  // Fetching within a tile waits less than before one, if there is a tile of four.
  const within = height <= FEW_ROWS && tall < packedRows;
  const takers = within ? (packedRows - tall) / 4 : tiles, equal = (groups + takers - 1) / takers;
  const share = within ? equal : min<i32>(max<i32>(equal, LEAST_SHARE), groups);
  const lastShare = ahead + (groups - share) * onward;
  let seen = 0, left = groups;
  for (let row = 0; row < packedRows; ) {
    const isTall = row < tall;
    const step = isTall ? TILE_ROWS : 4;
    const inside = width == TILE_COLUMNS && row + step <= height;
    const to = inside && lines == 0 ? c : edge, toRow = to == edge ? EDGE_ROW : cRow;
    let from = start, fromRow: isize = 0;
    if (!first) {
      from = inside ? c : edge;
      fromRow = inside ? cRow : EDGE_ROW;
      if (!inside) copyRows(c, cRow, min<i32>(step, height - row), <usize>width << 2, edge, EDGE_ROW);
    }
    const fetches = left > 0 && !(within && isTall);
    if (isTall) {
      if (fetches) for (let i = 0; i < share; i++) seen ^= fetch(ahead + i * onward, apart, across);
      tile(a, b, to, toRow, depth, from, fromRow);
    } else if (fetches) seen ^= tileOfFour(a, b, to, toRow, depth, from, fromRow, ahead, apart, across, onward, (depth + share - 1) / share);
    else seen ^= tileOfFour(a, b, to, toRow, depth, from, fromRow, b, 0, 0, 0, depth);
    if (fetches) {
      left -= share;
      ahead = min<usize>(ahead + share * onward, lastShare);
    }
    if (lines != 0) finishRows(changetype<Lines>(lines), min<i32>(step, height - row), edge, EDGE_ROW);
    else if (!inside) copyRows(edge, EDGE_ROW, min<i32>(step, height - row), <usize>width << 2, c, cRow);
    row += step;
    a += step * depth * 4;
    c += step * cRow;
  }
  // What is stored must have been loaded.
  store<i32>(edge, seen);
}

/** Rows of `bytes` each. */
function copyRows(from: usize, fromRow: isize, rows: i32, bytes: usize, to: usize, toRow: isize): void {
  for (; rows > 0; rows--, from += fromRow, to += toRow) {
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
  }
}
