import { ArgumentError, DTypeError, ShapeError, type Tensor } from '@strided/tensor';

export interface NllOptions {
  /** Targets of this value count for nothing. */
  readonly ignoreIndex?: number;
  readonly reduction?: 'mean' | 'sum' | 'none';
}

/**
 * The negative log-likelihood −logProbabilities[i, target[i]] of log-probabilities [N, C] at targets [N], averaged
 * over the targets that count (NaN when none does, as in PyTorch).
 */
export function nllLoss(logProbabilities: Tensor, targets: Tensor, { ignoreIndex, reduction = 'mean' }: NllOptions = {}): Tensor {
  const [N] = logProbabilities.shape;
  if (logProbabilities.rank !== 2 || targets.rank !== 1 || targets.shape[0] !== N) {
    throw new ShapeError(`nllLoss: log-probabilities [${logProbabilities.shape.join(', ')}] must have shape [N, C] and targets [${targets.shape.join(', ')}] shape [N]; flatten the other axes first`);
  }
  if (targets.dtype === 'float32' || targets.dtype === 'float64') throw new DTypeError(`nllLoss: targets are class numbers, not ${targets.dtype}; use cast('int32')`);
  if (!['mean', 'sum', 'none'].includes(reduction)) throw new ArgumentError(`nllLoss: the reduction must be 'mean', 'sum' or 'none', not '${reduction}'`);
  const counts = ignoreIndex === undefined ? null : targets.ne(ignoreIndex);
  const safe = counts === null ? targets : targets.mul(counts);
  const picked = logProbabilities.gather(1, safe.unsqueeze(1)).squeeze(1).neg();
  const losses = counts === null ? picked : picked.where(counts, 0);
  if (reduction === 'none') return losses;
  if (reduction === 'sum') return losses.sum();
  return losses.sum().div(counts === null ? N : counts.sum().item());
}
