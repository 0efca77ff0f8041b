import { ones, zeros } from '@strided/tensor';
import { expectClose, shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { dropout, takesDropout } from '../../packages/tensor/src/kernels/wasm/dropout.ts';
import { chosen, level, runtime } from './levels.ts';

/** Seeds and blocks on both sides of 2³², where a lane carries into the next word. */
const seed = fc.oneof(fc.nat(), fc.maxSafeNat());
const offset = fc.oneof(fc.nat(100), fc.integer({ min: -20, max: 20 }).map((block) => 2 ** 32 + block), fc.constant(2 ** 50)).map((block) => block * 4);
const probability = fc.oneof(fc.double({ min: 0, max: 0.9999, noNaN: true }), fc.constantFrom(0, 0.1, 0.5, 2 ** -33));

describe.skipIf(runtime === null)(`dropout at level ${level}`, () => {
  it('has the mask of the js loops and their values within 2e-7, on any layout, for any seed and place in the stream', () => {
    const cases = shapes({ maxRank: 3, maxLength: 9, minLength: 1 }).chain((shape) => fc.record({ x: tensors({ shape, range: [1, 2] }), out: tensors({ shape, layout: 'unshared' }) }));
    fc.assert(fc.property(cases, seed, offset, probability, ({ x, out }, key, at, p) => {
      const exact = zeros(x.shape);
      const state = { seed: key, offset: at };
      dropout(chosen(), x, p, state, out);
      jsKernels.dropout(x, p, state, exact);
      expect(out.eq(0).toArray()).toEqual(exact.eq(0).toArray());
      expectClose(out, exact, { rtol: 2e-7 });
    }));
  });

  it('decides between equals as the js loops do: 16 bits of a draw equal those of p sixteen times in a million values', () => {
    const x = ones([1 << 20]);
    const [out, exact] = [zeros(x.shape), zeros(x.shape)];
    const state = { seed: 2, offset: 0 };
    dropout(chosen(), x, 0.3, state, out);
    jsKernels.dropout(x, 0.3, state, exact);
    expect(out.ne(exact).any().item()).toBe(false);
  });

  it('drops NaN and infinities as it drops numbers', () => {
    const x = zeros([4096]);
    x.fill(NaN);
    const out = zeros([4096]);
    dropout(chosen(), x, 0.5, { seed: 3, offset: 0 }, out);
    const dropped = out.eq(0).sum().item() as number;
    expect(Math.abs(dropped - 2048)).toBeLessThan(200);
    expect(out.isNaN().sum().item()).toBe(4096 - dropped);
  });
});

it('leaves p = 1, a place within a block and other dtypes to the js loops', () => {
  const [x, out, wide] = [zeros([4096]), zeros([4096]), zeros([4096], { dtype: 'float64' })];
  const start = { seed: 1, offset: 0 };
  expect(takesDropout(x, 0.5, start, out)).toBe(true);
  expect(takesDropout(x, 1, start, out)).toBe(false);
  expect(takesDropout(x, 0.5, { seed: 1, offset: 2 }, out)).toBe(false);
  expect(takesDropout(wide, 0.5, start, wide)).toBe(false);
});
