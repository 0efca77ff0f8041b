import { madd } from '../simd';
import { GELU, GELU_TANH, inner, NONE, outer, RELU, SILU, slope, TANH, value } from './activation';
import { drawPanel, masksBytes } from './masks';
import { Product } from './record';
import { TILE_COLUMNS } from './tile';

/** Adding −0 changes nothing, not even the sign of a zero: what is added where there is no bias or residual. */
const NEUTRAL = memory.data<f32>([-0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0, -0]);
/** The masks where nothing is dropped. */
const ALL = memory.data<i32>([-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]);

/** What follows the sums of a panel of C: where each operand's next row begins, and how far apart its rows lie. */
@unmanaged
export class Lines {
  scale: f32;
  dropScale: f32;
  activation: i32;
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

/** Bytes of scratch for panels of up to so many rows: four rows of a panel that is not whole, what `Lines` says, then masks. */
// @ts-ignore: decorator
@inline
export function epilogueBytes(rows: i32): i32 {
  return 320 + masksBytes(rows);
}

/** Whether anything follows the sums. A bias alone is what they begin with. */
// @ts-ignore: decorator
@inline
export function hasEpilogue(product: Product): bool {
  return (product.residual | product.slope) != 0 || (product.activation | product.threshold) != 0 || product.scale != 1;
}

/** What the sums of a panel of C begin with, a whole row: the bias, where they are not scaled; 0 for nothing. */
export function startOf(product: Product, column: i32, width: i32, scratch: usize): usize {
  const bias = product.bias + (column << 2);
  if (product.bias == 0 || product.scale != 1) return 0;
  if (width == TILE_COLUMNS) return bias;
  memory.copy(scratch + 64, bias, <usize>width << 2);
  return scratch + 64;
}

/** What follows the sums of `rows` rows of the panel of C that begins at a column: C = dropout(activation(scale·sums + bias)) + residual. */
export function linesOf(product: Product, c: usize, row: i32, rows: i32, column: i32, scratch: usize): Lines {
  const at = <usize>column << 2, hasResidual = product.residual != 0;
  const lines = changetype<Lines>(scratch + 256);
  lines.activation = product.activation;
  lines.scale = product.scale;
  lines.dropScale = product.dropScale;
  lines.c = c + row * product.cRow + at;
  lines.cRow = product.cRow;
  lines.bias = product.bias != 0 && product.scale != 1 ? product.bias + at : NEUTRAL;
  lines.residual = hasResidual ? product.residual + row * product.residualRow + at : NEUTRAL;
  lines.residualRow = hasResidual ? product.residualRow : 0;
  lines.slopes = product.slope != 0 ? product.slope + row * product.slopeRow + at : 0;
  lines.slopeRow = product.slopeRow;
  const drops = product.threshold != 0;
  lines.masks = drops ? drawPanel(product, row, rows, column, scratch + 320) : ALL;
  lines.maskRow = drops ? TILE_COLUMNS * 4 : 0;
  return lines;
}

/** A panel at C's edge, `bytes` wide, whose sums are in C: each row on its own, in whole registers of scratch memory. */
export function finishNarrow(lines: Lines, rows: i32, bytes: usize, scratch: usize): void {
  const addends = scratch + 128, own = scratch + 192;
  let c = lines.c, residual = lines.residual, slopes = lines.slopes;
  memory.copy(scratch + 64, lines.bias, bytes);
  lines.bias = scratch + 64;
  for (; rows > 0; rows--) {
    memory.copy(scratch, c, bytes);
    memory.copy(addends, residual, bytes);
    lines.c = scratch;
    lines.residual = addends;
    if (slopes != 0) lines.slopes = own;
    finishRows(lines, 1, scratch, 0);
    memory.copy(c, scratch, bytes);
    if (slopes != 0) memory.copy(slopes, own, bytes);
    c += lines.cRow;
    residual += lines.residualRow;
    slopes += slopes != 0 ? lines.slopeRow : 0;
  }
}

/** The next `rows` rows, with their sums at `sums`. */
export function finishRows(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void {
  const activation = lines.activation;
  if (lines.slopes == 0) {
    if (activation == NONE) finishPlain(lines, rows, sums, sumsRow);
    else if (activation == RELU) finishRelu(lines, rows, sums, sumsRow);
    else if (activation == GELU) finishGelu(lines, rows, sums, sumsRow);
    else if (activation == GELU_TANH) finishGeluTanh(lines, rows, sums, sumsRow);
    else if (activation == SILU) finishSilu(lines, rows, sums, sumsRow);
    else finishTanh(lines, rows, sums, sumsRow);
  } else if (activation == NONE) keepPlain(lines, rows, sums, sumsRow);
  else if (activation == RELU) keepRelu(lines, rows, sums, sumsRow);
  else if (activation == GELU) keepGelu(lines, rows, sums, sumsRow);
  else if (activation == GELU_TANH) keepGeluTanh(lines, rows, sums, sumsRow);
  else if (activation == SILU) keepSilu(lines, rows, sums, sumsRow);
  else keepTanh(lines, rows, sums, sumsRow);
}

/*
 * One function for each activation: V8 packs pairs of registers only in loops whose body is one basic block, each pair
 * of stores after all loads.
 */

function finishPlain(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(NONE, false, lines, rows, sums, sumsRow); }
function finishRelu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(RELU, false, lines, rows, sums, sumsRow); }
function finishGelu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(GELU, false, lines, rows, sums, sumsRow); }
function finishGeluTanh(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(GELU_TANH, false, lines, rows, sums, sumsRow); }
function finishSilu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(SILU, false, lines, rows, sums, sumsRow); }
function finishTanh(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(TANH, false, lines, rows, sums, sumsRow); }
function keepPlain(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(NONE, true, lines, rows, sums, sumsRow); }
function keepRelu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(RELU, true, lines, rows, sums, sumsRow); }
function keepGelu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(GELU, true, lines, rows, sums, sumsRow); }
function keepGeluTanh(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(GELU_TANH, true, lines, rows, sums, sumsRow); }
function keepSilu(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(SILU, true, lines, rows, sums, sumsRow); }
function keepTanh(lines: Lines, rows: i32, sums: usize, sumsRow: isize): void { finish(TANH, true, lines, rows, sums, sumsRow); }

// `name` and `keeps` are constants at each call; all of a row of the panel is loaded before any of it is stored.
// @ts-ignore: decorator
@inline
function finish(name: i32, keeps: bool, lines: Lines, rows: i32, sums: usize, sumsRow: isize): void {
  const factor = f32x4.splat(lines.scale), spared = f32x4.splat(lines.dropScale), bias = lines.bias;
  const cRow = lines.cRow, residualRow = lines.residualRow, slopeRow = lines.slopeRow, maskRow = lines.maskRow;
  let c = lines.c, residual = lines.residual, slopes = lines.slopes, masks = lines.masks;
  for (; rows > 0; rows--, sums += sumsRow, c += cRow, residual += residualRow, masks += maskRow) {
    const x0 = madd(v128.load(sums), factor, v128.load(bias)), x1 = madd(v128.load(sums, 16), factor, v128.load(bias, 16));
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
        slopes += slopeRow;
      }
      v128.store(c, y0);
      v128.store(c, y1, 16);
    } else {
      const x2 = madd(v128.load(sums, 32), factor, v128.load(bias, 32)), x3 = madd(v128.load(sums, 48), factor, v128.load(bias, 48));
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
        slopes += slopeRow;
      }
      v128.store(c, y0);
      v128.store(c, y1, 16);
      v128.store(c, y2, 32);
      v128.store(c, y3, 48);
    }
  }
  lines.c = c;
  lines.residual = residual;
  if (keeps) lines.slopes = slopes;
  lines.masks = masks;
}

/** What dropout leaves of y. */
// @ts-ignore: decorator
@inline
function spare(y: v128, spared: v128, mask: v128): v128 {
  return v128.and(f32x4.mul(y, spared), mask);
}
