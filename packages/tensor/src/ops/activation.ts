import type { ActivationName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp, type Op } from './op.ts';

/**
 * The backward pass of activations as an op of its own: one pass over the values, where the same in elementwise ops
 * takes up to twelve; and with a rule of its own, so that gradients can be differentiated again.
 */

const sqrtTwoOverPi = Math.sqrt(2 / Math.PI);
const oneOverSqrtTwoPi = 1 / Math.sqrt(2 * Math.PI);

/** d(f′)/d(value): f″ of x for functions known by their input, the derivative of f′ in terms of y for tanh and sigmoid. */
const curvature: Record<ActivationName, (value: Tensor) => Tensor> = {
  // φ(x)·(2 − x²)
  gelu: (x) => {
    const square = x.square();
    return square.mul(-0.5).exp().mul(oneOverSqrtTwoPi).mul(square.neg().add(2));
  },
  // (1 − t²)·(u′ + x/2·(u″ − 2t·u′²)), t = tanh u, u = √(2/π)·(x + a·x³), a = 0.044715
  geluTanh: (x) => {
    const square = x.square();
    const t = square.mul(0.044715).add(1).mul(x).mul(sqrtTwoOverPi).tanh();
    const slope = square.mul(3 * 0.044715).add(1).mul(sqrtTwoOverPi);
    const bend = x.mul(6 * 0.044715 * sqrtTwoOverPi);
    const inner = bend.sub(t.mul(slope.square()).mul(2));
    return t.square().neg().add(1).mul(slope.add(x.mul(inner).mul(0.5)));
  },
  // s·(1 − s)·(2 + x·(1 − 2s))
  silu: (x) => {
    const s = x.sigmoid();
    return s.mul(s.neg().add(1)).mul(x.mul(s.mul(-2).add(1)).add(2));
  },
  tanh: (y) => y.mul(-2),
  sigmoid: (y) => y.mul(-2).add(1),
};

const activationBackwardOp: Op<{ readonly name: ActivationName }> = defineOp({
  name: 'activationBackward',
  saves: { inputs: (needs) => (needs[0] ? [0, 1] : [0]) },
  forward([value, g], { name }) {
    const output = allocateUnset(g.layout.shape, g.storage.dtype);
    kernels.activationBackward(name, value, g, output);
    return output;
  },
  backward: (h, { inputs: [value, g], attributes, needs }) => [
    needs[0] ? h.mul(g).mul(curvature[attributes.name](value)) : null,
    needs[1] ? activationBackward(attributes.name, value, h) : null,
  ],
});

/** g·f′, where `value` is x for gelu, geluTanh and silu, and y = f(x) for tanh and sigmoid. */
export function activationBackward(name: ActivationName, value: Tensor, g: Tensor): Tensor {
  return apply(activationBackwardOp, [value, g], { name });
}
