import { sizeOf } from '../../layout.ts';
import type { View } from '../../storage.ts';
import type { Nest } from '../js/iterate.ts';
import { nestOf, nestRecord, withinNest } from './nest.ts';
import { place } from './operands.ts';
import type { Runtime } from './runtime.ts';
import { partsFor, runJob } from './share.ts';

/** Fewer values stay in the js loops. */
const worthIt = 1 << 11;

/** Whether a copy moves enough values of four bytes. */
export function takesCopy(x: View, out: View): boolean {
  const { dtype } = out.storage;
  return x.storage.dtype === dtype && (dtype === 'float32' || dtype === 'int32') && sizeOf(out.layout.shape) >= worthIt
    && withinNest(out.layout.shape, [out.layout, x.layout]);
}

/** The numbers of what assembly/move.ts tells apart. */
const kinds = { rows: 0, turned: 1, any: 2 } as const;

/** What a value costs, in multiply-adds. */
const costOfValue = 8;

/** out = x, both in the heap. */
export function copy(runtime: Runtime, x: View, out: View): void {
  const { heap } = runtime;
  heap.scratch(() => {
    const { shape } = out.layout;
    // Out lies here: what `place` gives is its own place, and not a copy.
    const { kind, loops } = arrange(nestOf(shape, [place(heap, out), place(heap, x)]));
    const parts = partsFor(runtime, sizeOf(shape) * costOfValue);
    runJob(runtime, 'move', nestRecord(heap, kinds[kind], loops, parts, { turned: kind === 'turned' }), parts);
  });
}

/** Moves the axis on which x is dense beside the one on which out is: a plane that is turned in tiles. */
function arrange(loops: Nest): { readonly kind: keyof typeof kinds; readonly loops: Nest } {
  const { shape, strides: [to, from], offsets } = loops;
  const last = shape.length - 1;
  if (to[last] !== 4) return { kind: 'any', loops };
  if (from[last] === 4) return { kind: 'rows', loops };
  const dense = from.indexOf(4);
  if (dense < 0 || shape[dense] < 4 || shape[last] < 4) return { kind: 'any', loops };
  const order = [...shape.keys()].filter((axis) => axis !== dense && axis !== last).concat(dense, last);
  const ordered = (values: readonly number[]): number[] => order.map((axis) => values[axis]);
  return { kind: 'turned', loops: { shape: ordered(shape), strides: [ordered(to), ordered(from)], offsets } };
}
