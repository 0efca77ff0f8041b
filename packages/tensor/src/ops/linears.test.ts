import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, linear, linears, ones, tensor, zeros, type Tensor } from '../index.ts';
import { checkGradients, expectTwins, runs, tensors } from '../testing/index.ts';

interface Case {
  readonly inputs: readonly Tensor[];
  readonly biased: readonly boolean[];
}

/** x, then weights of any heights, then the biases that there are. */
function cases(dtype: 'float32' | 'float64'): fc.Arbitrary<Case> {
  const length = fc.nat(4);
  const layers = fc.array(fc.record({ N: length, has: fc.boolean() }), { minLength: 1, maxLength: 3 });
  return fc.tuple(fc.array(length, { maxLength: 2 }), length, layers).chain(([lead, K, each]) => {
    const one = (shape: readonly number[]) => tensors({ dtype, shape, range: [-2, 2] });
    const biases = each.filter(({ has }) => has).map(({ N }) => one([N]));
    return fc.tuple(one([...lead, K]), ...each.map(({ N }) => one([N, K])), ...biases).map((inputs) => ({ inputs, biased: each.map(({ has }) => has) }));
  });
}

function named([x, ...rest]: readonly Tensor[], biased: readonly boolean[]) {
  let next = biased.length;
  return { x, weights: rest.slice(0, biased.length), biases: biased.map((has) => (has ? rest[next++] : null)) };
}

/** All results side by side, so that one function has one value. */
const together = (biased: readonly boolean[]) => (...inputs: Tensor[]): Tensor => {
  const { x, weights, biases } = named(inputs, biased);
  return concat(linears(x, weights, biases), -1);
};
const apart = (biased: readonly boolean[]) => (...inputs: Tensor[]): Tensor => {
  const { x, weights, biases } = named(inputs, biased);
  return concat(weights.map((weight, i) => linear(x, weight, biases[i])), -1);
};

describe('linears', () => {
  it('is what linear gives for each weight, in values and gradients, within one rounding to float32 for values', () => {
    fc.assert(fc.property(cases('float32'), ({ inputs, biased }) => {
      // The gradient of x is the sum of up to three rounded products.
      expectTwins(together(biased), apart(biased), [...inputs], { values: { rtol: 2 ** -24, atol: 1e-12 }, gradients: { rtol: 1e-6, atol: 2e-6 } });
    }));
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(cases('float64'), ({ inputs, biased }) => {
      checkGradients(together(biased), [...inputs], { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('asks for no gradient of what wants none', () => {
    const x = ones([2, 3]);
    const weight = zeros([2, 3]);
    weight.requiresGrad = true;
    const [, second] = linears(x, [ones([2, 3]), weight], [null, null]);
    second.sum().backward();
    expect([x.grad, weight.grad?.toArray()]).toEqual([null, [[2, 2, 2], [2, 2, 2]]]);
  });

  it('promotes what it is given', () => {
    const results = linears<'int32' | 'float64'>(tensor([[1, 2]], { dtype: 'int32' }), [tensor([[3, 4]], { dtype: 'int32' })], [tensor([0.5], { dtype: 'float64' })]);
    expect([results[0].dtype, results[0].toArray()]).toEqual(['float64', [[11.5]]]);
  });

  it('refuses what does not fit, naming itself', () => {
    expect(() => linears(ones([2, 3]), [], [])).toThrow('linears: at least one weight is needed');
    expect(() => linears(ones([2, 3]), [ones([4, 3])], [])).toThrow('linears: 1 weights need as many biases, not 0; give null where there is none');
    expect(() => linears(ones([2, 3]), [ones([4, 3]), ones([3, 4])], [null, null])).toThrow('linears: the last axis of x [2, 3] must have the length 4');
    expect(() => linears(ones([2, 3]), [ones([4, 3])], [ones([3])])).toThrow('linears: the bias must be [4]');
  });
});
