import { fromTypedArray, ones, zeros, type Tensor } from '@strided/tensor';
import { expectClose, shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActivationName, UnaryName } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { activationBackward, unary } from '../../packages/tensor/src/kernels/wasm/elementwise.ts';
import { expectSameBits } from './bits.ts';
import { chosen, level, runtime, runtimeOf } from './levels.ts';

/** The relative error that each function keeps to at x, where its value is a normal float32 number. */
const forward: readonly (readonly [UnaryName, bound: (x: number) => number, says: string])[] = [
  ['exp', () => 1.3e-7, '1.3e-7'],
  ['sigmoid', () => 2e-7, '2e-7'],
  ['tanh', () => 3e-7, '3e-7'],
  // x² is rounded before it stands in an exponent.
  ['gelu', (x) => 6e-7 + (x < 0 ? 6e-8 * x * x : 0), '6e-7, on the left and 6e-8·x²'],
  ['geluTanh', (x) => 4e-7 + (x < 0 ? 2e-7 * x * x : 0), '4e-7, on the left and 2e-7·x²'],
  ['silu', () => 3e-7, '3e-7'],
  ['erf', () => 2.5e-7, '2.5e-7'],
  ['log', () => 1e-7, '1e-7'],
];

/** The slopes lie between −0.2 and 1.2: their error is absolute. */
const backward: readonly (readonly [ActivationName, number])[] = [['gelu', 3e-7], ['geluTanh', 3e-7], ['silu', 2.5e-7]];

/** All of float32's range in `count` steps that grow with x, both signs, and finely where functions bend. */
function sweep(count: number): Tensor<'float32'> {
  const x = new Float32Array(count);
  const [bits, floats] = [new Int32Array(1), new Float32Array(1)];
  for (let i = 0; i < count / 2; i++) {
    // The bits of a positive float rise with its value: from 2⁻⁴⁰ to 2⁷.
    bits[0] = 0x2b800000 + Math.floor((i / (count / 2)) * (0x43000000 - 0x2b800000));
    floats.set(new Float32Array(bits.buffer));
    x[2 * i] = floats[0];
    x[2 * i + 1] = -floats[0];
  }
  return fromTypedArray(x);
}

const least = 2 ** -126;

describe.skipIf(runtime === null)(`at level ${level}`, () => {
  it.each(forward)('%s has a relative error below %3$s over the whole range', (name, bound) => {
    const x = sweep(200_000);
    const [out, exact] = [zeros(x.shape), zeros(x.shape, { dtype: 'float64' })];
    unary(chosen(), name, x, out);
    jsKernels.unary(name, x.cast('float64'), exact);
    const [inputs, got, want] = [x, out, exact].map((tensor) => tensor.toTypedArray());
    for (let i = 0; i < inputs.length; i++) {
      if (Number.isNaN(want[i]) && Number.isNaN(got[i])) continue;
      // What comes near the least normal number may become 0.
      if (Math.abs(want[i]) > 3.4e38 || Math.abs(want[i]) < 100 * least) continue;
      const error = Math.abs(got[i] / want[i] - 1);
      if (!(error <= bound(inputs[i]))) throw new Error(`${name}(${inputs[i]}) = ${got[i]} instead of ${want[i]}: relative error ${error}`);
    }
  });

  it.each(backward)('the slope of %s has an absolute error below %d over the whole range', (name, bound) => {
    const x = sweep(200_000);
    const [out, exact] = [zeros(x.shape), zeros(x.shape, { dtype: 'float64' })];
    activationBackward(chosen(), name, x, ones(x.shape), out);
    jsKernels.activationBackward(name, x.cast('float64'), ones(x.shape, { dtype: 'float64' }), exact);
    expectClose(out.cast('float64'), exact, { atol: bound });
  });

  it('log has a relative error below 1e-7 from the least float32 to the greatest, and near 1', () => {
    const x = new Float32Array(new Int32Array(200_000).map((_, i) => (i % 2 === 0 ? 1 + i * 10_000 : 0x3f800000 + i - 100_000)).buffer);
    const [out, exact] = [zeros([x.length]), zeros([x.length], { dtype: 'float64' })];
    unary(chosen(), 'log', fromTypedArray(x), out);
    jsKernels.unary('log', fromTypedArray(x).cast('float64'), exact);
    expectClose(out.cast('float64'), exact, { rtol: 1e-7, atol: 0 });
  });

  it.each(['tanh', 'sigmoid'] as const)('the slope of %s has a relative error below 2.5e-7 for every value that it takes', (name) => {
    const y = fromTypedArray(Float32Array.from({ length: 100_001 }, (_, i) => (name === 'tanh' ? i / 50_000 - 1 : i / 100_000)));
    const g = fromTypedArray(Float32Array.from({ length: y.size }, (_, i) => Math.sin(i)));
    const [out, exact] = [zeros(y.shape), zeros(y.shape, { dtype: 'float64' })];
    activationBackward(chosen(), name, y, g, out);
    jsKernels.activationBackward(name, y.cast('float64'), g.cast('float64'), exact);
    expectClose(out.cast('float64'), exact, { rtol: 2.5e-7, atol: 1e-40 });
  });

  it('infinities, NaN and both zeros give what the js loops give', () => {
    const x = fromTypedArray(Float32Array.of(NaN, Infinity, -Infinity, 0, -0, 200, -200, 2 ** -149, -(2 ** -149)));
    const [out, exact] = [zeros([9]), zeros([9])];
    const same = (name: string) => {
      // Below the least normal number results may be 0.
      expectClose(out, exact, { rtol: 1e-6, atol: least });
      if (name !== 'slope') expect(Array.from(out.storage.data.subarray(3, 5), (value) => Object.is(value, -0))).toEqual(Array.from(exact.storage.data.subarray(3, 5), (value) => Object.is(value, -0)));
    };
    for (const [name] of forward) {
      unary(chosen(), name, x, out);
      jsKernels.unary(name, x, exact);
      same(name);
    }
    for (const [name] of backward) {
      activationBackward(chosen(), name, x, ones([9]), out);
      jsKernels.activationBackward(name, x, ones([9]), exact);
      same('slope');
    }
  });

  it('any layout and any length, forward and backward', () => {
    const cases = shapes({ maxRank: 3, maxLength: 9, minLength: 1 }).chain((shape) =>
      fc.record({ x: tensors({ shape }), g: tensors({ shape }), out: tensors({ shape, layout: 'unshared' }) }),
    );
    fc.assert(fc.property(cases, fc.constantFrom(...forward), fc.constantFrom(...backward), ({ x, g, out }, [name], [slope]) => {
      const exact = zeros(out.shape);
      unary(chosen(), name, x, out);
      jsKernels.unary(name, x, exact);
      expectClose(out, exact, { rtol: 2e-5, atol: 1e-37 });
      activationBackward(chosen(), slope, x, g, out);
      jsKernels.activationBackward(slope, x, g, exact);
      expectClose(out, exact, { rtol: 1e-6, atol: 5e-6 });
    }));
  });
});

const [narrow, wide] = [runtimeOf('relaxed'), runtimeOf('simd256')];

it.skipIf(narrow === null || wide === null)('relaxed and simd256 compute the same bits, at every place of a register and in the rest', () => {
  if (narrow === null || wide === null) return;
  const x = sweep(100_003);
  const [one, other] = [zeros(x.shape), zeros(x.shape)];
  for (const [name] of forward) {
    unary(narrow, name, x, one);
    unary(wide, name, x, other);
    expectSameBits(other, one);
  }
  for (const [name] of backward) {
    activationBackward(narrow, name, x, x, one);
    activationBackward(wide, name, x, x, other);
    expectSameBits(other, one);
  }
});
