/**
 * A loop nest of six axes over up to four operands, as nest.ts of the wrappers writes it. A part of the work is a range
 * of one axis. The two last axes are a plane, which a kernel walks itself; `next` steps through the others.
 */

/** The function, where a kernel has several. */
const OPERATION: usize = 0;
/** The axis that is shared out, and how many of its values belong together. */
const SHARED: usize = 4;
const GRAIN: usize = 8;
/** Memory of the parts, and how much each has: first its own copy of the record. */
const SCRATCH: usize = 12;
const SCRATCH_BYTES: usize = 16;
const LENGTHS: usize = 24;
/** Of each operand its address and six strides in bytes. */
const OPERANDS: usize = 48;
const OPERAND_SHIFT: usize = 5;
const COUNTERS: usize = OPERANDS + (4 << OPERAND_SHIFT);

/** What a record takes; a part's other memory begins here. */
export const RECORD: usize = COUNTERS + 16;

/** The record of part `part` alone, or 0 where nothing is left for it. */
export function begin(job: usize, part: i32, parts: i32): usize {
  const own = load<usize>(job, SCRATCH) + part * load<usize>(job, SCRATCH_BYTES);
  memory.copy(own, job, RECORD);
  const axis = load<usize>(job, SHARED) << 2, grain = load<i32>(job, GRAIN), length = load<i32>(job + axis, LENGTHS);
  const grains = <i64>((length + grain - 1) / grain);
  const first = <i32>(grains * part / parts) * grain, last = min<i32>(<i32>(grains * (part + 1) / parts) * grain, length);
  if (first >= last) return 0;
  store<i32>(own + axis, last - first, LENGTHS);
  for (let operand = own + OPERANDS; operand < own + COUNTERS; operand += 1 << OPERAND_SHIFT) {
    store<i32>(operand, load<i32>(operand) + first * load<i32>(operand + axis, 4));
  }
  return own;
}

// @ts-ignore: decorator
@inline
export function operation(own: usize): i32 {
  return load<i32>(own, OPERATION);
}

// @ts-ignore: decorator
@inline
export function lengthOf(own: usize, axis: usize): i32 {
  return load<i32>(own + (axis << 2), LENGTHS);
}

/** Where the plane at hand begins in operand k. */
// @ts-ignore: decorator
@inline
export function start(own: usize, k: usize): usize {
  return load<usize>(own + (k << OPERAND_SHIFT), OPERANDS);
}

// @ts-ignore: decorator
@inline
export function stride(own: usize, k: usize, axis: usize): i32 {
  return load<i32>(own + (k << OPERAND_SHIFT) + (axis << 2), OPERANDS + 4);
}

/** Goes on to the next plane; false after the last. */
export function next(own: usize): bool {
  for (let axis: i32 = 3; axis >= 0; axis--) {
    const at = own + (<usize>axis << 2);
    const count = load<i32>(at, COUNTERS) + 1, length = load<i32>(at, LENGTHS);
    const again = count == length;
    store<i32>(at, again ? 0 : count, COUNTERS);
    const steps = again ? 1 - length : 1;
    for (let k: usize = 0; k < 4; k++) {
      const operand = own + (k << OPERAND_SHIFT);
      store<i32>(operand, load<i32>(operand, OPERANDS) + steps * stride(own, k, axis), OPERANDS);
    }
    if (!again) return true;
  }
  return false;
}

/** A value that is repeated along a row is written out this often. */
export const REPEATS: i32 = 256;

/** Values of four bytes. */
export function repeat(to: usize, from: usize, count: i32): void {
  const values = v128.load32_splat(from);
  for (const end = to + (<usize>min<i32>(count, REPEATS) << 2); to < end; to += 16) v128.store(to, values);
}
