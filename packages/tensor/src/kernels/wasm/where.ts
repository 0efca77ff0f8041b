import { bytesPerElement } from '../../dtype.ts';
import { sizeOf, type Shape } from '../../layout.ts';
import type { View } from '../../storage.ts';
import { inRows } from './arithmetic.ts';
import { denseAt, nestOf, nestRecord } from './nest.ts';
import { fetch, place, placeResult, type Placed } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;

const isLarge = ({ storage: { dtype }, layout: { shape } }: View): boolean => bytesPerElement(dtype) === 4 && sizeOf(shape) >= worthIt;

/** Whether values of four bytes are chosen, enough of them, in rows that are dense or one value. */
export function takesWhere(condition: View, a: View, b: View, out: View): boolean {
  return isLarge(out) && inRows([condition, a, b], out);
}

/** Whether bools become float32. */
export function takesBools(x: View, out: View): boolean {
  return x.storage.dtype === 'bool' && out.storage.dtype === 'float32' && isLarge(out) && inRows([x], out);
}

/** What a value costs, in multiply-adds. */
const costOfValue = 8;
/** Each part writes out repeated values of the operands: 256 of each. */
const scratchBytes = 256 * 9;

/** out = condition ? a : b */
export function where(runtime: Runtime, condition: View, a: View, b: View, out: View): void {
  choose(runtime, condition, () => [place(runtime.heap, a), place(runtime.heap, b)], out);
}

/** out = 1 where x holds, else 0 */
export function fromBools(runtime: Runtime, x: View, out: View): void {
  choose(runtime, x, () => [1, 0].map((value) => constant(runtime, value, out.layout.shape)), out);
}

function constant({ heap }: Runtime, value: number, shape: Shape): Placed {
  const address = heap.allocate(4);
  heap.f32[address / 4] = value;
  return { address, strides: shape.map(() => 0) };
}

function choose(runtime: Runtime, condition: View, values: () => readonly Placed[], out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = out.layout;
    const operands = [place(heap, condition), ...values()];
    const result = placeResult(heap, out);
    const parts = partsFor(runtime, sizeOf(shape) * costOfValue);
    runJob(runtime, 'where', nestRecord(heap, 0, nestOf(shape, [denseAt(result, shape), ...operands]), parts, { scratchBytes }), parts);
    fetch(heap, result, out);
  });
}
