import { isFloat, toFloat, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import type { CrossEntropyTargets } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, sameShape, sizeOf } from '../layout.ts';
import { allocate, allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast, stretch, where } from './elementwise.ts';
import { checkClasses, checkClassWeight, checkReduction, pickTargets, reduceLosses, type NllLossOptions, type Reduction } from './nllLoss.ts';
import { apply, defineOp, wrap } from './op.ts';

interface Attributes {
  /** null: the targets are distributions. */
  readonly ignoreIndex: number | null;
  readonly smoothing: number;
  readonly reduction: Reduction;
  /** What the mean divides by. */
  readonly denominator: number;
}

const asColumn = ({ storage, layout: { shape, strides, offset } }: View): View => ({ storage, layout: { shape: [...shape, 1], strides: [...strides, 1], offset } });

/** What the kernels know of the targets. */
function describe(targets: View, weight: View | undefined, { ignoreIndex, smoothing }: Attributes): CrossEntropyTargets {
  return { view: ignoreIndex === null ? targets : asColumn(targets), weight: weight ?? null, ignoreIndex, smoothing };
}

/** Keeps one number a row, logSumExp, and makes the probabilities again on the way back. */
const crossEntropyOp = defineOp<Attributes>({
  name: 'crossEntropy',
  throughTwin: true,
  forward([logits, targets, weight], attributes) {
    const rows = logits.layout.shape.slice(0, -1);
    const { reduction, denominator } = attributes;
    const { dtype } = logits.storage;
    // Losses that are summed are not rounded before.
    const losses = allocateUnset(rows, reduction === 'none' ? dtype : 'float64');
    const logSumExp = allocateUnset(rows, 'float64');
    kernels.crossEntropy(logits, describe(targets, weight, attributes), asColumn(losses), asColumn(logSumExp));
    if (reduction === 'none') return { output: losses, extras: [logSumExp] };
    const output = allocate([], dtype);
    let sum = 0;
    for (const loss of losses.storage.data) sum += loss;
    output.storage.data[0] = reduction === 'sum' ? sum : sum / denominator;
    return { output, extras: [logSumExp] };
  },
  backward(g, { inputs: [logits, targets, weight], extras: [logSumExp], attributes, needs }) {
    const { reduction, denominator } = attributes;
    const rows = logits.shape.slice(0, -1);
    const scale = reduction === 'mean' ? g.cast('float64').div(denominator) : g;
    const gradients = [needs[0], needs[1]].map((need) => (need ? allocateUnset(logits.shape, logits.dtype) : null));
    const wanted = describe(targets, weight, attributes);
    kernels.crossEntropyBackward(logits, wanted, asColumn(logSumExp), asColumn(stretch('crossEntropy', scale, rows)), { logits: gradients[0], targets: gradients[1] });
    return [...gradients.map((gradient) => (gradient === null ? null : wrap(gradient))), null];
  },
  composed([logits, targets, weight], { ignoreIndex, smoothing, reduction, denominator }) {
    const logs = logits.logSoftmax();
    const factors = weight ?? null;
    const weigh = (x: Tensor) => (factors === null ? x : x.mul(factors));
    const C = logits.shape[logits.rank - 1];
    if (ignoreIndex === null) {
      const wanted = smoothing === 0 ? targets : targets.mul(1 - smoothing).add(smoothing / C);
      return reduceLosses(weigh(logs).mul(wanted).sum(-1).neg(), reduction, denominator);
    }
    const hard = pickTargets(logs, targets, factors, ignoreIndex);
    if (smoothing === 0) return reduceLosses(hard, reduction, denominator);
    const soft = where(targets.ne(ignoreIndex), weigh(logs).sum(-1).neg(), 0);
    return reduceLosses(hard.mul(1 - smoothing).add(soft.mul(smoothing / C)), reduction, denominator);
  },
});

export interface CrossEntropyOptions extends NllLossOptions {
  /** The share of each target that is spread evenly over all classes, from 0 (default) to 1 (Szegedy et al., arXiv 1512.00567). */
  readonly labelSmoothing?: number;
}

/**
 * Cross entropy of logits [..., C] (classes on the last axis) against integer targets [...], or against distributions
 * [..., C] of a float dtype. With p = softmax(logits), w = weight (1 without), s = labelSmoothing:
 * - classes: −(1 − s)·w[t]·ln p[t] − s/C·Σ w[c]·ln p[c]; a row whose target is `ignoreIndex` gives 0. The mean divides by
 *   the sum of w[t] over the rows that count (NaN where none does);
 * - distributions: −Σ w[c]·((1 − s)·t[c] + s/C)·ln p[c]. The mean divides by the number of rows; they have a gradient too.
 *
 * PyTorch's semantics, with the classes last. The result is a scalar, or [...] with `reduction: 'none'`.
 *
 * @throws ShapeError when shapes do not fit; IndexError for a target that is no class; ArgumentError for an option that
 * makes no sense, among them an `ignoreIndex` beside distributions.
 * @example
 * crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: 'int32' })).item(); // ln 2
 */
export function crossEntropy<D extends DType>(logits: Tensor<D>, targets: Tensor, options: CrossEntropyOptions = {}): Tensor<ToFloat<D>> {
  const { weight = null, reduction = 'mean', labelSmoothing: smoothing = 0 } = options;
  checkReduction('crossEntropy', reduction);
  if (!(smoothing >= 0 && smoothing <= 1)) throw new ArgumentError(`crossEntropy: labelSmoothing must be from 0 to 1, not ${smoothing}`);
  if (logits.rank === 0) throw new ShapeError('crossEntropy: a scalar has no axis of classes; the logits must be [..., C]');
  checkClassWeight('crossEntropy', weight, logits.shape[logits.rank - 1]);
  const dtype = toFloat(logits.dtype);
  const operands = (wanted: Tensor): Tensor[] => [cast(logits, dtype), wanted, ...(weight === null ? [] : [cast(weight, dtype)])];
  if (isFloat(targets.dtype)) {
    if (options.ignoreIndex !== undefined) throw new ArgumentError('crossEntropy: distributions as targets have no ignoreIndex; give such rows a distribution of zeros');
    if (!sameShape(targets.shape, logits.shape)) throw new ShapeError(`crossEntropy: targets of dtype ${targets.dtype} are distributions of the shape of the logits ${formatShape(logits.shape)}, not ${formatShape(targets.shape)}; cast class numbers to 'int32'`);
    const attributes = { ignoreIndex: null, smoothing, reduction, denominator: sizeOf(logits.shape.slice(0, -1)) };
    return apply(crossEntropyOp, operands(cast(targets, dtype)), attributes) as Tensor<ToFloat<D>>;
  }
  const { ignoreIndex = -100 } = options;
  const { classes, denominator } = checkClasses('crossEntropy', logits, targets, weight, ignoreIndex);
  return apply(crossEntropyOp, operands(classes), { ignoreIndex, smoothing, reduction, denominator }) as Tensor<ToFloat<D>>;
}
