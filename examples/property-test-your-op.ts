/**
 * A function of your own, tested by properties: the values against a plain loop, the gradients against central
 * differences, on scalars, empty tensors, and any strides. With vitest or node:test, put each property into a test.
 *
 *   node examples/property-test-your-op.ts
 */
import fc from 'fast-check';
import { softplus, tanh, type Tensor } from '@strided/tensor';
import { checkGradients, expectClose, tensors } from '@strided/tensor/testing';

/** mish(x) = x·tanh(ln(1 + eˣ)) (Misra, arXiv 1908.08681). */
const mish = (x: Tensor): Tensor => x.mul(tanh(softplus(x)));

fc.assert(
  fc.property(tensors({ dtype: 'float64' }), (x) => {
    const oracle = x.toTypedArray().map((value) => value * Math.tanh(Math.log(1 + Math.exp(value))));
    expectClose(mish(x), oracle, { rtol: 1e-12, atol: 1e-15 });
    checkGradients(mish, [x], { order: 2 });
  }),
);

// A mistake is found, and shrunk to its smallest case:
const wrong = (x: Tensor): Tensor => x.detach().mul(tanh(softplus(x)));
const { failed, counterexample, errorInstance } = fc.check(fc.property(tensors({ dtype: 'float64' }), (x) => checkGradients(wrong, [x])));

console.log('mish: values and gradients hold');
console.log(`a wrong gradient is found: ${failed}\n  in ${fc.stringify(counterexample)}\n  ${(errorInstance as Error).message}`);
