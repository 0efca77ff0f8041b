import { madd } from '../simd';
import { GELU, GELU_TANH, inner, NONE, outer, RELU, SILU, slope, TANH, value } from './activation';
import { drawMasks, MASK_ROWS, MASKS_BYTES } from './masks';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

/** Adding −0 changes nothing, not even the sign of a zero: what is added where there is no bias or residual. */
const NEUTRAL = memory.data<f32>([-0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0]);
/** The masks where nothing is dropped. */
const ALL = memory.data<i32>([-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]);

/** Bytes of scratch: four rows of a panel that are not whole, then masks. */
export const EPILOGUE_BYTES: i32 = 256 + MASKS_BYTES;

// @ts-ignore: decorator
@inline
function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** Whether anything follows the sums. */
// @ts-ignore: decorator
@inline
export function hasEpilogue(product: Product): bool {
  return (product.bias | product.residual | product.slope) != 0 || (product.activation | product.threshold) != 0 || product.scale != 1;
}

/** Finishes rows of panels of C while they are in the cache: C = dropout(activation(scale·C + bias)) + residual. */
export function finishPanels(product: Product, c: usize, row: i32, rowsEnd: i32, start: i32, end: i32, scratch: usize): void {
  for (let column = start * TILE_COLUMNS; start < end; start++, column += TILE_COLUMNS) {
    const width = min(TILE_COLUMNS, product.N - column), masks = scratch + 256;
    // Rows whose masks are drawn together.
    const step = product.threshold != 0 ? MASK_ROWS : rowsEnd - row;
    for (let at = row; at < rowsEnd; at += step) {
      const rows = min(step, rowsEnd - at);
      if (product.threshold != 0) drawMasks(product, at, rows, column, masks);
      finishPanel(product, c, at, rows, column, width, product.threshold != 0 ? masks : ALL, scratch);
    }
  }
}

function finishPanel(product: Product, c: usize, row: i32, rows: i32, column: i32, width: i32, masks: usize, scratch: usize): void {
  const at = <usize>column << 2, bytes = <usize>width << 2, maskRow = masks == ALL ? 0 : TILE_COLUMNS * 4;
  const hasResidual = product.residual != 0, keeps = product.slope != 0;
  let line = c + row * product.cRow + at;
  let residual = hasResidual ? product.residual + row * product.residualRow + at : NEUTRAL;
  let slopes = product.slope + row * product.slopeRow + at;
  const bias = product.bias != 0 ? product.bias + at : NEUTRAL;
  if (width == TILE_COLUMNS) {
    finishRows(product, line, product.cRow, bias, residual, hasResidual ? product.residualRow : 0, keeps ? slopes : 0, product.slopeRow, masks, maskRow, rows);
    return;
  }
  // A panel at C's edge: each row on its own, in whole registers of scratch memory.
  const values = scratch, biases = scratch + 64, addends = scratch + 128, own = scratch + 192;
  memory.copy(biases, bias, bytes);
  for (; rows > 0; rows--) {
    memory.copy(values, line, bytes);
    if (hasResidual) memory.copy(addends, residual, bytes);
    finishRows(product, values, 0, biases, hasResidual ? addends : NEUTRAL, 0, keeps ? own : 0, 0, masks, 0, 1);
    memory.copy(line, values, bytes);
    if (keeps) memory.copy(slopes, own, bytes);
    line += product.cRow;
    residual += product.residualRow;
    slopes += product.slopeRow;
    masks += maskRow;
  }
}

/** Where the rows of each operand begin, and how far apart they lie; `slopes` 0: they are not kept. */
function finishRows(product: Product, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void {
  const activation = product.activation, scale = product.scale, kept = product.dropScale;
  if (slopes == 0) {
    if (activation == NONE) finishPlain(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
    else if (activation == RELU) finishRelu(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
    else if (activation == GELU) finishGelu(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
    else if (activation == GELU_TANH) finishGeluTanh(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
    else if (activation == SILU) finishSilu(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
    else finishTanh(scale, kept, c, cRow, bias, residual, residualRow, masks, maskRow, rows);
  } else if (activation == NONE) keepPlain(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
  else if (activation == RELU) keepRelu(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
  else if (activation == GELU) keepGelu(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
  else if (activation == GELU_TANH) keepGeluTanh(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
  else if (activation == SILU) keepSilu(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
  else keepTanh(scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows);
}

/*
 * One function for each activation: V8 packs pairs of registers only in loops whose body is one basic block, each pair
 * of stores after all loads.
 */

function finishPlain(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(NONE, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function finishRelu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(RELU, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function finishGelu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(GELU, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function finishGeluTanh(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(GELU_TANH, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function finishSilu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(SILU, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function finishTanh(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(TANH, false, scale, kept, c, cRow, bias, residual, residualRow, 0, 0, masks, maskRow, rows); }
function keepPlain(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(NONE, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }
function keepRelu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(RELU, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }
function keepGelu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(GELU, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }
function keepGeluTanh(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(GELU_TANH, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }
function keepSilu(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(SILU, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }
function keepTanh(scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void { finish(TANH, true, scale, kept, c, cRow, bias, residual, residualRow, slopes, slopeRow, masks, maskRow, rows); }

// `name` and `keeps` are constants at each call; all of a row of the panel is loaded before any of it is stored.
// @ts-ignore: decorator
@inline
function finish(name: i32, keeps: bool, scale: f32, kept: f32, c: usize, cRow: isize, bias: usize, residual: usize, residualRow: isize, slopes: usize, slopeRow: isize, masks: usize, maskRow: isize, rows: i32): void {
  const factor = f32x4.splat(scale), spared = f32x4.splat(kept);
  for (; rows > 0; rows--, c += cRow, residual += residualRow, slopes += slopeRow, masks += maskRow) {
    const x0 = sum(c, factor, bias, 0), x1 = sum(c, factor, bias, 16);
    const inner0 = inner(name, x0), inner1 = inner(name, x1);
    const outer0 = outer(name, x0, inner0), outer1 = outer(name, x1, inner1);
    const mask0 = v128.load(masks), mask1 = v128.load(masks, 16);
    const y0 = f32x4.add(spare(value(name, x0, inner0, outer0), spared, mask0), v128.load(residual));
    const y1 = f32x4.add(spare(value(name, x1, inner1, outer1), spared, mask1), v128.load(residual, 16));
    if (TILE_COLUMNS == 8) {
      if (keeps) {
        const s0 = spare(slope(name, x0, inner0, outer0), spared, mask0), s1 = spare(slope(name, x1, inner1, outer1), spared, mask1);
        v128.store(slopes, s0);
        v128.store(slopes, s1, 16);
      }
      v128.store(c, y0);
      v128.store(c, y1, 16);
    } else {
      const x2 = sum(c, factor, bias, 32), x3 = sum(c, factor, bias, 48);
      const inner2 = inner(name, x2), inner3 = inner(name, x3);
      const outer2 = outer(name, x2, inner2), outer3 = outer(name, x3, inner3);
      const mask2 = v128.load(masks, 32), mask3 = v128.load(masks, 48);
      const y2 = f32x4.add(spare(value(name, x2, inner2, outer2), spared, mask2), v128.load(residual, 32));
      const y3 = f32x4.add(spare(value(name, x3, inner3, outer3), spared, mask3), v128.load(residual, 48));
      if (keeps) {
        const s0 = spare(slope(name, x0, inner0, outer0), spared, mask0), s1 = spare(slope(name, x1, inner1, outer1), spared, mask1);
        const s2 = spare(slope(name, x2, inner2, outer2), spared, mask2), s3 = spare(slope(name, x3, inner3, outer3), spared, mask3);
        v128.store(slopes, s0);
        v128.store(slopes, s1, 16);
        v128.store(slopes, s2, 32);
        v128.store(slopes, s3, 48);
      }
      v128.store(c, y0);
      v128.store(c, y1, 16);
      v128.store(c, y2, 32);
      v128.store(c, y3, 48);
    }
  }
}

// @ts-ignore: decorator
@inline
function sum(c: usize, factor: v128, bias: usize, at: usize): v128 {
  return madd(v128.load(c + at), factor, v128.load(bias + at));
}

/** What dropout leaves of y. */
// @ts-ignore: decorator
@inline
function spare(y: v128, spared: v128, mask: v128): v128 {
  return v128.and(f32x4.mul(y, spared), mask);
}
