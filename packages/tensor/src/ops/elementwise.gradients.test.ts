import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as s from '../index.ts';
import type { BinaryName, UnaryName } from '../kernels/contract.ts';
import { broadcastableShapes, checkGradients, expectClose, runs, shapes, tensors, type ValueOptions } from '../testing/index.ts';

/** Rules against central differences, first and second order, on strided float64 tensors away from kinks and poles. */

const functions = s as unknown as Record<string, (...x: s.Tensor[]) => s.Tensor>;
const small = { maxRank: 3, maxLength: 3 };
const within = (low: number, high: number): ValueOptions => ({ range: [low, high] });
const off = (kinks: (x: number) => number) => (x: s.Tensor): boolean => x.toTypedArray().every((v: number) => Math.abs(kinks(v)) > 1e-2);
const anywhere = (): boolean => true;

type Named = Exclude<UnaryName, 'isNaN' | 'isInf' | 'isFinite' | 'logicalNot'>;
/** Where each function is smooth, and not so steep that differences lose their digits. */
const smooth: Record<Named, readonly [ValueOptions, ((x: s.Tensor) => boolean)?]> = {
  neg: [{}], square: [{}], sin: [{}], cos: [{}], tanh: [{}], sigmoid: [{}], erf: [within(-3, 3)], softplus: [{}], gelu: [within(-5, 5)], geluTanh: [within(-5, 5)], silu: [{}],
  atan: [within(-3, 3)], exp: [within(-3, 3)], expm1: [within(-3, 3)],
  abs: [{}, off((x) => x)], relu: [{}, off((x) => x)], sign: [{}, off((x) => x)],
  sqrt: [within(0.2, 9)], rsqrt: [within(0.2, 9)], reciprocal: [within(0.3, 9)],
  log: [within(0.2, 9)], log2: [within(0.2, 9)], log10: [within(0.2, 9)], log1p: [within(-0.8, 9)],
  tan: [within(-1.2, 1.2)], asin: [within(-0.8, 0.8)], acos: [within(-0.8, 0.8)],
  floor: [{}, off((x) => x - Math.round(x))], ceil: [{}, off((x) => x - Math.round(x))], trunc: [{}, off((x) => x - Math.round(x))],
  round: [{}, off((x) => x - Math.floor(x) - 0.5)],
};

describe('gradients of unary functions equal central differences within 1e-5, first and second order', () => {
  for (const [name, [values, away = anywhere]] of Object.entries(smooth)) {
    it(`${name}(x)`, () => {
      const f = name === 'geluTanh' ? (x: s.Tensor) => s.gelu(x, { approximate: 'tanh' }) : functions[name];
      const given = tensors({ dtype: 'float64', shape: shapes(small), ...values }).filter(away);
      fc.assert(fc.property(given, (x) => checkGradients(f, [x], { order: 2 })), { numRuns: runs(1 / 4) });
    });
  }
});

type Smooth = Exclude<BinaryName, 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'logicalAnd' | 'logicalOr' | 'logicalXor'>;
const ratioOff = (a: number, b: number): boolean => Math.abs(a / b - Math.round(a / b)) > 1e-2;
const apart = (a: number, b: number): boolean => Math.abs(a - b) > 1e-2;
const binary: Record<Smooth, readonly [ValueOptions, ValueOptions, ((a: number, b: number) => boolean)?]> = {
  add: [{}, {}], sub: [{}, {}], mul: [{}, {}], div: [{}, within(0.5, 9)], pow: [within(0.3, 3), within(-3, 3)],
  mod: [{}, within(0.5, 9), ratioOff], floorDivide: [{}, within(0.5, 9), ratioOff],
  atan2: [within(0.3, 5), {}], minimum: [{}, {}, apart], maximum: [{}, {}, apart],
};

describe('gradients of binary functions with broadcasting equal central differences within 1e-5, first and second order', () => {
  for (const [name, [valuesA, valuesB, rule]] of Object.entries(binary)) {
    it(`${name}(a, b)`, () => {
      const given = broadcastableShapes(2, small).chain(({ shapes: [a, b] }) =>
        fc.tuple(tensors({ dtype: 'float64', shape: a, ...valuesA }), tensors({ dtype: 'float64', shape: b, ...valuesB })));
      fc.assert(fc.property(given, ([a, b]) => {
        const all = a.mul(0).add(b.mul(0));
        const [left, right] = [all.add(a).toTypedArray(), all.add(b).toTypedArray()];
        fc.pre(rule === undefined || left.every((v, i) => rule(v, right[i])));
        checkGradients(functions[name], [a, b], { order: 2 });
        // One operand alone: rules read only what it needs.
        checkGradients((x) => functions[name](x, b), [a]);
        checkGradients((x) => functions[name](a, x), [b]);
      }), { numRuns: runs(1 / 4) });
    });
  }

  it('pow at base 0 and with bases below 0', () => {
    const base = s.tensor([[0, -1.5, -2, 3]], { dtype: 'float64' });
    for (const exponent of [0, 1, 2, 3]) checkGradients((x) => x.pow(exponent), [base], { order: 2, atol: 1e-4 });
  });
});

describe('gradients of choices equal central differences within 1e-5, first and second order', () => {
  it('where', () => {
    const given = broadcastableShapes(3, small).chain(({ shapes: [c, a, b] }) =>
      fc.tuple(tensors({ dtype: 'bool', shape: c }), tensors({ dtype: 'float64', shape: a }), tensors({ dtype: 'float64', shape: b })));
    fc.assert(fc.property(given, ([c, a, b]) => checkGradients((x, y) => s.where(c, x.square(), y.mul(3)), [a, b], { order: 2 })), { numRuns: runs(1 / 4) });
  });

  it('clamp', () => {
    const given = tensors({ dtype: 'float64', shape: shapes(small) }).filter(off((x) => (x - 2) * (x + 3)));
    fc.assert(fc.property(given, (x) => {
      checkGradients((v) => v.clamp({ min: -3, max: 2 }).square(), [x], { order: 2 });
      checkGradients((v) => v.clamp({ max: 2 }), [x]);
    }), { numRuns: runs(1 / 4) });
  });

  it('cast between floats passes gradients, in each input’s own dtype', () => {
    const x = s.tensor([1, 2], { requiresGrad: true });
    const y = s.tensor([3, 4], { dtype: 'float64', requiresGrad: true });
    const product = x.mul(y);
    expect(product.dtype).toBe('float64');
    const [gx, gy] = s.grad(product.sum(), [x, y]);
    expect([gx.dtype, gy.dtype]).toEqual(['float32', 'float64']);
    expectClose(gx, [3, 4]);
    expectClose(gy, [1, 2]);
  });
});

describe('gradients at corners, as PyTorch has them', () => {
  const slope = (f: (x: s.Tensor) => s.Tensor, values: number[]): number[] => {
    const x = s.tensor(values, { dtype: 'float64', requiresGrad: true });
    return Array.from(s.grad(f(x).sum(), [x])[0].toTypedArray());
  };

  it('kinks: relu 0 at 0, abs 0 at 0, clamp 1 on its bounds, ties shared', () => {
    expect(slope((x) => x.relu(), [0, -0, NaN])).toEqual([0, 0, 1]);
    expect(slope((x) => x.abs(), [0, -2, 3])).toEqual([0, -1, 1]);
    expect(slope((x) => x.clamp({ min: 0, max: 1 }), [0, 1, -1, 2, NaN])).toEqual([1, 1, 0, 0, 0]);
    expect(slope((x) => x.maximum(s.tensor([1, 2, 3], { dtype: 'float64' })), [1, 3, 1])).toEqual([0.5, 1, 0]);
    expect(slope((x) => x.minimum(s.tensor([1, 2, 3], { dtype: 'float64' })), [1, 3, 1])).toEqual([0.5, 0, 1]);
    expect(slope((x) => x.maximum(s.tensor([1, NaN], { dtype: 'float64' })), [NaN, 1])).toEqual([1, 1]);
  });

  it('poles: sqrt, log and reciprocal at 0 give infinities', () => {
    expect(slope((x) => x.sqrt(), [0, 4])).toEqual([Infinity, 0.25]);
    expect(slope((x) => x.log(), [0, 4])).toEqual([Infinity, 0.25]);
    expect(slope((x) => x.reciprocal(), [0, 2])).toEqual([-Infinity, -0.25]);
  });

  it('pow: 0 where the exponent is 0, finite at base 0, the limit 0 for the exponent', () => {
    expect(slope((x) => x.pow(0), [0, NaN, 5])).toEqual([0, 0, 0]);
    expect(slope((x) => x.pow(1), [0, -3])).toEqual([1, 1]);
    expect(slope((x) => s.pow(0, x), [0, 2])).toEqual([0, 0]);
    expect(slope((x) => x.pow(0.5), [0])).toEqual([Infinity]);
  });

  it('div keeps its gradient where b² would overflow or vanish', () => {
    const huge = s.tensor([1e200, 1e-200], { dtype: 'float64' });
    expect(slope((b) => huge.div(b), [1e200, 1e-200])).toEqual([-1e-200, -1e200]);
  });

  it('where gives no gradient to the branch not taken, so a NaN there needs only another where in front', () => {
    expect(slope((x) => s.where(x.gt(0), s.where(x.gt(0), x, 1).log(), 0), [1, -1])).toEqual([1, 0]);
  });

  it('casting to integers ends the history', () => {
    const x = s.tensor([1.5, 2.5], { requiresGrad: true });
    expect(x.cast('int32').requiresGrad).toBe(false);
    expect(x.cast('bool').cast('float32').requiresGrad).toBe(false);
    expect(x.cast('float64').requiresGrad).toBe(true);
    expectClose(s.grad(x.mul(x.cast('int32')).sum(), [x])[0], [1, 2]);
  });
});
