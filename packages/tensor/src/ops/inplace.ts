import { checkScalar, isFloat, newArray } from '../dtype.ts';
import { AutogradError, DTypeError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes, extent, formatShape, mayOverlapItself, sameShape, type Layout } from '../layout.ts';
import { allocate, Storage, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { arithmeticOf, cast, scalar, stretch, type Operand } from './elementwise.ts';
import { apply, defineOp, isRecording, Node, withRecording, wrap, type Op } from './op.ts';

/**
 * Writing into a tensor that exists. Without recording the values are simply replaced. While recording, the write
 * becomes part of the history as in PyTorch: the target turns into the result of the op; if it shows values of a
 * base tensor, the base turns into "the old base with this part replaced", and every other view of that base finds
 * its new history when it is next asked for.
 */

/** Where a view lies inside its base's memory, independent of where that memory starts. */
interface Within {
  readonly base: Layout;
  readonly view: Layout;
}

/** A view with another layout on new memory, with the span of `base`. */
function onCopy(x: View, { base }: Within): View {
  const span = extent(base);
  const first = span?.first ?? 0;
  const data = newArray(x.storage.dtype, span === null ? 0 : span.last - first + 1);
  const copy = { storage: new Storage(x.storage.dtype, data), layout: { ...base, offset: base.offset - first } };
  kernels.copy(x, copy);
  return copy;
}

/** The view's layout on memory that `onCopy` made. */
function viewOnCopy({ base, view }: Within): Layout {
  return { ...view, offset: view.offset - (extent(base)?.first ?? 0) };
}

/** The part of a base tensor that a view shows, by its place in memory. */
const viewOfBaseOp: Op<Within> = defineOp({
  name: 'viewOfBase',
  forward: ([base], { view }) => ({ storage: base.storage, layout: view }),
  backward: (g, { attributes }) => [apply(viewOfBaseGradientOp, [g], attributes)],
});

/** Zeros of the base with a view's gradient added, also where the view shows a value more than once. */
const viewOfBaseGradientOp: Op<Within> = defineOp({
  name: 'viewOfBaseGradient',
  forward([g], within) {
    const zeros = allocate([], g.storage.dtype);
    const base = onCopy(stretch('viewOfBaseGradient', zeros, within.base.shape), within);
    kernels.accumulate(g, { storage: base.storage, layout: viewOnCopy(within) });
    return base;
  },
  backward: (g, { attributes }) => [apply(partOfCopyOp, [g], attributes)],
});

/** A view's part of a tensor that has the base's shape but memory of its own. */
const partOfCopyOp: Op<Within> = defineOp({
  name: 'partOfCopy',
  forward: ([x], within) => ({ storage: onCopy(x, within).storage, layout: viewOnCopy(within) }),
  backward: (g, { attributes }) => [apply(viewOfBaseGradientOp, [g], attributes)],
});

/** The base with the part that a view shows replaced by other values. */
const replacePartOp: Op<Within> = defineOp({
  name: 'replacePart',
  forward([base, part], within) {
    const output = onCopy(base, within);
    kernels.copy(part, { storage: output.storage, layout: viewOnCopy(within) });
    return output;
  },
  backward: (g, { attributes, shapes: [, partShape] }) => [
    apply(replacePartOp, [g, scalar('replacePart', 0, g.dtype).expand(partShape)], attributes),
    apply(partOfCopyOp, [g], attributes),
  ],
});

/** Gives a view its new history after its base was written to. */
export function historyFromBase(view: Tensor, base: Tensor): Node | null {
  if (!base.requiresGrad) return null;
  const within: Within = { base: base.layout, view: view.layout };
  return new Node(viewOfBaseOp as Op<unknown>, within, [base], { inputs: [undefined], output: undefined, extras: [] });
}

/** What may be written at all, checked before anything changes. */
function checkTarget(op: string, target: Tensor, sources: readonly Tensor[]): void {
  if (mayOverlapItself(target.layout)) {
    throw new ShapeError(`${op}: the target ${formatShape(target.shape)} shows some values more than once (it was expanded), so a write has no one meaning; clone() it first`);
  }
  if (!isRecording()) return;
  const root = target.base ?? target;
  if (root.isLeaf && root.requiresGrad) {
    const what = target.base === null ? 'is a leaf that requires grad' : 'is a view of a leaf that requires grad';
    throw new AutogradError(`${op}: the target ${formatShape(target.shape)} ${what}, whose old value the graph needs; write inside noGrad(() => …), or to a clone()`);
  }
  if (!isFloat(target.dtype) && sources.some((source) => source.requiresGrad)) {
    throw new DTypeError(`${op}: a ${target.dtype} target cannot carry the gradient of its source; cast the target to float32, or detach() the source`);
  }
}

/** Replaces the target's values by those of `compute`, with or without history. */
function write(op: string, target: Tensor, sources: readonly Tensor[], compute: () => Tensor): void {
  checkTarget(op, target, sources);
  const tracked = isRecording() && (target.requiresGrad || sources.some((source) => source.requiresGrad));
  const value = tracked ? compute() : withRecording(false, compute);
  if (!sameShape(value.shape, target.shape)) {
    throw new ShapeError(`${op}: the result ${formatShape(value.shape)} does not fit into the target ${formatShape(target.shape)}; use the form that makes a new tensor`);
  }
  if (isFloat(value.dtype) && !isFloat(target.dtype)) {
    throw new DTypeError(`${op}: a ${value.dtype} result does not fit into a ${target.dtype} target; cast the target first`);
  }
  const fitting = tracked ? cast(value, target.dtype) : value;
  // A source that lies in the target's own memory is complete before the write, since `compute` made new memory of it.
  kernels.copy(fitting.storage === target.storage ? wrap(cloneView(fitting)) : fitting, target);
  target.storage.touch(op);
  if (!tracked) return;
  if (target.base === null) {
    target.setHistory(new Node(identityOp as Op<unknown>, undefined, [fitting], { inputs: [undefined], output: undefined, extras: [] }));
  } else {
    const { base } = target;
    const within: Within = { base: base.layout, view: target.layout };
    base.setHistory(new Node(replacePartOp as Op<unknown>, within, [base, fitting], { inputs: [undefined, undefined], output: undefined, extras: [] }));
  }
}

const identityOp: Op = defineOp({
  name: 'write',
  forward: ([x]) => x,
  backward: (g) => [g],
});

function cloneView(x: View): View {
  const output = allocate(x.layout.shape, x.storage.dtype);
  kernels.copy(x, output);
  return output;
}

/** target = target ∘ other. */
export function arithmeticInPlace(name: 'add' | 'sub' | 'mul' | 'div', target: Tensor, other: Operand): void {
  const op = `${name}InPlace`;
  const source = typeof other === 'object' ? other : null;
  if (source === null && !isFloat(target.dtype)) checkScalar(op, other as number, target.dtype);
  // The common case, a dense update without history, needs no memory of its own.
  if (
    source !== null && source.dtype === target.dtype && source.storage !== target.storage && target.dtype !== 'bool' &&
    !(name === 'div' && !isFloat(target.dtype)) && !(isRecording() && (target.requiresGrad || source.requiresGrad))
  ) {
    checkTarget(op, target, [source]);
    if (!sameShape(broadcastShapes(op, target.shape, source.shape), target.shape)) {
      throw new ShapeError(`${op}: ${formatShape(source.shape)} does not broadcast into the target ${formatShape(target.shape)}`);
    }
    kernels.binary(name, target, stretch(op, source, target.shape), target);
    target.storage.touch(op);
    return;
  }
  write(op, target, source === null ? [] : [source], () => arithmeticOf(name, target, other));
}

/** target = source, broadcast and converted. */
export function copyFrom(target: Tensor, source: Tensor): void {
  write('copyFrom', target, [source], () => {
    const stretched = source.expand(broadcastShapes('copyFrom', target.shape, source.shape));
    return cast(stretched, target.dtype);
  });
}

/** target = value everywhere. */
export function fill(target: Tensor, value: number | boolean): void {
  const number = checkScalar('fill', value, target.dtype);
  checkTarget('fill', target, []);
  if (isRecording() && target.requiresGrad) {
    write('fill', target, [], () => scalar('fill', number, target.dtype).expand(target.shape));
    return;
  }
  kernels.fill(target, number);
  target.storage.touch('fill');
}

