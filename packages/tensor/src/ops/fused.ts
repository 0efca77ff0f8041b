import { toFloat, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { normalizeAxis } from '../layout.ts';
import { defaultGenerator, type Generator, type GeneratorState } from '../random.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, defineOp, type Op } from './op.ts';

/** Runs a kernel that writes one result of its first operand's shape. */
function likeFirst(kernel: (...views: View[]) => void) {
  return (inputs: readonly View[]): View => {
    const output = allocate(inputs[0].layout.shape, inputs[0].storage.dtype);
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

/** Runs a function of the last axis on any axis. */
function alongAxis(op: Op, name: string, x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(name, axis, x.rank);
  const float = cast(x, toFloat(x.dtype));
  return at === x.rank - 1 ? apply(op, [float], undefined) : apply(op, [float.transpose(at, -1)], undefined).transpose(at, -1);
}

/** exp(xᵢ) / Σⱼ exp(xⱼ) along an axis, shifted by the largest value so that nothing overflows. */
export function softmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<ToFloat<D>> {
  return alongAxis(softmaxOp, 'softmax', x, axis) as Tensor<ToFloat<D>>;
}

/** ln softmax(x) along an axis, without the rounding of taking the logarithm afterwards. */
export function logSoftmax<D extends DType>(x: Tensor<D>, axis = -1): Tensor<ToFloat<D>> {
  return alongAxis(logSoftmaxOp, 'logSoftmax', x, axis) as Tensor<ToFloat<D>>;
}

/** The mask is a pure function of the stream's position, so backward draws it again instead of keeping it. */
const dropoutOp: Op<{ readonly p: number; readonly state: GeneratorState }> = defineOp({
  name: 'dropout',
  forward([x], { p, state }) {
    const output = allocate(x.layout.shape, x.storage.dtype);
    kernels.dropout(x, p, state, output);
    return output;
  },
  backward: (g, { attributes }) => [apply(dropoutOp, [g], attributes)],
});

export interface DropoutOptions {
  /** The probability that a value becomes 0. Default 0.5. */
  readonly p?: number;
  /** Off, the op returns x itself. Default true. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

/** Each value is 0 with probability p, else x / (1 − p), so that the mean stays (Srivastava et al., JMLR 2014). */
export function dropout<D extends DType>(x: Tensor<D>, { p = 0.5, training = true, generator = defaultGenerator }: DropoutOptions = {}): Tensor<ToFloat<D>> {
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`dropout: the probability must be from 0 to 1, not ${p}`);
  const float = cast(x, toFloat(x.dtype));
  return (!training || p === 0 ? float : apply(dropoutOp, [float], { p, state: generator.reserve(x.size) })) as Tensor<ToFloat<D>>;
}
