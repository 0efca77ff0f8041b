import * as math from '../math';
import { madd } from '../simd';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

const RELU: i32 = 1, GELU: i32 = 2, GELU_TANH: i32 = 3, SILU: i32 = 4, TANH: i32 = 5;

/** Adding −0 changes nothing, not even the sign of a zero: what is added where there is no bias or residual. */
const NEUTRAL = memory.data<f32>([-0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0]);

/** Bytes of scratch: rows of a panel that are not whole, and values that nobody keeps. */
export const EPILOGUE_BYTES: i32 = 256;

/** Whether anything follows the sums. */
// @ts-ignore: decorator
@inline
export function hasEpilogue(product: Product): bool {
  return (product.bias | product.residual | product.kept) != 0 || product.activation != 0 || product.scale != 1;
}

/** Finishes rows of panels of C while they are in the cache: C = activation(scale·C + bias) + residual. */
export function finishPanels(product: Product, c: usize, row: i32, rowsEnd: i32, start: i32, end: i32, scratch: usize): void {
  for (let column = start * TILE_COLUMNS; start < end; start++, column += TILE_COLUMNS) finishPanel(product, c, row, rowsEnd, column, min<i32>(TILE_COLUMNS, product.N - column), scratch);
}

function finishPanel(product: Product, c: usize, row: i32, rowsEnd: i32, column: i32, width: i32, scratch: usize): void {
  const at = <usize>column << 2, bytes = <usize>width << 2;
  let line = c + row * product.cRow + at;
  let bias = product.bias != 0 ? product.bias + at : NEUTRAL;
  const hasResidual = product.residual != 0, keeps = product.kept != 0;
  let residual = hasResidual ? product.residual + row * product.residualRow + at : NEUTRAL;
  let kept = keeps ? product.kept + row * product.keptRow + at : scratch;
  const residualRow = hasResidual ? product.residualRow : 0, keptRow = keeps ? product.keptRow : 0;
  if (width == TILE_COLUMNS) {
    finishRows(product, line, product.cRow, bias, residual, residualRow, kept, keptRow, rowsEnd - row);
    return;
  }
  // A panel at C's edge: each row on its own, in whole registers of scratch memory.
  const values = scratch + 64, addends = scratch + 128, sums = scratch + 192;
  memory.copy(addends, bias, bytes);
  bias = addends;
  for (; row < rowsEnd; row++) {
    memory.copy(values, line, bytes);
    if (hasResidual) memory.copy(sums, residual, bytes);
    finishRows(product, values, 0, bias, hasResidual ? sums : NEUTRAL, 0, scratch, 0, 1);
    memory.copy(line, values, bytes);
    if (keeps) memory.copy(kept, scratch, bytes);
    line += product.cRow;
    residual += residualRow;
    kept += keptRow;
  }
}

function finishRows(product: Product, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, kept: usize, keptRow: isize, rows: i32): void {
  const scale = product.scale, activation = product.activation;
  if (activation == 0) finish(0, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
  else if (activation == RELU) finish(RELU, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
  else if (activation == GELU) finish(GELU, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
  else if (activation == GELU_TANH) finish(GELU_TANH, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
  else if (activation == SILU) finish(SILU, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
  else finish(TANH, scale, c, cRow, bias, residual, residualRow, kept, keptRow, rows);
}

// @ts-ignore: decorator
@inline
function activate(name: i32, x: v128): v128 {
  if (name == RELU) return f32x4.max(x, f32x4.splat(0));
  if (name == GELU) return math.gelu(x);
  if (name == GELU_TANH) return math.geluTanh(x);
  if (name == SILU) return math.silu(x);
  if (name == TANH) return math.tanh(x);
  return x;
}

// `name` is a constant at each call. Two registers at a time, stored as a pair, so that V8 packs them.
// @ts-ignore: decorator
@inline
function finish(name: i32, scale: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, kept: usize, keptRow: isize, rows: i32): void {
  const factor = f32x4.splat(scale);
  for (; rows > 0; rows--, c += cRow, residual += residualRow, kept += keptRow) {
    for (let at: usize = 0; at < <usize>(TILE_COLUMNS * 4); at += 32) {
      const x0 = madd(v128.load(c + at), factor, v128.load(bias + at)), x1 = madd(v128.load(c + at, 16), factor, v128.load(bias + at, 16));
      const y0 = f32x4.add(activate(name, x0), v128.load(residual + at)), y1 = f32x4.add(activate(name, x1), v128.load(residual + at, 16));
      v128.store(kept + at, x0);
      v128.store(kept + at, x1, 16);
      v128.store(c + at, y0);
      v128.store(c + at, y1, 16);
    }
  }
}
