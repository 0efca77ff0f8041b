import { ArgumentError, arange, ShapeError, where, type Reduction, type Tensor } from '@strided/tensor';

/** Losses, as PyTorch's functions of these names compute them. Predictions and targets have the same shape, [...], unless told otherwise. */

export { crossEntropy, nllLoss, type CrossEntropyOptions, type NllLossOptions } from '@strided/tensor';

export interface LossOptions {
  /** What becomes of the losses of all values. Default 'mean'. */
  readonly reduction?: Reduction;
}

function checkShapes(op: string, prediction: Tensor, target: Tensor): void {
  if (prediction.shape.join() === target.shape.join()) return;
  throw new ShapeError(`${op}: predictions [${prediction.shape.join(', ')}] and targets [${target.shape.join(', ')}] must have the same shape; use reshape() or expand() where that is meant`);
}

function reduce(op: string, losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses;
  if (reduction !== 'sum' && reduction !== 'mean') throw new ArgumentError(`${op}: the reduction must be 'mean', 'sum' or 'none', not '${String(reduction)}'`);
  return reduction === 'sum' ? losses.sum() : losses.mean();
}

/** (prediction − target)². */
export function mseLoss(prediction: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  checkShapes('mseLoss', prediction, target);
  return reduce('mseLoss', prediction.sub(target).square(), reduction);
}

/** |prediction − target|; the gradient is 0 where they are equal. */
export function l1Loss(prediction: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  checkShapes('l1Loss', prediction, target);
  return reduce('l1Loss', prediction.sub(target).abs(), reduction);
}

/** With d = |prediction − target|: ½d² up to `delta` (default 1), from there on the line delta·(d − ½·delta) (Huber 1964). */
export function huberLoss(prediction: Tensor, target: Tensor, { reduction, delta = 1 }: LossOptions & { readonly delta?: number } = {}): Tensor {
  checkShapes('huberLoss', prediction, target);
  if (!(delta > 0)) throw new ArgumentError(`huberLoss: delta must be above 0, not ${delta}`);
  const distance = prediction.sub(target).abs();
  // Clamped, so that where() meets no infinity (∞²·0) on the side that it leaves out.
  const near = distance.clamp({ max: delta });
  return reduce('huberLoss', near.mul(near).mul(0.5).add(distance.sub(near).mul(delta)), reduction);
}

export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A factor for each loss; broadcast. */
  readonly weight?: Tensor;
  /** A factor for the part of target 1, against rare positives; broadcast. */
  readonly positiveWeight?: Tensor;
}

/**
 * −[w₊·y·ln σ(x) + (1 − y)·ln(1 − σ(x))] for logits x and targets y from 0 to 1, exact for logits of any size.
 *
 * @example
 * binaryCrossEntropyWithLogits(tensor([0]), tensor([1])).item(); // ln 2
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor, { reduction, weight, positiveWeight }: BinaryCrossEntropyOptions = {}): Tensor {
  checkShapes('binaryCrossEntropyWithLogits', logits, target);
  // −ln σ(x) = softplus(−x), −ln(1 − σ(x)) = softplus(x).
  const positive = target.mul(logits.neg().softplus());
  const losses = (positiveWeight === undefined ? positive : positive.mul(positiveWeight)).add(target.neg().add(1).mul(logits.softplus()));
  return reduce('binaryCrossEntropyWithLogits', weight === undefined ? losses : losses.mul(weight), reduction);
}

export interface KlDivOptions {
  /** 'batchMean' divides the sum by the length of the first axis: the mathematical divergence, averaged over rows. Default 'mean': over all values. */
  readonly reduction?: Reduction | 'batchMean';
  /** Whether the targets are ln y. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback and Leibler's divergence, value by value: y·(ln y − x) for log-probabilities x and probabilities y; 0 where y
 * is 0.
 */
export function klDiv(logProbabilities: Tensor, target: Tensor, { reduction, logTarget = false }: KlDivOptions = {}): Tensor {
  checkShapes('klDiv', logProbabilities, target);
  const none = logTarget ? target.eq(-Infinity) : target.eq(0);
  // A harmless number where y is 0, so that no 0·∞ appears, on the way back neither.
  const safe = where(none, logTarget ? 0 : 1, target);
  const [y, logY] = logTarget ? [safe.exp(), safe] : [safe, safe.log()];
  const losses = where(none, 0, y.mul(logY.sub(logProbabilities)));
  if (reduction !== 'batchMean') return reduce('klDiv', losses, reduction);
  if (losses.rank === 0) throw new ShapeError("klDiv: a scalar has no batch; use the reduction 'sum'");
  return losses.sum().div(losses.shape[0]);
}

export interface InfoNceOptions extends LossOptions {
  /** What similarities are divided by. Default 0.05. */
  readonly temperature?: number;
  /** 'cosine' (default): of the vectors at length 1; 'dot': as they are. */
  readonly similarity?: 'cosine' | 'dot';
  /** Whether keys choose among queries too, and the two losses are averaged (CLIP). Needs as many keys as queries. Default false. */
  readonly symmetric?: boolean;
}

/**
 * In-batch contrastive loss (van den Oord et al., InfoNCE, arXiv 1807.03748): each query chooses among all keys by
 * softmax(similarity/temperature), and the right one is the key of its own number. Queries are [N, D], keys [M, D] with
 * M ≥ N: the keys beyond N are negatives for all. The loss is −ln of the right key's share.
 *
 * @example
 * const loss = infoNce(encode(questions), encode([...answers, ...hardNegatives]));
 */
export function infoNce(queries: Tensor, keys: Tensor, { reduction, temperature = 0.05, similarity = 'cosine', symmetric = false }: InfoNceOptions = {}): Tensor {
  const [q, k] = [queries.shape, keys.shape];
  if (q.length !== 2 || k.length !== 2 || q[1] !== k[1] || k[0] < q[0]) {
    throw new ShapeError(`infoNce: queries must be [N, D] and keys [M, D] with M ≥ N, not [${q.join(', ')}] and [${k.join(', ')}]; key i is the right one for query i`);
  }
  if (symmetric && k[0] !== q[0]) throw new ShapeError(`infoNce: symmetric needs as many keys as queries, not ${k[0]} and ${q[0]}`);
  if (!(temperature > 0)) throw new ArgumentError(`infoNce: the temperature must be above 0, not ${temperature}`);
  if (similarity !== 'cosine' && similarity !== 'dot') throw new ArgumentError(`infoNce: the similarity must be 'cosine' or 'dot', not '${String(similarity)}'`);
  const [a, b] = similarity === 'cosine' ? [normalized(queries), normalized(keys)] : [queries, keys];
  const scores = a.matmul(b.transpose()).div(temperature);
  const own = arange(q[0]).unsqueeze(1);
  const losses = (rows: Tensor): Tensor => rows.logSoftmax().gather(1, own).squeeze(1).neg();
  const forth = losses(scores);
  return reduce('infoNce', symmetric ? forth.add(losses(scores.transpose())).mul(0.5) : forth, reduction);
}

/** Rows of length 1; those near 0 as they are over 1e-12, as torch.nn.functional.normalize has it. */
function normalized(x: Tensor): Tensor {
  return x.div(x.norm(-1, { keepDims: true }).clamp({ min: 1e-12 }));
}
