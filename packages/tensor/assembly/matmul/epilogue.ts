import { madd } from '../simd';
import { GELU, GELU_TANH, inner, NONE, outer, RELU, SILU, slope, TANH, value } from './activation';
import { drawMasks, MASK_ROWS, MASKS_BYTES } from './masks';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

/** Adding −0 changes nothing, not even the sign of a zero: what is added where there is no bias or residual. */
const NEUTRAL = memory.data<f32>([-0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0]);
/** The masks where nothing is dropped. */
const ALL = memory.data<i32>([-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]);

/** Rows of one panel that are finished together: where each operand's first row begins, and how far apart they lie. */
@unmanaged
class Lines {
  rows: i32;
  scale: f32;
  dropScale: f32;
  c: usize;
  cRow: isize;
  bias: usize;
  residual: usize;
  residualRow: isize;
  /** 0: they are not kept. */
  slopes: usize;
  slopeRow: isize;
  masks: usize;
  maskRow: isize;
}

/** Bytes of scratch: four rows of a panel that are not whole, what `Lines` says, then masks. */
export const EPILOGUE_BYTES: i32 = 320 + MASKS_BYTES;

/** Whether anything follows the sums. */
// @ts-ignore: decorator
@inline
export function hasEpilogue(product: Product): bool {
  return (product.bias | product.residual | product.slope) != 0 || (product.activation | product.threshold) != 0 || product.scale != 1;
}

/** Finishes rows of panels of C while they are in the cache: C = dropout(activation(scale·C + bias)) + residual. */
export function finishPanels(product: Product, c: usize, row: i32, rowsEnd: i32, start: i32, end: i32, scratch: usize): void {
  const drops = product.threshold != 0;
  for (let column = start * TILE_COLUMNS; start < end; start++, column += TILE_COLUMNS) {
    const masks = scratch + 320;
    // Rows whose masks are drawn together.
    const step = drops ? MASK_ROWS : rowsEnd - row;
    for (let at = row; at < rowsEnd; at += step) {
      const rows = min<i32>(step, rowsEnd - at);
      if (drops) drawMasks(product, at, rows, column, masks);
      finishPanel(product, c, at, rows, column, drops ? masks : ALL, scratch);
    }
  }
}

function finishPanel(product: Product, c: usize, row: i32, rows: i32, column: i32, masks: usize, scratch: usize): void {
  const at = <usize>column << 2, keeps = product.slope != 0, hasResidual = product.residual != 0;
  const lines = changetype<Lines>(scratch + 256);
  lines.rows = rows;
  lines.scale = product.scale;
  lines.dropScale = product.dropScale;
  lines.c = c + row * product.cRow + at;
  lines.cRow = product.cRow;
  lines.bias = product.bias != 0 ? product.bias + at : NEUTRAL;
  lines.residual = hasResidual ? product.residual + row * product.residualRow + at : NEUTRAL;
  lines.residualRow = hasResidual ? product.residualRow : 0;
  lines.slopes = keeps ? product.slope + row * product.slopeRow + at : 0;
  lines.slopeRow = product.slopeRow;
  lines.masks = masks;
  lines.maskRow = masks == ALL ? 0 : TILE_COLUMNS * 4;
  const width = min<i32>(TILE_COLUMNS, product.N - column);
  if (width == TILE_COLUMNS) finishLines(product.activation, lines);
  else finishNarrow(product.activation, lines, <usize>width << 2, scratch);
}

/** A panel at C's edge, `bytes` wide: each row on its own, in whole registers of scratch memory. */
function finishNarrow(activation: i32, lines: Lines, bytes: usize, scratch: usize): void {
  const addends = scratch + 128, own = scratch + 192, rows = lines.rows;
  let c = lines.c, residual = lines.residual, slopes = lines.slopes;
  memory.copy(scratch + 64, lines.bias, bytes);
  lines.bias = scratch + 64;
  lines.c = scratch;
  lines.residual = addends;
  if (slopes != 0) lines.slopes = own;
  lines.rows = 1;
  for (let row = 0; row < rows; row++) {
    memory.copy(scratch, c, bytes);
    memory.copy(addends, residual, bytes);
    finishLines(activation, lines);
    memory.copy(c, scratch, bytes);
    if (slopes != 0) memory.copy(slopes, own, bytes);
    c += lines.cRow;
    residual += lines.residualRow;
    slopes += slopes != 0 ? lines.slopeRow : 0;
    lines.masks += lines.maskRow;
  }
}

function finishLines(activation: i32, lines: Lines): void {
  if (lines.slopes == 0) {
    if (activation == NONE) finishPlain(lines);
    else if (activation == RELU) finishRelu(lines);
    else if (activation == GELU) finishGelu(lines);
    else if (activation == GELU_TANH) finishGeluTanh(lines);
    else if (activation == SILU) finishSilu(lines);
    else finishTanh(lines);
  } else if (activation == NONE) keepPlain(lines);
  else if (activation == RELU) keepRelu(lines);
  else if (activation == GELU) keepGelu(lines);
  else if (activation == GELU_TANH) keepGeluTanh(lines);
  else if (activation == SILU) keepSilu(lines);
  else keepTanh(lines);
}

/*
 * One function for each activation: V8 packs pairs of registers only in loops whose body is one basic block, each pair
 * of stores after all loads.
 */

function finishPlain(lines: Lines): void { finish(NONE, false, lines); }
function finishRelu(lines: Lines): void { finish(RELU, false, lines); }
function finishGelu(lines: Lines): void { finish(GELU, false, lines); }
function finishGeluTanh(lines: Lines): void { finish(GELU_TANH, false, lines); }
function finishSilu(lines: Lines): void { finish(SILU, false, lines); }
function finishTanh(lines: Lines): void { finish(TANH, false, lines); }
function keepPlain(lines: Lines): void { finish(NONE, true, lines); }
function keepRelu(lines: Lines): void { finish(RELU, true, lines); }
function keepGelu(lines: Lines): void { finish(GELU, true, lines); }
function keepGeluTanh(lines: Lines): void { finish(GELU_TANH, true, lines); }
function keepSilu(lines: Lines): void { finish(SILU, true, lines); }
function keepTanh(lines: Lines): void { finish(TANH, true, lines); }

// `name` and `keeps` are constants at each call; all of a row of the panel is loaded before any of it is stored.
// @ts-ignore: decorator
@inline
function finish(name: i32, keeps: bool, lines: Lines): void {
  const factor = f32x4.splat(lines.scale), spared = f32x4.splat(lines.dropScale), bias = lines.bias;
  const cRow = lines.cRow, residualRow = lines.residualRow, slopeRow = lines.slopeRow, maskRow = lines.maskRow;
  let c = lines.c, residual = lines.residual, slopes = lines.slopes, masks = lines.masks;
  for (let rows = lines.rows; rows > 0; rows--, c += cRow, residual += residualRow, slopes += slopeRow, masks += maskRow) {
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
