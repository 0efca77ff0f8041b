import { zeros, type Tensor } from '@strided/tensor';
import { shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryName, UnaryName } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { binary, takesBinary, takesUnary, unary } from '../../packages/tensor/src/kernels/wasm/arithmetic.ts';
import { chosen, level, runtime } from './levels.ts';

const binaries = ['add', 'sub', 'mul', 'div', 'minimum', 'maximum'] as const satisfies readonly BinaryName[];
const unaries = ['neg', 'abs', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'relu'] as const satisfies readonly UnaryName[];

/** Which axes of a dense operand are one value repeated. */
const repeated = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });

/** A shape, and operands that broadcast to it, each a slice of something longer. */
const operands = shapes({ maxRank: 4, maxLength: 12, minLength: 1 }).chain((shape) => {
  const operand = repeated.chain((flags) => {
    const own = shape.map((length, axis) => (flags[axis] ? 1 : length));
    const whole = own.length === 0 ? own : [own[0] + 2, ...own.slice(1)];
    return tensors({ shape: whole, layout: 'contiguous', special: true }).map((x) => (own.length === 0 ? x : x.narrow(0, 1, own[0])).expand(shape));
  });
  return fc.record({ a: operand, b: operand });
});

/** The same values, NaN like NaN, and both zeros apart. */
function expectSame(actual: Tensor, expected: Tensor): void {
  expect(actual.toTypedArray()).toEqual(expected.toTypedArray());
}

describe.skipIf(runtime === null)(`arithmetic at level ${level} gives the js loops' bits`, () => {
  it.each(binaries)('%s, with any axes repeated', (name) => {
    fc.assert(fc.property(operands, ({ a, b }) => {
      const [out, exact] = [zeros(a.shape), zeros(a.shape)];
      binary(chosen(), name, a, b, out);
      jsKernels.binary(name, a, b, exact);
      expectSame(out, exact);
    }));
  });

  it.each(unaries)('%s, with any axes repeated', (name) => {
    fc.assert(fc.property(operands, ({ a }) => {
      const [out, exact] = [zeros(a.shape), zeros(a.shape)];
      unary(chosen(), name, a, out);
      jsKernels.unary(name, a, exact);
      expectSame(out, exact);
    }));
  });

  it('long rows, where a repeated value is written out only in part, and onto an operand', () => {
    for (const n of [255, 256, 257, 1031]) {
      const x = zeros([3, n]);
      for (let i = 0; i < x.size; i++) x.storage.data[i] = i / 7 - 50;
      for (const factor of [x.narrow(1, 5, 1).expand([3, n]), x.narrow(0, 1, 1).expand([3, n]), x.narrow(0, 1, 1).narrow(1, 3, 1).expand([3, n])]) {
        const [onto, exact] = [x.clone(), zeros(x.shape)];
        for (const [a, b] of [[x, factor], [factor, x]] as const) {
          jsKernels.binary('div', a, b, exact);
          binary(chosen(), 'div', a === x ? onto : a, b === x ? onto : b, onto);
          expectSame(onto, exact);
          onto.storage.data.set(x.storage.data);
        }
      }
    }
  });
});

it('takes large float32 operands whose rows are dense or one value', () => {
  const x = zeros([64, 64]);
  expect(takesBinary('add', x, x.narrow(1, 0, 1).expand([64, 64]), x)).toBe(true);
  expect(takesBinary('add', x, x.transpose(), x)).toBe(false);
  expect(takesBinary('add', x, x, x.transpose())).toBe(false);
  expect(takesBinary('pow', x, x, x)).toBe(false);
  expect(takesBinary('add', zeros([8]), zeros([8]), zeros([8]))).toBe(false);
  expect(takesUnary('sqrt', x, x)).toBe(true);
  expect(takesUnary('floor', x, x)).toBe(false);
  expect(takesUnary('sqrt', zeros([64, 64], { dtype: 'float64' }), x)).toBe(false);
});
