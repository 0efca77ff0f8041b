import { tensor, zeros } from '@strided/tensor';
import { expectClose, tensors, valuesOf } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReduceName } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { reduce, takesReduce } from '../../packages/tensor/src/kernels/wasm/reduce.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime } from './levels.ts';

const names = ['sum', 'mean', 'sumOfSquares', 'min', 'max'] as const satisfies readonly ReduceName[];

/** Shapes of a run of axes to reduce, with what stands before and after it; some axes have length 1. */
const length = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 9 }), weight: 3 }, fc.integer({ min: 10, max: 70 }));
const reductions = fc.tuple(fc.array(length, { maxLength: 2 }), fc.array(length, { minLength: 1, maxLength: 2 }), fc.array(length, { maxLength: 2 }))
  .filter(([before, reduced, after]) => [...before, ...reduced, ...after].reduce((a, b) => a * b, 1) <= 6000 && reduced.some((n) => n > 1))
  .map(([before, reduced, after]) => ({ shape: [...before, ...reduced, ...after], out: [...before, ...reduced.map(() => 1), ...after] }));

const special = valuesOf('float32', { special: true });

describe.skipIf(runtime === null)(`reductions at level ${level}`, () => {
  it.each(names)('%s equals the js loops: a total in float64, rounded once', (name) => {
    fc.assert(fc.property(reductions.chain(({ shape, out }) => fc.record({ x: tensors({ shape, layout: 'contiguous' }), result: tensors({ shape: out, layout: 'unshared' }) })), ({ x, result }) => {
      const exact = zeros(result.shape);
      reduce(chosen(), name, x, result);
      jsKernels.reduce(name, x, exact);
      // The order of the sum differs in float64, which a rounding to float32 seldom shows.
      const scale = x.abs().sum().item() as number;
      expectClose(result, exact, { rtol: 6e-8, atol: 1e-15 * scale });
    }));
  });

  it.each(names)('%s of NaN, infinities, zeros of both signs and the largest numbers is what the js loops make of them', (name) => {
    fc.assert(fc.property(reductions.chain(({ shape, out }) => fc.record({ x: tensors({ shape, layout: 'contiguous', values: special }), shape: fc.constant(out) })), ({ x, shape }) => {
      const [result, exact] = [zeros(shape, { dtype: 'float64' }), zeros(shape, { dtype: 'float64' })];
      reduce(chosen(), name, x, result);
      jsKernels.reduce(name, x, exact);
      if (name === 'min' || name === 'max') expect(result.toTypedArray()).toEqual(exact.toTypedArray());
      else expectClose(result, exact, { rtol: 1e-9, atol: 1e25 });
    }));
  });

  it('long rows are cut in blocks, and no sum depends on how they are shared out', () => {
    for (const shape of [[100_003], [3, 20_000], [2, 4097, 1]]) {
      const x = zeros(shape);
      for (let i = 0; i < x.size; i++) x.storage.data[i] = Math.sin(i);
      const kept = shape.map((n, axis) => (axis === 0 && shape.length > 1 ? n : 1));
      for (const name of names) {
        const [result, again, exact] = [zeros(kept), zeros(kept), zeros(kept)];
        reduce(chosen(), name, x, result);
        const { pool: _, ...alone } = chosen();
        reduce(alone, name, x, again);
        jsKernels.reduce(name, x, exact);
        expectSameBits(again, result);
        expectClose(result, exact, { rtol: 1e-7, atol: 1e-9 });
      }
    }
  });
});

it('takes what lies densely and is reduced along axes that follow each other', () => {
  const [x, wide] = [zeros([64, 20, 8]), zeros([64, 20, 8], { dtype: 'float64' })];
  expect(takesReduce('sum', x, zeros([1, 1, 8]))).toBe(true);
  expect(takesReduce('sum', x, zeros([64, 1, 8]))).toBe(true);
  expect(takesReduce('sum', x, zeros([1, 20, 1]))).toBe(false);
  expect(takesReduce('sum', x, zeros([64, 20, 8]))).toBe(false);
  expect(takesReduce('sum', x.transpose(0, 1), zeros([1, 64, 8]))).toBe(false);
  expect(takesReduce('sum', wide, zeros([1, 1, 8]))).toBe(false);
  expect(takesReduce('prod', x, zeros([1, 1, 8]))).toBe(false);
  expect(takesReduce('sum', tensor([1, 2]), tensor([0]))).toBe(false);
});
