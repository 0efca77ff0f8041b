import { isFloat } from '../dtype.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { extent, formatShape, mayOverlapItself, sameShape } from '../layout.ts';
import { sharesMemory, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';

export interface AdamWStepOptions {
  readonly lr: number;
  /** Which step this is: 1, 2, … */
  readonly step: number;
  /** How slowly the averages of the gradient and of its square forget. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root. Default 1e-8. */
  readonly eps?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Off, the averages start as they are, at 0: Google's BERT. Default true. */
  readonly biasCorrection?: boolean;
}

/**
 * One step of Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), in place and in one pass:
 *
 *     m ← β₁·m + (1 − β₁)·g
 *     v ← β₂·v + (1 − β₂)·g²
 *     p ← p·(1 − lr·weightDecay) − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps)
 *
 * as PyTorch's AdamW, t being `step`; with `biasCorrection: false` both corrections are 1, as in Google's BERT. Each value
 * is computed in float64 and rounded once. The step is no part of any graph: values that backward still needs count as changed.
 *
 * @throws ShapeError, DTypeError or AutogradError, before anything changes, when the four tensors do not fit each other
 * or the parameter is no leaf; ArgumentError for settings that make no sense.
 * @example
 * adamWStep(weight, weight.grad, m, v, { lr: 1e-3, step: 1 });
 */
export function adamWStep(parameter: Tensor, gradient: Tensor, m: Tensor, v: Tensor, options: AdamWStepOptions): void {
  const { lr, step, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, biasCorrection = true } = options;
  if (!(lr >= 0 && eps >= 0 && weightDecay >= 0)) throw new ArgumentError(`adamWStep: lr ${lr}, eps ${eps} and weightDecay ${weightDecay} must be numbers from 0`);
  if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) throw new ArgumentError(`adamWStep: the betas [${beta1}, ${beta2}] must be from 0 to below 1`);
  if (!Number.isSafeInteger(step) || step < 1) throw new ArgumentError(`adamWStep: the step must be a whole number from 1, not ${step}`);
  if (!parameter.isLeaf) throw new AutogradError('adamWStep: the parameter is the result of a recorded op; only a leaf can be stepped');
  if (!isFloat(parameter.dtype)) throw new DTypeError(`adamWStep: the parameter must be float32 or float64, not ${parameter.dtype}`);
  for (const [name, tensor] of [['gradient', gradient], ['m', m], ['v', v]] as const) {
    if (!sameShape(tensor.shape, parameter.shape)) throw new ShapeError(`adamWStep: ${name} ${formatShape(tensor.shape)} must have the shape of the parameter, ${formatShape(parameter.shape)}`);
    if (tensor.dtype !== parameter.dtype) throw new DTypeError(`adamWStep: ${name} is ${tensor.dtype}, the parameter ${parameter.dtype}; use cast('${parameter.dtype}')`);
  }
  const written = [parameter, m, v];
  for (const [i, tensor] of written.entries()) {
    if (mayOverlapItself(tensor.layout)) throw new ShapeError(`adamWStep: ${['the parameter', 'm', 'v'][i]} ${formatShape(tensor.shape)} shows some values more than once (it was expanded); clone() it first`);
    if ([gradient, ...written.slice(i + 1)].some((other) => mayMeet(tensor, other))) throw new ArgumentError('adamWStep: parameter, gradient, m and v must be four tensors of their own; clone() what is shared');
  }
  const root = biasCorrection ? Math.sqrt(1 - beta2 ** step) : 1;
  const stepSize = biasCorrection ? (lr * root) / (1 - beta1 ** step) : lr;
  kernels.adamW(parameter, gradient, m, v, { keep: 1 - lr * weightDecay, beta1, beta2, stepSize, eps: eps * root });
  for (const tensor of written) tensor.storage.touch('adamWStep');
}

/** Whether a write to one may change the other; views of one storage may lie side by side. */
function mayMeet(a: View, b: View): boolean {
  if (a.storage !== b.storage) return sharesMemory(a.storage, b.storage);
  const [one, other] = [extent(a.layout), extent(b.layout)];
  return one !== null && other !== null && one.first <= other.last && other.first <= one.last;
}
