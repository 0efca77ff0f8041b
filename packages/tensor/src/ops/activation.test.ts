import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensor, zeros, type Tensor } from '../index.ts';
import { erf } from '../kernels/js/math.ts';
import { checkGradients, expectClose, expectTwins, runs, tensors } from '../testing/index.ts';

const twins: Record<string, { readonly fused: (x: Tensor) => Tensor; readonly composed: (x: Tensor) => Tensor }> = {
  gelu: { fused: (x) => x.gelu(), composed: (x) => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)) },
  geluTanh: {
    fused: (x) => x.gelu({ approximate: 'tanh' }),
    composed: (x) => {
      const u = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
      const e = u.mul(2).exp();
      return x.mul(e.div(e.add(1)));
    },
  },
  silu: { fused: (x) => x.silu(), composed: (x) => x.div(x.neg().exp().add(1)) },
  tanh: { fused: (x) => x.tanh(), composed: (x) => x.exp().sub(x.neg().exp()).div(x.exp().add(x.neg().exp())) },
  sigmoid: { fused: (x) => x.sigmoid(), composed: (x) => x.neg().exp().add(1).reciprocal() },
};

describe.each(Object.entries(twins))('%s', (_, { fused, composed }) => {
  it('has the values and gradients of its formula in float64, within 2⁻²² and 1e-7', () => {
    fc.assert(fc.property(tensors({ range: [-6, 6] }), (x) => {
      expectTwins(fused, composed, [x], { values: { rtol: 2 ** -22, atol: 1e-7 } });
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(tensors({ dtype: 'float64', range: [-6, 6] }), (x) => {
      checkGradients(fused, [x], { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('has the limits of its derivative at infinities, and NaN at NaN', () => {
    const x = tensor([-Infinity, -50, 50, Infinity, NaN], { requiresGrad: true });
    fused(x).sum().backward();
    const limit = [...fused(tensor([40])).toTypedArray()][0] > 1 ? 1 : 0;
    expectClose(x.grad ?? zeros([]), [0, 0, limit, limit, NaN], { atol: 1e-12 });
  });
});

describe('erf', () => {
  // Digits of mpmath.
  it.each([
    [0.5, 0.5204998778130465], [0.84375, 0.7672256612323416], [1, 0.8427007929497149], [1.25, 0.9229001282564582], [2, 0.9953222650189527],
    [3, 0.9999779095030014], [5, 0.9999999999984626], [1e-10, 1.1283791670955126e-10],
  ])('erf(%f) is %f within 1 unit in the last place, odd', (x, y) => {
    expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(y * 2 ** -52);
    expect(erf(-x)).toBe(-erf(x));
  });

  it('is its integral: differences over a small step are those of 2/√π·e^(−x²), across every seam', () => {
    fc.assert(fc.property(fc.oneof(fc.double({ min: -7, max: 7, noNaN: true }), fc.constantFrom(0.84375, 1.25, 1 / 0.35, 6, -0.84375, -1.25)), (x) => {
      const step = 1e-4;
      const slope = (erf(x + step) - erf(x - step)) / (2 * step);
      expect(Math.abs(slope - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x))).toBeLessThan(2e-8);
    }));
  });

  it('keeps zeros, infinities and NaN', () => {
    expect([erf(0), erf(-0), erf(Infinity), erf(-Infinity), erf(NaN)]).toEqual([0, -0, 1, -1, NaN]);
  });
});
