import type { View } from '../../storage.ts';
import type { CrossEntropyGradients, CrossEntropyTargets } from '../contract.ts';
import { forEachLane } from './iterate.ts';
import { readVector } from './vectors.ts';

/**
 * Rows along the last axis: logits [..., C]. The wanted distribution q weighs each class's −ln p = logSumExp − x:
 *   classes   q[c] = (1 − s)·w[c]·(c = target) + s/C·w[c]; a row whose target is ignored is left out
 *   soft      q[c] = w[c]·((1 − s)·target[c] + s/C)
 * loss = Σ q·(logSumExp − x), and its gradient p·Σ q − q. Sums are float64 inside.
 */
export function crossEntropy(logits: View, targets: CrossEntropyTargets, losses: View, logSumExp: View): void {
  const axis = logits.layout.shape.length - 1;
  const C = logits.layout.shape[axis];
  const [source, loss, lse] = [logits.storage.data, losses.storage.data, logSumExp.storage.data];
  const sx = logits.layout.strides[axis];
  const wanted = distribution(targets, C);
  const row = new Float64Array(C);
  const layouts = [logits, targets.view, losses, logSumExp].map(({ layout }) => layout);
  forEachLane(logits.layout.shape, layouts, axis, ([ix, it, il, is]) => {
    let max = -Infinity;
    for (let c = 0, i = ix; c < C; c++, i += sx) {
      const x = source[i];
      row[c] = x;
      if (x > max) max = x;
    }
    let sum = 0;
    for (let c = 0; c < C; c++) sum += Math.exp(row[c] - max);
    const total = max + Math.log(sum);
    lse[is] = total;
    let value = 0;
    const only = wanted.read(it);
    if (only >= 0) value = wanted.q[only] * (total - row[only]);
    else if (only === every) for (let c = 0; c < C; c++) value += wanted.q[c] * (total - row[c]);
    loss[il] = value;
  });
}

export function crossEntropyBackward(logits: View, targets: CrossEntropyTargets, logSumExp: View, g: View, out: CrossEntropyGradients): void {
  const axis = logits.layout.shape.length - 1;
  const C = logits.layout.shape[axis];
  const [source, lse, gradient] = [logits.storage.data, logSumExp.storage.data, g.storage.data];
  const sx = logits.layout.strides[axis];
  const wanted = distribution(targets, C);
  const [toLogits, toTargets] = [out.logits, out.targets].map((view) => (view === null ? null : { data: view.storage.data, stride: view.layout.strides[axis] }));
  const layouts = [logits, targets.view, logSumExp, g, out.logits ?? logits, out.targets ?? logits].map(({ layout }) => layout);
  forEachLane(logits.layout.shape, layouts, axis, ([ix, it, is, ig, io, iq]) => {
    const [total, scale] = [lse[is], gradient[ig]];
    const only = wanted.read(it);
    if (toTargets !== null) {
      for (let c = 0, i = ix, o = iq; c < C; c++, i += sx, o += toTargets.stride) toTargets.data[o] = scale * wanted.share * wanted.weights[c] * (total - source[i]);
    }
    if (toLogits === null) return;
    const { data, stride } = toLogits;
    if (only === none) {
      for (let c = 0, o = io; c < C; c++, o += stride) data[o] = 0;
    } else if (only >= 0) {
      const q = wanted.q[only];
      for (let c = 0, i = ix, o = io; c < C; c++, i += sx, o += stride) data[o] = scale * (Math.exp(source[i] - total) * q - (c === only ? q : 0));
    } else {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += wanted.q[c];
      for (let c = 0, i = ix, o = io; c < C; c++, i += sx, o += stride) data[o] = scale * (Math.exp(source[i] - total) * sum - wanted.q[c]);
    }
  });
}

/** What `read` answers beside a class: q weighs every class, or nothing. */
const every = -1;
const none = -2;

interface Distribution {
  readonly weights: Float64Array;
  /** The row's distribution after `read`; where one class has all of it, only that place is meant. */
  readonly q: Float64Array;
  /** 1 − smoothing: the target's own share. */
  readonly share: number;
  /** Fills q for the row whose target lies at `offset`: the one class that has all of it, `every` or `none`. */
  read(offset: number): number;
}

function distribution({ view, weight, ignoreIndex, smoothing }: CrossEntropyTargets, C: number): Distribution {
  const weights = weight === null ? new Float64Array(C).fill(1) : readVector(weight);
  const { data } = view.storage;
  const share = 1 - smoothing;
  const rest = smoothing / C;
  if (ignoreIndex === null) {
    const stride = view.layout.strides[view.layout.strides.length - 1];
    const q = new Float64Array(C);
    const read = (offset: number): number => {
      for (let c = 0, i = offset; c < C; c++, i += stride) q[c] = weights[c] * (share * data[i] + rest);
      return every;
    };
    return { weights, q, share, read };
  }
  if (smoothing === 0) return { weights, q: weights, share, read: (offset) => (data[offset] === ignoreIndex ? none : data[offset]) };
  const q = weights.map((w) => rest * w);
  let last = -1;
  const read = (offset: number): number => {
    const target = data[offset];
    if (last >= 0) q[last] = rest * weights[last];
    last = target === ignoreIndex ? -1 : target;
    if (last < 0) return none;
    q[last] = (share + rest) * weights[last];
    return every;
  };
  return { weights, q, share, read };
}
