import { toFloat, type DType, type ToFloat } from '../dtype.ts';
import { kernels } from '../kernels/dispatch.ts';
import { normalizeAxis } from '../layout.ts';
import { allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, checkTensor, defineOp, type Op } from './op.ts';

/** Runs a kernel that writes one result of its first operand's shape. */
function likeFirst(kernel: (...views: View[]) => void) {
  return (inputs: readonly View[]): View => {
    const output = allocateUnset(inputs[0].layout.shape, inputs[0].storage.dtype);
    kernel(...inputs, output);
    return output;
  };
}

const softmaxBackwardOp: Op = defineOp({
  name: 'softmaxBackward',
  saves: { inputs: [0, 1] },
  forward: likeFirst((y, g, out) => kernels.softmaxBackward(y, g, out)),
  // out = y·(g − Σ g·y)
  backward: (h, { inputs: [y, g] }) => {
    const inner = g.mul(y).sum(-1, { keepDims: true });
    const hy = h.mul(y).sum(-1, { keepDims: true });
    return [h.mul(g.sub(inner)).sub(hy.mul(g)), h.mul(y).sub(hy.mul(y))];
  },
});

const softmaxOp: Op = defineOp({
  name: 'softmax',
  saves: { output: true },
  forward: likeFirst((x, out) => kernels.softmax(x, out)),
  backward: (g, { output }) => [apply(softmaxBackwardOp, [output, g], undefined)],
  composed: ([x]) => {
    const shifted = x.sub(x.detach().max(-1, { keepDims: true })).exp();
    return shifted.div(shifted.sum(-1, { keepDims: true }));
  },
});

const logSoftmaxBackwardOp: Op = defineOp({
  name: 'logSoftmaxBackward',
  saves: { inputs: [0, 1] },
  forward: likeFirst((y, g, out) => kernels.logSoftmaxBackward(y, g, out)),
  // out = g − exp(y)·Σ g
  backward: (h, { inputs: [y, g] }) => {
    const p = y.exp();
    const hp = h.mul(p);
    return [hp.mul(g.sum(-1, { keepDims: true })).neg(), h.sub(hp.sum(-1, { keepDims: true }))];
  },
});

const logSoftmaxOp: Op = defineOp({
  name: 'logSoftmax',
  saves: { output: true },
  forward: likeFirst((x, out) => kernels.logSoftmax(x, out)),
  backward: (g, { output }) => [apply(logSoftmaxBackwardOp, [output, g], undefined)],
  composed: ([x]) => {
    const shifted = x.sub(x.detach().max(-1, { keepDims: true }));
    return shifted.sub(shifted.exp().sum(-1, { keepDims: true }).log());
  },
});

/** Runs a function of the last axis on any axis; a scalar is an axis of one value. */
function alongAxis(op: Op, name: string, x: Tensor, axis: number): Tensor {
  checkTensor(name, x);
  const at = normalizeAxis(name, axis, Math.max(1, x.rank));
  const float = cast(x, toFloat(x.dtype));
  if (x.rank === 0) return apply(op, [float.unsqueeze(0)], undefined).squeeze(0);
  return at === x.rank - 1 ? apply(op, [float], undefined) : apply(op, [float.transpose(at, -1)], undefined).transpose(at, -1);
}

/**
 * exp(xᵢ) / Σⱼ exp(xⱼ) along an axis, shifted by the largest value so that nothing overflows. Where every value is −∞
 * the result is NaN, as in PyTorch; a scalar gives 1.
 * @throws IndexError when the axis does not exist.
 * @example
 * softmax(tensor([0, Math.log(3)])); // [0.25, 0.75]
 */
export function softmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<ToFloat<D>> {
  return alongAxis(softmaxOp, 'softmax', x, axis) as Tensor<ToFloat<D>>;
}

/**
 * ln softmax(x) along an axis, without the rounding of taking the logarithm afterwards.
 * @throws IndexError when the axis does not exist.
 * @example
 * logSoftmax(tensor([0, 0])); // [-0.6931, -0.6931]
 */
export function logSoftmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<ToFloat<D>> {
  return alongAxis(logSoftmaxOp, 'logSoftmax', x, axis) as Tensor<ToFloat<D>>;
}
