import type { TypedArray } from '../../../dtype.ts';

/**
 * The loops of one function. `dense` walks dense operands: its bound is y's own length, so the compiler need not check
 * y's. `plane` walks m rows of n values: value (i, j) of x is x[ix + i·mx + j·sx], and so on.
 */
export interface UnaryLoop {
  dense(y: TypedArray, x: TypedArray): void;
  plane(m: number, n: number, x: TypedArray, ix: number, mx: number, sx: number, y: TypedArray, iy: number, my: number, sy: number): void;
}

export interface BinaryLoop {
  dense(y: TypedArray, a: TypedArray, b: TypedArray): void;
  plane(
    m: number, n: number, a: TypedArray, ia: number, ma: number, sa: number, b: TypedArray, ib: number, mb: number, sb: number,
    y: TypedArray, iy: number, my: number, sy: number,
  ): void;
}
