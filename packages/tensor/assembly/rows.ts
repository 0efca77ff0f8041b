/**
 * What kernels of rows [R, C] share. A row is read 8 values at a time, which V8 packs into one 256-bit register where
 * stores come in pairs; the values left at its end are padded to 8 in scratch memory. Sums are kept in eight lanes,
 * which are added in a fixed order: the result depends neither on the level nor on how rows are shared out.
 */

/** Bytes of one part's scratch: four pairs of registers. */
export const SCRATCH_SHIFT: i32 = 7;

/** The first row of part `part`. */
// @ts-ignore: decorator
@inline
export function firstRow(rows: i32, part: i32, parts: i32): i32 {
  return <i32>(<i64>rows * part / parts);
}

/** The `bytes` < 32 at `from`, and `padding` after them, as 8 values at `to`. */
// @ts-ignore: decorator
@inline
export function pad(to: usize, from: usize, bytes: usize, padding: f32): void {
  const fill = f32x4.splat(padding);
  v128.store(to, fill);
  v128.store(to, fill, 16);
  memory.copy(to, from, bytes);
}

/** The sum of eight lanes, stored first: in a register they may be one. */
// @ts-ignore: decorator
@inline
export function sumOf(low: v128, high: v128, scratch: usize): f32 {
  v128.store(scratch, low);
  v128.store(scratch, high, 16);
  const left = (load<f32>(scratch) + load<f32>(scratch, 4)) + (load<f32>(scratch, 8) + load<f32>(scratch, 12));
  const right = (load<f32>(scratch, 16) + load<f32>(scratch, 20)) + (load<f32>(scratch, 24) + load<f32>(scratch, 28));
  return left + right;
}

/** The greatest of eight lanes; NaN if any is. */
// @ts-ignore: decorator
@inline
export function maxOf(low: v128, high: v128, scratch: usize): f32 {
  v128.store(scratch, low);
  v128.store(scratch, high, 16);
  const pairs = f32x4.max(v128.load(scratch), v128.load(scratch, 16));
  return max<f32>(
    max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1)),
    max<f32>(f32x4.extract_lane(pairs, 2), f32x4.extract_lane(pairs, 3)),
  );
}
