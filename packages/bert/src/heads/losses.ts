import { crossEntropy, fromTypedArray, ShapeError, type Tensor } from '@strided/tensor';
import type { ProblemType } from './spec.ts';

/** The losses of transformers: means over what counts, −100 is not counted. */

/** Cross entropy of logits [..., C] and class numbers [...]. */
export function classLoss(logits: Tensor, labels: Tensor, ignoreIndex = -100): Tensor {
  const rows = logits.shape.slice(0, -1);
  if (labels.size !== rows.reduce((product, length) => product * length, 1)) {
    throw new ShapeError(`labels: must be [${rows.join(', ')}], one for each row of logits, not [${labels.shape.join(', ')}]`);
  }
  return crossEntropy(logits, labels.reshape(rows), { ignoreIndex });
}

/** Position t predicts token t + 1: logits [B, S, V], labels [B, S]. */
export function causalLoss(logits: Tensor, labels: Tensor): Tensor {
  const length = logits.shape[1];
  return classLoss(logits.narrow(1, 0, length - 1), labels.narrow(1, 1, length - 1));
}

/** Mean of max(x, 0) − x·y + ln(1 + e^−|x|), which is −ln σ(x) for y = 1 and −ln σ(−x) for y = 0, exact for any x. */
export function binaryLoss(logits: Tensor, labels: Tensor): Tensor {
  return logits.softplus().sub(logits.mul(labels.cast(logits.dtype))).mean();
}

/**
 * The loss of a sequence classifier. Where config.json names no kind of problem, one label is regression, whole numbers
 * are classes and other numbers several labels at once.
 */
export function sequenceLoss(logits: Tensor, labels: Tensor, problem: ProblemType | null, distributions = false): Tensor {
  const count = logits.shape[logits.rank - 1];
  if (problem === null && distributions && count > 1 && labels.size === logits.size) return crossEntropy(logits, labels.reshape(logits.shape).cast('float32'));
  const kind = problem ?? (count === 1 ? 'regression' : labels.dtype.startsWith('float') ? 'multi_label_classification' : 'single_label_classification');
  if (kind === 'single_label_classification') return classLoss(logits, labels);
  if (labels.size !== logits.size) throw new ShapeError(`labels: must be [${logits.shape.join(', ')}] for ${kind}, not [${labels.shape.join(', ')}]`);
  const wanted = labels.reshape(logits.shape).cast(logits.dtype);
  return kind === 'regression' ? logits.sub(wanted).square().mean() : binaryLoss(logits, wanted);
}

/** The mean loss of both ends of an answer. Positions beyond the tokens are not counted; padding is, as in transformers. */
export function answerLoss(start: Tensor, end: Tensor, startPositions: Tensor, endPositions: Tensor): Tensor {
  const length = start.shape[1];
  const within = (positions: Tensor): Tensor => fromTypedArray(Int32Array.from(positions.toTypedArray(), (p) => Math.min(length, Math.max(0, p))));
  return classLoss(start, within(startPositions), length).add(classLoss(end, within(endPositions), length)).div(2);
}

/** ELECTRA's: whether each token that the mask shows was replaced; logits and labels [B, S]. */
export function replacedLoss(logits: Tensor, labels: Tensor, mask: Tensor | null): Tensor {
  if (mask === null) return binaryLoss(logits, labels);
  const shown = mask.eq(1);
  return binaryLoss(logits.maskedSelect(shown), labels.maskedSelect(shown));
}
