import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adamWStep, fromTypedArray, ones, tensor, zeros, type AdamWStepOptions, type Tensor } from '../index.ts';
import { expectClose, shapes, tensors } from '../testing/index.ts';

/** Four tensors of one shape that may be written to, v from 0. */
function operands<D extends 'float32' | 'float64'>(dtype: D): fc.Arbitrary<readonly [Tensor<D>, Tensor<D>, Tensor<D>, Tensor<D>]> {
  return shapes().chain((shape) => {
    const one = (range: readonly [number, number]) => tensors({ dtype, shape, range, layout: 'unshared' });
    return fc.tuple(one([-2, 2]), tensors({ dtype, shape, range: [-2, 2] }), one([-2, 2]), one([0, 2]));
  });
}

const options: fc.Arbitrary<AdamWStepOptions> = fc.record({
  lr: fc.constantFrom(0, 1e-3, 0.5), step: fc.integer({ min: 1, max: 1000 }), betas: fc.constantFrom<[number, number]>([0.9, 0.999], [0, 0], [0.5, 0.25]),
  eps: fc.constantFrom(1e-8, 1e-6), weightDecay: fc.constantFrom(0, 0.01, 0.5), biasCorrection: fc.boolean(),
});

/** PyTorch's steps in ordinary ops and in float64. */
function twin(p: Tensor, g: Tensor, m: Tensor, v: Tensor, { lr, step, betas: [beta1, beta2] = [0, 0], eps = 0, weightDecay = 0, biasCorrection = true }: AdamWStepOptions): Tensor[] {
  const decayed = p.mul(1 - lr * weightDecay);
  const mean = m.mul(beta1).add(g.mul(1 - beta1));
  const square = v.mul(beta2).add(g.mul(g).mul(1 - beta2));
  const [c1, c2] = biasCorrection ? [1 - beta1 ** step, 1 - beta2 ** step] : [1, 1];
  return [decayed.sub(mean.div(square.sqrt().div(Math.sqrt(c2)).add(eps)).mul(lr / c1)), mean, square];
}

describe('adamWStep', () => {
  it('is the formula in ordinary ops: within 2⁻²² of the largest term in float32, 1e-13 in float64, any layout', () => {
    for (const [dtype, bound] of [['float32', 2 ** -22], ['float64', 1e-13]] as const) {
      fc.assert(fc.property(operands<'float32' | 'float64'>(dtype), options, ([p, g, m, v], settings) => {
        const wide = [p, g, m, v].map((x) => x.cast('float64').clone());
        const expected = twin(wide[0], wide[1], wide[2], wide[3], settings);
        adamWStep(p, g, m, v, settings);
        [p, m, v].forEach((actual, i) => {
          // The step itself may be large where v is 0, and what is subtracted from p cancels.
          const scale = Math.max(1, ...expected[i].abs().toTypedArray());
          expectClose(actual, expected[i].cast(dtype), { rtol: bound, atol: bound * scale });
        });
        expectClose(g, wide[1].cast(dtype), { rtol: 0 });
      }));
    }
  });

  it('is the first step of torch.optim.AdamW, whose size is the learning rate', () => {
    const p = tensor([1, -2, 3]);
    const [m, v] = [zeros([3]), zeros([3])];
    adamWStep(p, tensor([0.1, -10, 0]), m, v, { lr: 0.01, step: 1 });
    expectClose(p, [1 * 0.9999 - 0.01, -2 * 0.9999 + 0.01, 3 * 0.9999], { rtol: 1e-6 });
    expectClose(m, [0.01, -1, 0], { rtol: 1e-6 });
    expectClose(v, [1e-5, 0.1, 0], { rtol: 1e-6 });
  });

  it('writes between the elements of a strided parameter nothing', () => {
    const data = tensor([1, 7, 2, 7]);
    adamWStep(data.slice(0, 0, 4, 2), ones([2]), zeros([2]), zeros([2]), { lr: 0.1, step: 1, weightDecay: 0 });
    expectClose(data, [0.9, 7, 1.9, 7], { rtol: 1e-6 });
  });

  it('counts as a change of what backward saved', () => {
    const p = tensor([1, 2], { requiresGrad: true });
    const loss = p.mul(p).sum();
    adamWStep(p, ones([2]), zeros([2]), zeros([2]), { lr: 0.1, step: 1 });
    expect(() => loss.backward()).toThrow('was changed afterwards by adamWStep');
    expect(p.requiresGrad && p.isLeaf).toBe(true);
  });

  it('refuses what does not fit before it changes anything', () => {
    const p = tensor([1, 2], { requiresGrad: true });
    const step = (overrides: Partial<AdamWStepOptions>, g: Tensor = ones([2]), m: Tensor = zeros([2]), v: Tensor = zeros([2])) => () => adamWStep(p, g, m, v, { lr: 0.1, step: 1, ...overrides });
    expect(step({}, ones([3]))).toThrow('adamWStep: gradient [3] must have the shape of the parameter, [2]');
    expect(step({}, ones([2], { dtype: 'float64' }))).toThrow("adamWStep: gradient is float64, the parameter float32; use cast('float32')");
    expect(step({}, ones([2]), zeros([1]).expand([2]))).toThrow('m [2] shows some values more than once');
    const shared = zeros([2]);
    expect(step({}, ones([2]), shared, shared)).toThrow('must be four tensors of their own');
    const flat = zeros([6]);
    adamWStep(flat.slice(0, 0, 2), ones([2]), flat.slice(0, 2, 4), flat.slice(0, 4, 6), { lr: 0.1, step: 1 });
    expect(() => adamWStep(flat.slice(0, 0, 2), ones([2]), flat.slice(0, 1, 3), flat.slice(0, 4, 6), { lr: 0.1, step: 1 })).toThrow('of their own');
    expect(step({ lr: NaN })).toThrow('lr NaN');
    expect(step({ step: 0 })).toThrow('the step must be a whole number from 1, not 0');
    expect(step({ betas: [1, 0.9] })).toThrow('the betas [1, 0.9]');
    expect(() => adamWStep(p.mul(1), ones([2]), zeros([2]), zeros([2]), { lr: 0.1, step: 1 })).toThrow('only a leaf can be stepped');
    expect(() => adamWStep(fromTypedArray(Int32Array.of(1)), ones([1]), zeros([1]), zeros([1]), { lr: 0.1, step: 1 })).toThrow('must be float32 or float64, not int32');
    expectClose(p, [1, 2], { rtol: 0 });
  });
});
