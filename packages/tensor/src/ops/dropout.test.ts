import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskOf } from '../dropoutMask.ts';
import { dropout, Generator, manualSeed, ones, tensor, zeros } from '../index.ts';
import { checkGradients, expectClose, runs, tensors } from '../testing/index.ts';

/** What the mask's definition multiplies by. */
function mask(count: number, p: number, seed: number): number[] {
  const keeps = maskOf({ seed, offset: 0 }, p);
  return Array.from({ length: count }, (_, i) => (keeps(i) ? 1 : 0));
}

const probability = fc.constantFrom(0.1, 0.5, 0.9);

describe('dropout', () => {
  it('multiplies by its mask in row-major order, 0 or 1/(1 − p), on any layout, rounded once', () => {
    fc.assert(fc.property(tensors(), probability, fc.nat(1000), (x, p, seed) => {
      const y = dropout(x, { p, generator: new Generator(seed) });
      const keep = mask(x.size, p, seed);
      expectClose(y, x.toTypedArray().map((value, i) => (keep[i] * value) / (1 - p)), { rtol: 2 ** -23 });
      expect(y.shape).toEqual(x.shape);
    }));
  });

  it('draws the same mask again for gradients of both orders, which central differences confirm', () => {
    fc.assert(fc.property(tensors({ dtype: 'float64' }), probability, fc.nat(1000), (x, p, seed) => {
      checkGradients((value) => dropout(value, { p, generator: new Generator(seed) }).square(), [x], { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('keeps the mean, and drops the share p: 100,000 draws within four deviations', () => {
    for (const p of [0.1, 0.5, 0.9]) {
      const y = dropout(ones([100_000]), { p, generator: new Generator(11) });
      const kept = y.ne(0).cast('float32').mean().item();
      expect(Math.abs(kept - (1 - p))).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 100_000));
    }
  });

  it('draws anew each time, and the same after the same seed', () => {
    manualSeed(3);
    const [a, b] = [dropout(ones([64])), dropout(ones([64]))];
    expect(a.eq(b).all().item()).toBe(false);
    manualSeed(3);
    expectClose(dropout(ones([64])), a, { rtol: 0 });
  });

  it('is x itself with p = 0 or outside training, drawing nothing, and zeros with p = 1, also of infinities', () => {
    const x = tensor([1, 2]);
    const generator = new Generator(1);
    expect(dropout(x, { p: 0, generator })).toBe(x);
    expect(dropout(x, { training: false, generator })).toBe(x);
    expect(generator.state.offset).toBe(0);
    expectClose(dropout(tensor([1, Infinity, NaN]), { p: 1 }), zeros([3]), { rtol: 0 });
    expect(dropout(zeros([0, 2])).shape).toEqual([0, 2]);
    expect([0, 2]).toContain(dropout(tensor(1)).item());
  });

  it('makes integers float32 and refuses what is no probability', () => {
    expect(dropout(ones([2], { dtype: 'int32' }), { p: 0 }).dtype).toBe('float32');
    for (const p of [-0.1, 1.1, NaN]) expect(() => dropout(ones([1]), { p })).toThrow(`dropout: the probability must be from 0 to 1, not ${p}`);
  });
});
