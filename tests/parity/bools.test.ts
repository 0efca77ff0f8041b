import { scope, tensor, where as choose, zeros, type DType, type Tensor } from '@strided/tensor';
import { shapes, tensors } from '@strided/tensor/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryName } from '../../packages/tensor/src/kernels/contract.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import { binary, cast, takesBinary, takesCast, takesUnary, unary } from '../../packages/tensor/src/kernels/wasm/arithmetic.ts';
import { fromBools, takesBools, takesWhere, where } from '../../packages/tensor/src/kernels/wasm/where.ts';
import { chosen, level, runtime } from './levels.ts';

/** Bools that come out and bools that choose: comparisons, `where`, and changes of dtype. */

const comparisons = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const satisfies readonly BinaryName[];
const lengths = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(16, 33));
const someShapes = fc.array(lengths, { maxLength: 3 });

/** Few values, so that many are equal; every kind of float among them. */
const floats = fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, -1, 2 ** -149, -(2 ** -149), 3.5, (2 - 2 ** -23) * 2 ** 127);
const integers = fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, -(2 ** 24) - 3, 7);
const valuesOf = { float32: floats, int32: integers, bool: fc.constantFrom(0, 1) } as const;
type Known = keyof typeof valuesOf;

/** A dense operand some of whose axes are one value repeated, a slice of something longer. */
function operand<D extends Known>(dtype: D, shape: readonly number[]): fc.Arbitrary<Tensor<D>> {
  return fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }).chain((flags) => {
    const own = shape.map((length, axis) => (flags[axis] ? 1 : length));
    const whole = own.length === 0 ? own : [own[0] + 2, ...own.slice(1)];
    return tensors({ dtype, shape: whole, layout: 'contiguous', values: valuesOf[dtype] }).map((x) => (own.length === 0 ? x : x.narrow(0, 1, own[0])).expand(shape));
  });
}

/** The same values, NaN like NaN, and both zeros apart. */
function expectSame(actual: Tensor, expected: Tensor): void {
  expect(actual.toTypedArray()).toEqual(expected.toTypedArray());
}

describe.skipIf(runtime === null)(`at level ${level}`, () => {
  describe.each(['float32', 'int32'] as const)('%s', (dtype) => {
    const pairs = someShapes.chain((shape) => fc.record({ a: operand(dtype, shape), b: operand(dtype, shape) }));

    it.each(comparisons)('%s gives the js loops\' bytes, with any axes repeated', (name) => {
      fc.assert(fc.property(pairs, ({ a, b }) => {
        const [out, exact] = [zeros(a.shape, { dtype: 'bool' }), zeros(a.shape, { dtype: 'bool' })];
        binary(chosen(), name, a, b, out);
        jsKernels.binary(name, a, b, exact);
        expectSame(out, exact);
      }));
    });

    it('where gives the js loops\' bits, with any axes repeated', () => {
      const cases = someShapes.chain((shape) => fc.record({ c: operand('bool', shape), a: operand(dtype, shape), b: operand(dtype, shape) }));
      fc.assert(fc.property(cases, ({ c, a, b }) => {
        const [out, exact] = [zeros(a.shape, { dtype }), zeros(a.shape, { dtype })];
        where(chosen(), c, a, b, out);
        jsKernels.where(c, a, b, exact);
        expectSame(out, exact);
      }));
    });
  });

  it.each([['isNaN', 'float32'], ['logicalNot', 'float32']] as const)('%s of %s', (name, dtype) => {
    fc.assert(fc.property(someShapes.chain((shape) => operand(dtype, shape)), (x) => {
      const [out, exact] = [zeros(x.shape, { dtype: 'bool' }), zeros(x.shape, { dtype: 'bool' })];
      unary(chosen(), name, x, out);
      jsKernels.unary(name, x, exact);
      expectSame(out, exact);
    }));
  });

  it.each([['int32', 'float32'], ['int32', 'bool'], ['float32', 'bool'], ['bool', 'float32']] as const)('%s becomes %s as in the js loops', (from, to) => {
    fc.assert(fc.property(someShapes.chain((shape) => operand(from, shape)), (x) => {
      const [out, exact] = [zeros(x.shape, { dtype: to }), zeros(x.shape, { dtype: to })];
      (from === 'bool' ? fromBools : cast)(chosen(), x, out);
      jsKernels.copy(x, exact);
      expectSame(out, exact);
    }));
  });

  it('long rows, where a repeated value is written out only in part', () => {
    for (const n of [255, 256, 257, 1031]) {
      const x = tensor(Array.from({ length: 3 * n }, (_, i) => (i % 5) - 2), { dtype: 'float32' }).reshape([3, n]);
      const [column, flags] = [x.narrow(1, 4, 1).expand([3, n]), x.gt(0)];
      const [bools, exactBools, out, exact] = [zeros([3, n], { dtype: 'bool' }), zeros([3, n], { dtype: 'bool' }), zeros([3, n]), zeros([3, n])];
      for (const [a, b] of [[x, column], [column, x], [column, column]]) {
        binary(chosen(), 'ge', a, b, bools);
        jsKernels.binary('ge', a, b, exactBools);
        expectSame(bools, exactBools);
        for (const condition of [flags, flags.narrow(1, 1, 1).expand([3, n])]) {
          where(chosen(), condition, a, b, out);
          jsKernels.where(condition, a, b, exact);
          expectSame(out, exact);
        }
      }
    }
  });

  it('what programs call is the same in a scope, where these kernels run, and out of it', () => {
    fc.assert(fc.property(shapes({ minRank: 1, maxRank: 1, minLength: 70, maxLength: 90 }), fc.nat({ max: 3 }), ([n], seed) => {
      const compute = () => {
        const x = tensor(Array.from({ length: n * 50 }, (_, i) => ((i * 37 + seed) % 11) - 5), { dtype: 'float32' }).reshape([n, 50]);
        const mask = x.gt(1).logicalOr(x.eq(0));
        return [mask, mask.cast('float32'), choose(mask, x, -Infinity), x.cast('bool').cast('float32'), x.cast('int32').ne(3), x.le(x.narrow(0, 0, 1))];
      };
      const [inside, outside] = [scope(compute), compute()];
      inside.forEach((value, i) => expectSame(value, outside[i]));
    }), { numRuns: 10 });
  });
});

it('takes large values of four bytes whose rows are dense or one value', () => {
  const made = (dtype: DType, shape: readonly number[] = [64, 64]): Tensor => zeros(shape, { dtype });
  const [x, ids, bools] = [made('float32'), made('int32'), made('bool')];
  expect(takesBinary('ge', x, x, bools) && takesBinary('ne', ids, ids.narrow(1, 0, 1).expand([64, 64]), bools)).toBe(true);
  expect(takesBinary('add', ids, ids, ids) || takesBinary('eq', bools, bools, bools) || takesBinary('lt', x.transpose(), x, bools)).toBe(false);
  expect(takesBinary('eq', made('float64'), made('float64'), bools) || takesBinary('logicalAnd', bools, bools, bools)).toBe(false);
  expect(takesUnary('isNaN', x, bools) && takesWhere(bools, ids, ids, ids) && takesWhere(bools.narrow(1, 0, 1).expand([64, 64]), x, x, x)).toBe(true);
  expect(takesWhere(bools, made('float64'), made('float64'), made('float64')) || takesWhere(bools, bools, bools, bools) || takesWhere(bools.transpose(), x, x, x)).toBe(false);
  expect(takesCast(ids, x) && takesCast(x, bools) && takesBools(bools, x)).toBe(true);
  expect(takesCast(x, ids) || takesCast(bools, x) || takesBools(made('uint8'), x) || takesBools(bools, made('float64'))).toBe(false);
  expect(takesBools(made('bool', [8]), made('float32', [8]))).toBe(false);
});
