import { packPanel } from './pack';
import { tile, TILE_COLUMNS, TILE_ROWS } from './tile';

/** Values of k that one chain of multiply-adds takes: a panel of B then stays in the first-level cache. Part of the result's definition. */
const BLOCK_K: i32 = 256;
/** The most rows of A that are packed at once (a multiple of both tiles' rows): with BLOCK_K they stay in the second-level cache. */
const BLOCK_ROWS: i32 = 240;

/**
 * One product C [M, N] = A [M, K] · B [K, N], or many of one shape. Addresses and strides are in bytes; C's columns lie
 * side by side. `kernels/wasm/matmul.ts` writes these records.
 */
@unmanaged
export class Product {
  M: i32;
  N: i32;
  K: i32;
  aRow: isize;
  aColumn: isize;
  bRow: isize;
  bColumn: isize;
  cRow: isize;
  /** The addresses of a, b and c of each product, three a product. */
  operands: usize;
  count: i32;
  /** Where B's panels are packed: of each part BYTES(K, N), or one that all parts share. */
  packedB: usize;
  packedBStride: usize;
  /** Of each part: a block of A's panels and one tile. */
  scratch: usize;
  scratchStride: usize;
  /** N values to add to each row of C once it is complete, or 0. */
  bias: usize;
  /** How many columns of B, whole panels, `multiplyColumns` packs before it multiplies them. */
  columnsAtOnce: i32;
}

// @ts-ignore: decorator
@inline
function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Bytes that B's panels take. */
export function packedBytes(K: i32, N: i32): usize {
  return <usize>((N + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS) * <usize>K * 4;
}

/** Bytes of scratch that one part needs beside B's panels. */
export function scratchBytes(K: i32): usize {
  return <usize>(BLOCK_ROWS * min(K, BLOCK_K) + TILE_ROWS * TILE_COLUMNS) * 4 + 64;
}

/** Packs part `part` of `parts` of the panels of the first product's B, for `multiplyPacked`. */
export function packB(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const panels = (product.N + TILE_COLUMNS - 1) / TILE_COLUMNS;
  packColumns(product, load<usize>(product.operands, 4), product.packedB, panels * part / parts, panels * (part + 1) / parts);
}

/** The first product, with B packed: a share of the rows, or of the columns where there are more tiles of those. */
export function multiplyPacked(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const rowTiles = (product.M + TILE_ROWS - 1) / TILE_ROWS;
  const panels = (product.N + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const scratch = product.scratch + part * product.scratchStride;
  const a = load<usize>(product.operands), c = load<usize>(product.operands, 8);
  if (rowTiles > panels) {
    const start = rowTiles * part / parts * TILE_ROWS, end = min(rowTiles * (part + 1) / parts * TILE_ROWS, product.M);
    multiply(product, a, product.packedB, c, start, end, 0, panels, scratch);
  } else {
    multiply(product, a, product.packedB, c, 0, product.M, panels * part / parts, panels * (part + 1) / parts, scratch);
  }
}

/**
 * The first product, B not packed: each part packs and multiplies a share of the columns, a few panels at a time in
 * memory of its own, so that nobody waits for another's panels.
 */
export function multiplyColumns(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const panels = (product.N + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const scratch = product.scratch + part * product.scratchStride;
  const own = product.packedB + part * product.packedBStride;
  const a = load<usize>(product.operands), b = load<usize>(product.operands, 4), c = load<usize>(product.operands, 8);
  const end = panels * (part + 1) / parts, step = product.columnsAtOnce / TILE_COLUMNS;
  for (let panel = panels * part / parts; panel < end; panel += step) {
    const last = min(panel + step, end);
    // Where the first panel of B would lie if they were all there.
    const packed = own - <usize>(panel * TILE_COLUMNS) * product.K * 4;
    packColumns(product, b, packed, panel, last);
    multiply(product, a, packed, c, 0, product.M, panel, last, scratch);
  }
}

/** A share of the products, each from its packing to its end. */
export function multiplyEach(job: usize, part: i32, parts: i32): void {
  const product = changetype<Product>(job);
  const panels = (product.N + TILE_COLUMNS - 1) / TILE_COLUMNS;
  const scratch = product.scratch + part * product.scratchStride;
  const packed = product.packedB + part * product.packedBStride;
  const end = <i32>(<i64>product.count * (part + 1) / parts);
  let last: usize = 0;
  for (let i = <i32>(<i64>product.count * part / parts); i < end; i++) {
    const operands = product.operands + i * 12;
    const b = load<usize>(operands, 4);
    if (b != last) packColumns(product, b, packed, 0, panels);
    last = b;
    multiply(product, load<usize>(operands), packed, load<usize>(operands, 8), 0, product.M, 0, panels, scratch);
  }
}

function packColumns(product: Product, b: usize, packed: usize, start: i32, end: i32): void {
  const K = product.K;
  for (let panel = start; panel < end; panel++) {
    const column = panel * TILE_COLUMNS;
    const target = packed + <usize>column * K * 4;
    packPanel(b + column * product.bColumn, product.bColumn, product.bRow, min(TILE_COLUMNS, product.N - column), K, target, TILE_COLUMNS);
  }
}

/** Rows [rowStart, rowEnd) and panels [panelStart, panelEnd) of C. */
function multiply(product: Product, a: usize, packedB: usize, c: usize, rowStart: i32, rowEnd: i32, panelStart: i32, panelEnd: i32, scratch: usize): void {
  const K = product.K, N = product.N, cRow = product.cRow;
  const edge = scratch;
  const packedA = (scratch + TILE_ROWS * TILE_COLUMNS * 4 + 63) & ~63;
  // Blocks of one size: each reads all of B, which would not pay for a few rows that are left over.
  const tiles = (rowEnd - rowStart + TILE_ROWS - 1) / TILE_ROWS;
  const blocks = (tiles * TILE_ROWS + BLOCK_ROWS - 1) / BLOCK_ROWS;
  for (let block = 0; block < blocks; block++) {
    const rows = rowStart + tiles * block / blocks * TILE_ROWS;
    const rowsEnd = min(rowStart + tiles * (block + 1) / blocks * TILE_ROWS, rowEnd);
    for (let k = 0; k < K; k += BLOCK_K) {
      const depth = min(BLOCK_K, K - k);
      for (let row = rows; row < rowsEnd; row += TILE_ROWS) {
        packPanel(a + row * product.aRow + k * product.aColumn, product.aRow, product.aColumn, min(TILE_ROWS, rowsEnd - row), depth, packedA + (row - rows) * depth * 4, TILE_ROWS);
      }
      for (let panel = panelStart; panel < panelEnd; panel++) {
        const column = panel * TILE_COLUMNS;
        const width = min(TILE_COLUMNS, N - column);
        const b = packedB + (<usize>column * K + k * TILE_COLUMNS) * 4;
        for (let row = rows; row < rowsEnd; row += TILE_ROWS) {
          const height = min(TILE_ROWS, rowsEnd - row);
          const target = c + row * cRow + column * 4;
          const panelA = packedA + (row - rows) * depth * 4;
          if (width == TILE_COLUMNS && height == TILE_ROWS) {
            tile(panelA, b, target, cRow, depth, k == 0);
          } else {
            tile(panelA, b, edge, TILE_COLUMNS * 4, depth, true);
            storeEdge(edge, target, cRow, height, width, k == 0);
          }
        }
      }
    }
    if (product.bias != 0) addBias(product, c, rows, rowsEnd, panelStart * TILE_COLUMNS, min(panelEnd * TILE_COLUMNS, N));
  }
}

/** What follows the sums, while the block is in the cache. */
function addBias(product: Product, c: usize, rows: i32, rowsEnd: i32, columns: i32, columnsEnd: i32): void {
  const bias = product.bias;
  for (let row = rows; row < rowsEnd; row++) {
    const line = c + row * product.cRow;
    let at = <usize>columns << 2;
    const end = <usize>columnsEnd << 2;
    for (; at + 32 <= end; at += 32) {
      const low = f32x4.add(v128.load(line + at), v128.load(bias + at)), high = f32x4.add(v128.load(line + at, 16), v128.load(bias + at, 16));
      v128.store(line + at, low);
      v128.store(line + at, high, 16);
    }
    for (; at < end; at += 4) store<f32>(line + at, load<f32>(line + at) + load<f32>(bias + at));
  }
}

/** The part of a tile that lies inside C. */
function storeEdge(tile: usize, c: usize, cRow: isize, height: i32, width: i32, first: bool): void {
  for (let row = 0; row < height; row++, tile += TILE_COLUMNS * 4, c += cRow) {
    for (let at: usize = 0, end = <usize>width << 2; at < end; at += 4) {
      const sum = load<f32>(tile + at);
      store<f32>(c + at, first ? sum : load<f32>(c + at) + sum);
    }
  }
}
