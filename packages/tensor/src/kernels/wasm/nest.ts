import { contiguousStrides, type Layout, type Shape } from '../../layout.ts';
import { nest, type Nest } from '../js/iterate.ts';
import type { Heap } from './heap.ts';
import type { Placed } from './operands.ts';

/** The axes of a nest in assembly/nest.ts; the last two are a plane. */
const axes = 6;
const maxOperands = 4;
/** Bytes of the record that it reads, which each part has a copy of. */
const recordBytes = 192;

/** Whether views of one shape make a nest of no more axes than the kernels walk. */
export function withinNest(shape: Shape, layouts: readonly Layout[]): boolean {
  return shape.length <= axes || (nest(shape, layouts)?.shape.length ?? 0) <= axes;
}

/** A dense result of a shape at an address. */
export function denseAt(address: number, shape: Shape, bytes = 4): Placed {
  return { address, strides: contiguousStrides(shape).map((stride) => stride * bytes) };
}

/** The nest of operands in the heap, the result first; strides in bytes. */
export function nestOf(shape: Shape, operands: readonly Placed[]): Nest {
  const loops = nest(shape, operands.map(({ address, strides }) => ({ shape, strides, offset: address })));
  if (loops === null) throw new Error('kernels: there is nothing to walk; such a call belongs to the js loops');
  return loops;
}

/** How many values of an axis belong together where it is shared out: a cache line of values that lie side by side. */
const grainOfRows = 16;

/** Which axis to share out in `parts`: the outermost one that is long enough, else the longest. */
function shared(lengths: readonly number[], grains: readonly number[], parts: number): number {
  const counts = lengths.map((length, axis) => Math.ceil(length / grains[axis]));
  const enough = counts.findIndex((count) => count >= 4 * parts);
  return enough >= 0 ? enough : counts.indexOf(Math.max(...counts));
}

/**
 * The record that assembly/nest.ts reads.
 * @param turned the axis before the last lies side by side in an operand, too
 * @param scratchBytes what each part needs beside its copy of the record
 */
export function nestRecord(
  heap: Heap, operation: number, { shape, strides, offsets }: Nest, parts: number, { turned = false, scratchBytes = 0 } = {},
): number {
  const missing = axes - shape.length;
  const lengths = [...new Array<number>(missing).fill(1), ...shape];
  const grains = lengths.map((_, axis) => (axis === axes - 1 || (turned && axis === axes - 2) ? grainOfRows : 1));
  const axis = shared(lengths, grains, parts);
  const each = recordBytes + scratchBytes;
  const scratch = heap.allocate(each * parts);
  const record = heap.allocate(recordBytes);
  const words = heap.i32.fill(0, record / 4, (record + recordBytes) / 4);
  words.set([operation, axis, grains[axis], scratch, each, 0, ...lengths], record / 4);
  for (let k = 0; k < Math.min(offsets.length, maxOperands); k++) {
    const at = record / 4 + 12 + k * 8;
    words[at] = offsets[k];
    words.set(strides[k], at + 1 + missing);
  }
  return record;
}

/** What a view steps by along the last axis that has more than one value; 1 where none has. */
export function innerStride({ shape, strides }: Layout): number {
  for (let axis = shape.length - 1; axis >= 0; axis--) if (shape[axis] !== 1) return strides[axis];
  return 1;
}
