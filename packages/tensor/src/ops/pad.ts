import { checkScalar, type DType } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, slice, type Layout } from '../layout.ts';
import { allocate } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp, wrap, type Op } from './op.ts';

/** Values added before and after an axis; negative ones are taken away. */
export type PadPair = readonly [before: number, after: number];

export interface PadOptions {
  /** `value` all around, or the outermost values repeated. Default 'constant'. */
  readonly mode?: 'constant' | 'edge';
  /** What 'constant' adds. Default 0. */
  readonly value?: number;
}

interface PadAttributes {
  /** For each axis, none negative. */
  readonly pairs: readonly PadPair[];
  readonly value: number;
}

/** The part of a padded layout that shows x. */
function inside(layout: Layout, pairs: readonly PadPair[]): Layout {
  return pairs.reduce((part, [before, after], axis) => slice('pad', part, axis, before, part.shape[axis] - after), layout);
}

const padOp: Op<PadAttributes> = defineOp({
  name: 'pad',
  forward([x], { pairs, value }) {
    const output = allocate(x.layout.shape.map((length, i) => pairs[i][0] + length + pairs[i][1]), x.storage.dtype);
    if (value !== 0) kernels.fill(output, value);
    kernels.copy(x, { storage: output.storage, layout: inside(output.layout, pairs) });
    return output;
  },
  backward: (g, { shapes: [shape], attributes: { pairs } }) => [shape.reduce((part, length, axis) => part.narrow(axis, pairs[axis][0], length), g)],
});

/** Repeats the outermost values of one axis. */
function padEdge(x: Tensor, axis: number, [before, after]: PadPair): Tensor {
  const length = x.shape[axis];
  if (length === 0) throw new ShapeError(`pad: axis ${axis} of ${formatShape(x.shape)} has no edge to repeat; use { mode: 'constant' }`);
  const index = allocate([before + length + after], 'int32');
  const { data } = index.storage;
  for (let i = 0; i < data.length; i++) data[i] = Math.min(Math.max(i - before, 0), length - 1);
  return x.indexSelect(axis, wrap(index));
}

/**
 * x with values added around it. `widths` holds a pair [before, after] for each axis, as in NumPy; fewer pairs are for
 * the last axes. A negative width takes values away, as in PyTorch.
 * @throws ShapeError for more pairs than axes, or where more is taken away than there is; DTypeError for a value that x cannot hold.
 * @example
 * tensor([1, 2]).pad([[1, 2]]).toArray();                    // [0, 1, 2, 0, 0]
 * tensor([1, 2]).pad([[1, -1]], { mode: 'edge' }).toArray(); // [1, 1]
 */
export function pad<D extends DType>(x: Tensor<D>, widths: readonly PadPair[], { mode = 'constant', value = 0 }: PadOptions = {}): Tensor<D> {
  if (widths.length > x.rank) throw new ShapeError(`pad: ${widths.length} pairs for the ${x.rank} axes of ${formatShape(x.shape)}; give at most one pair for each`);
  if (mode !== 'constant' && mode !== 'edge') throw new ArgumentError(`pad: the mode must be 'constant' or 'edge', not ${String(mode)}`);
  const number = checkScalar('pad', value, x.dtype);
  const lead = x.rank - widths.length;
  const pairs = x.shape.map((_, axis): PadPair => (axis < lead ? [0, 0] : widths[axis - lead]));
  pairs.forEach((pair, axis) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isSafeInteger)) throw new ArgumentError(`pad: the widths of axis ${axis} must be a pair of whole numbers [before, after], not ${JSON.stringify(pair)}`);
    const taken = Math.max(0, -pair[0]) + Math.max(0, -pair[1]);
    if (taken > x.shape[axis]) throw new ShapeError(`pad: the widths [${pair.join(', ')}] take ${taken} values from axis ${axis} of ${formatShape(x.shape)}, which has only ${x.shape[axis]}`);
  });
  const cut = pairs.reduce<Tensor>((part, [before, after], axis) => {
    const start = Math.max(0, -before);
    const length = part.shape[axis] - start - Math.max(0, -after);
    return length === part.shape[axis] ? part : part.narrow(axis, start, length);
  }, x);
  const grown = pairs.map(([before, after]): PadPair => [Math.max(0, before), Math.max(0, after)]);
  if (mode === 'constant') return apply(padOp, [cut], { pairs: grown, value: number }) as Tensor<D>;
  return grown.reduce<Tensor>((part, pair, axis) => (pair[0] === 0 && pair[1] === 0 ? part : padEdge(part, axis, pair)), cut) as Tensor<D>;
}
