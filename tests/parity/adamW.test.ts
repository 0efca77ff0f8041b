import { randn, zeros } from '@strided/tensor';
import { shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { adamW, takesAdamW } from '../../packages/tensor/src/kernels/wasm/adamW.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime } from './levels.ts';

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const settings = fc.record({ keep: between(0.9, 1), beta1: between(0, 0.99), beta2: between(0, 0.9999), stepSize: between(0, 1), eps: fc.constantFrom(1e-8, 1e-6, 0.1) });
const cases = shapes({ maxRank: 3, maxLength: 9, minLength: 1 }).chain((shape) => {
  const one = (range: readonly [number, number]) => tensors({ shape, range, layout: 'unshared' });
  return fc.record({ p: one([-2, 2]), g: tensors({ shape, range: [-2, 2] }), m: one([-2, 2]), v: one([0, 2]) });
});

describe.skipIf(runtime === null)(`adamW at level ${level}`, () => {
  it('has the bits of the js loops on any layout, infinities, NaN and the least numbers among them', () => {
    fc.assert(fc.property(cases, settings, fc.constantFrom(1, NaN, Infinity, -Infinity, 2 ** -149, 2 ** -120), ({ p, g, m, v }, chosenSettings, factor) => {
      const gradient = g.mul(factor);
      const copies = [p, m, v].map((x) => x.clone());
      jsKernels.adamW(copies[0], gradient, copies[1], copies[2], chosenSettings);
      adamW(chosen(), p, gradient, m, v, chosenSettings);
      [p, m, v].forEach((x, i) => expectSameBits(x.clone(), copies[i]));
    }));
  });

  it('is shared out without a change', () => {
    const { pool: _, ...alone } = chosen();
    for (const count of [1, 15, 16, 17, 10_001]) {
      const [p, g, m] = [randn([count]), randn([count]), randn([count])];
      const v = m.square();
      const [one, other] = [alone, chosen()].map((on) => {
        const written = [p, m, v].map((x) => x.clone());
        adamW(on, written[0], g, written[1], written[2], { keep: 0.99, beta1: 0.9, beta2: 0.999, stepSize: 0.1, eps: 1e-8 });
        return written;
      });
      one.forEach((x, i) => expectSameBits(other[i], x));
    }
  });
});

it('leaves float64 and few values to the js loops', () => {
  expect(takesAdamW(zeros([4096]))).toBe(true);
  expect(takesAdamW(zeros([100]))).toBe(false);
  expect(takesAdamW(zeros([4096], { dtype: 'float64' }))).toBe(false);
});
