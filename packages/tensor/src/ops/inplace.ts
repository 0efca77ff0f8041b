import { checkScalar, counted, isFloat, newArray, promote, toFloat } from '../dtype.ts';
import { AutogradError, DTypeError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes, extent, formatShape, mayOverlapItself, sameShape, type Layout, type Shape } from '../layout.ts';
import { allocate, checkPresent, sharesMemory, Storage, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { arithmeticOf, cast, checkOperand, scalar, stretch, type Operand } from './elementwise.ts';
import { anomalyCheck, apply, defineOp, isRecording, Node, withRecording, type Op, type SavedValues } from './op.ts';

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

/** The target's values are those of the source from now on. */
const writeOp: Op = defineOp({
  name: 'write',
  forward: ([x]) => x,
  backward: (g) => [g],
});

/** What is recorded here reads no values in backward. */
const nothing: SavedValues = { inputs: [], output: undefined, extras: [] };

/** The history of a view whose base was written to: it is now a part of the new base. */
export function historyFromBase(view: Tensor, base: Tensor): Node {
  const within: Within = { base: base.layout, view: view.layout };
  return new Node(viewOfBaseOp as Op<unknown>, within, [base], nothing);
}

/** Records that `part` was written over `target`. */
function recordWrite(target: Tensor, part: Tensor): void {
  const { base } = target;
  if (base === null) {
    target.rewriteHistory(new Node(writeOp as Op<unknown>, undefined, [part], nothing));
    return;
  }
  const within: Within = { base: base.layout, view: target.layout };
  base.rewriteHistory(new Node(replacePartOp as Op<unknown>, within, [base, part], nothing));
}

/** What may be written at all, checked before anything changes. */
function checkTarget(op: string, target: Tensor, source: Tensor | null): void {
  const shape = formatShape(target.shape);
  checkPresent(op, source === null ? [target] : [target, source]);
  if (mayOverlapItself(target.layout)) {
    throw new ShapeError(`${op}: the target ${shape} shows some values more than once (it was expanded), so a write has no one meaning; clone() it first`);
  }
  if (!isRecording()) return;
  if (target.isLeaf && target.requiresGrad) {
    throw new AutogradError(`${op}: the target ${shape} is a leaf that requires grad, whose old value the graph needs; write inside noGrad(() => …), or to a clone()`);
  }
  if (target.base?.requiresGrad && target.base.isLeaf) {
    throw new AutogradError(`${op}: the target ${shape} is a view of a leaf that requires grad, whose old value the graph needs; write inside noGrad(() => …), or to a clone()`);
  }
  if (target.base?.requiresGrad && !target.requiresGrad) {
    throw new AutogradError(`${op}: the target ${shape} is a view, taken inside noGrad, of a tensor with a history that would miss this write; take the view outside, or write inside noGrad too`);
  }
  if (!isFloat(target.dtype) && source?.requiresGrad) {
    throw new DTypeError(`${op}: a ${target.dtype} target cannot carry the gradient of its source; cast the target to float32, or detach() the source`);
  }
}

function checkFits(op: string, target: Tensor, shape: Shape): void {
  if (!sameShape(shape, target.shape)) {
    throw new ShapeError(`${op}: the result ${formatShape(shape)} does not fit into the target ${formatShape(target.shape)}; use the form that makes a new tensor`);
  }
}

/** Whether a write from `source` becomes part of a history. */
function isTracked(target: Tensor, source: Tensor | null): boolean {
  return isRecording() && (target.requiresGrad || source?.requiresGrad === true);
}

/** Replaces the target's values by `value`, of the same shape, and records it where asked. */
function write(op: string, target: Tensor, value: Tensor, tracked: boolean): void {
  const fitting = tracked ? cast(value, target.dtype) : value;
  kernels.copy(sharesMemory(fitting.storage, target.storage) ? copyOf(fitting) : fitting, target);
  target.storage.touch(op);
  if (tracked) recordWrite(target, fitting);
}

function copyOf(x: View): View {
  const output = allocate(x.layout.shape, x.storage.dtype);
  kernels.copy(x, output);
  return output;
}

/**
 * target = target ∘ other, where other broadcasts to the target. Where the two share memory all is read before
 * anything is written. The result takes the target's dtype: floats do not go into integers, nor numbers into bools.
 */
export function arithmeticInPlace(name: 'add' | 'sub' | 'mul' | 'div', target: Tensor, other: Operand): void {
  const op = `${name}InPlace`;
  checkOperand(op, other);
  const { dtype } = target;
  const source = typeof other === 'object' ? other : null;
  checkTarget(op, target, source);
  const operand = source ?? scalar(op, other as number, dtype);
  const met = counted(promote(dtype, operand.dtype));
  const result = name === 'div' ? toFloat(met) : met;
  if (dtype === 'bool' || (isFloat(result) && !isFloat(dtype))) {
    throw new DTypeError(`${op}: a result of ${result} does not fit into a target of ${dtype}; ${dtype === 'bool' ? 'use logicalAnd, logicalOr or logicalXor' : "cast the target first, for example .cast('float32')"}`);
  }
  checkFits(op, target, broadcastShapes(op, target.shape, operand.shape));
  const tracked = isTracked(target, source);
  if (!tracked && operand.dtype === dtype && !sharesMemory(operand.storage, target.storage) && anomalyCheck() === null) {
    // The common case, such as an optimiser's step, needs no memory of its own.
    kernels.binary(name, target, stretch(op, operand, target.shape), target);
    target.storage.touch(op);
    return;
  }
  const compute = () => {
    // The rules of mul and div read the operands' old values, which this write is about to replace.
    const keeps = tracked && (name === 'mul' || name === 'div');
    const left = keeps && operand.requiresGrad ? target.clone() : target;
    const right = keeps && sharesMemory(operand.storage, target.storage) ? operand.clone() : operand;
    return arithmeticOf(name, left, right);
  };
  write(op, target, tracked ? compute() : withRecording(false, compute), tracked);
}

/** target = source, broadcast and converted as by `cast`. They may share memory. */
export function copyFrom(target: Tensor, source: Tensor): void {
  checkTarget('copyFrom', target, source);
  checkFits('copyFrom', target, broadcastShapes('copyFrom', target.shape, source.shape));
  const tracked = isTracked(target, source);
  write('copyFrom', target, withRecording(tracked, () => source.expand(target.shape)), tracked);
}

/** target = value everywhere. */
export function fill(target: Tensor, value: number | boolean): void {
  const number = checkScalar('fill', value, target.dtype);
  checkTarget('fill', target, null);
  kernels.fill(target, number);
  target.storage.touch('fill');
  if (isTracked(target, null)) recordWrite(target, scalar('fill', number, target.dtype).expand(target.shape));
}
