import { isContiguous, sizeOf, type Shape } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { ReduceName } from '../contract.ts';
import { finish } from '../js/reduce.ts';
import type { Heap } from './heap.ts';
import { placeDense } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** The numbers of the functions in assembly/reduce.ts. */
const operations: Partial<Record<ReduceName, number>> = { sum: 0, mean: 0, sumOfSquares: 1, min: 2, max: 3 };

/** Fewer values stay in the js loops. */
const worthIt = 1 << 12;

/** Values of a row that make one total first: part of the result's definition, and what a row is shared out by. */
const block = 4096;

/** x as [outer, reduced, columns], or null where the axes that are reduced do not follow each other. */
function split(shape: Shape, out: Shape): { readonly outer: number; readonly reduced: number; readonly columns: number } | null {
  const reduces = shape.map((length, axis) => length !== 1 && out[axis] === 1);
  const [first, last] = [reduces.indexOf(true), reduces.lastIndexOf(true)];
  if (first < 0 || shape.some((length, axis) => axis > first && axis < last && length !== 1 && !reduces[axis])) return null;
  return { outer: sizeOf(shape.slice(0, first)), reduced: sizeOf(shape.slice(first, last + 1)), columns: sizeOf(shape.slice(last + 1)) };
}

export function takesReduce(name: ReduceName, x: View, out: View): boolean {
  const large = name in operations && x.storage.dtype === 'float32' && sizeOf(x.layout.shape) >= worthIt;
  return large && isContiguous(x.layout) && split(x.layout.shape, out.layout.shape) !== null;
}

/** What a value costs, in multiply-adds. */
const costOfValue = 6;

/** Totals over the axes on which out has length 1. */
export function reduce(runtime: Runtime, name: ReduceName, x: View, out: View): void {
  const { heap } = runtime;
  const sizes = split(x.layout.shape, out.layout.shape);
  if (sizes === null) throw new Error('kernels: these axes are not reduced here; ask takesReduce first');
  const { outer, reduced, columns } = sizes;
  heap.scratch(() => {
    const from = placeDense(heap, x);
    const blocks = columns === 1 ? Math.ceil(reduced / block) : 1;
    const count = outer * blocks * columns;
    const address = heap.allocate(count * 8);
    const parts = partsFor(runtime, outer * reduced * columns * costOfValue);
    runJob(runtime, 'reduce', record(heap, [operations[name] ?? 0, outer, reduced, columns, from, address, block]), parts);
    const partial = heap.f64.subarray(address / 8, address / 8 + count);
    finish(name, blocks === 1 ? partial.slice() : joined(name, partial, blocks), reduced, out);
  });
}

function record(heap: Heap, words: readonly number[]): number {
  const address = heap.allocate(64);
  heap.i32.set(words, address / 4);
  return address;
}

/** The totals of rows from those of their blocks, in order. */
function joined(name: ReduceName, partial: Float64Array, blocks: number): Float64Array {
  const join = name === 'min' ? Math.min : name === 'max' ? Math.max : (a: number, b: number): number => a + b;
  const totals = new Float64Array(partial.length / blocks);
  for (let i = 0; i < totals.length; i++) {
    let total = partial[i * blocks];
    for (let k = 1; k < blocks; k++) total = join(total, partial[i * blocks + k]);
    totals[i] = total;
  }
  return totals;
}
