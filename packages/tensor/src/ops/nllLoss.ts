import { isFloat, toFloat, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError, AutogradError, DTypeError, IndexError, ShapeError } from '../errors.ts';
import { formatShape, sameShape } from '../layout.ts';
import type { Tensor } from '../tensor.ts';
import { cast, where } from './elementwise.ts';

/** What becomes of the losses of all rows: their mean (weighted where there are weights), their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface NllLossOptions {
  /** A factor for each class [C]; the mean is weighted by it too. */
  readonly weight?: Tensor | null;
  /** Rows with this target count for nothing. Default −100, as in PyTorch. */
  readonly ignoreIndex?: number;
  /** Default 'mean'. */
  readonly reduction?: Reduction;
}

export function checkReduction(op: string, reduction: Reduction): void {
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none') throw new ArgumentError(`${op}: the reduction must be 'mean', 'sum' or 'none', not '${String(reduction)}'`);
}

export function checkClassWeight(op: string, weight: Tensor | null, classes: number): void {
  if (weight === null) return;
  if (weight.rank !== 1 || weight.shape[0] !== classes) throw new ShapeError(`${op}: the weight must be [${classes}], one factor for each class, not ${formatShape(weight.shape)}`);
  if (weight.requiresGrad) throw new AutogradError(`${op}: the class weight has no gradient; pass weight.detach()`);
}

/** Targets as int32, each a class or ignored; and the sum of their weights: what the mean divides by. */
export function checkClasses(op: string, scores: Tensor, targets: Tensor, weight: Tensor | null, ignoreIndex: number): { readonly classes: Tensor<'int32'>; readonly denominator: number } {
  if (scores.rank === 0) throw new ShapeError(`${op}: a scalar has no axis of classes; the scores must be [..., C]`);
  const rows = scores.shape.slice(0, -1);
  const C = scores.shape[scores.rank - 1];
  if (isFloat(targets.dtype)) throw new DTypeError(`${op}: the targets must be class numbers, not ${targets.dtype}; use cast('int32')`);
  if (!sameShape(targets.shape, rows)) {
    throw new ShapeError(`${op}: class targets must be ${formatShape(rows)}, one for each row of the scores ${formatShape(scores.shape)} (classes are the last axis), not ${formatShape(targets.shape)}`);
  }
  const classes = cast(targets, 'int32');
  const factors = weight === null ? null : weight.toTypedArray();
  let denominator = 0;
  const values = classes.toTypedArray();
  for (let i = 0; i < values.length; i++) {
    const target = values[i];
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= C) throw new IndexError(`${op}: target ${target} (number ${i} in row-major order) is no class: ${C} classes are numbered 0 to ${C - 1}, and ${ignoreIndex} is ignored`);
    denominator += factors === null ? 1 : factors[target];
  }
  return { classes, denominator };
}

/** −w·x at each row's target, 0 where it is ignored. */
export function pickTargets(scores: Tensor, classes: Tensor, weight: Tensor | null, ignoreIndex: number): Tensor {
  const counts = classes.ne(ignoreIndex);
  if (classes.size === 0) return scores.sum(-1);
  const safe = where(counts, classes, 0);
  const picked = scores.gather(-1, safe.unsqueeze(-1)).squeeze(-1).neg();
  const weighed = weight === null ? picked : picked.mul(weight.indexSelect(0, safe.flatten()).reshape(classes.shape));
  return where(counts, weighed, 0);
}

export function reduceLosses(losses: Tensor, reduction: Reduction, denominator: number): Tensor {
  if (reduction === 'none') return losses;
  const sum = losses.sum();
  return reduction === 'sum' ? sum : sum.div(denominator);
}

/**
 * The negative log-likelihood: −weight[target]·x[..., target] for x = log-probabilities [..., C] and integer targets [...].
 * PyTorch's, with the classes on the last axis: rows with `ignoreIndex` give 0, and the mean divides by the sum of the
 * weights of the targets that count, so that it is NaN where none does.
 *
 * @throws ShapeError, DTypeError or IndexError when the targets are not one class number for each row.
 * @example
 * nllLoss(logSoftmax(tensor([[0, 0]])), tensor([1], { dtype: 'int32' })).item(); // ln 2
 */
export function nllLoss<D extends DType>(logProbabilities: Tensor<D>, targets: Tensor, options: NllLossOptions = {}): Tensor<ToFloat<D>> {
  const { weight = null, ignoreIndex = -100, reduction = 'mean' } = options;
  checkReduction('nllLoss', reduction);
  const { classes, denominator } = checkClasses('nllLoss', logProbabilities, targets, weight, ignoreIndex);
  checkClassWeight('nllLoss', weight, logProbabilities.shape[logProbabilities.rank - 1]);
  const scores: Tensor = cast(logProbabilities, toFloat(logProbabilities.dtype));
  const factors = weight === null ? null : cast(weight, scores.dtype);
  return reduceLosses(pickTargets(scores, classes, factors, ignoreIndex), reduction, denominator) as Tensor<ToFloat<D>>;
}
