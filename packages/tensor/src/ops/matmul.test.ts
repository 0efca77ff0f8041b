import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matmul, ones, tensor, zeros, type DType, type Tensor } from '../index.ts';
import { broadcastShapes, type Shape } from '../layout.ts';
import { broadcastableShapes, checkGradients, expectClose, runs, tensors } from '../testing/index.ts';

/** Matrices (or vectors) whose batch axes broadcast and whose summed axes agree, of any layout. */
function operands<D extends DType>(dtype: D, options: { readonly max: number; readonly range: readonly [number, number] }): fc.Arbitrary<readonly [Tensor<D>, Tensor<D>]> {
  const length = fc.nat(options.max);
  const shapes = fc.tuple(broadcastableShapes(2, { maxRank: 2, maxLength: 3 }), length, length, length, fc.constantFrom('matrices', 'row', 'column', 'both'));
  return shapes.chain(([{ shapes: [left, right] }, M, K, N, kind]) => {
    const a = kind === 'row' || kind === 'both' ? [K] : [...left, M, K];
    const b = kind === 'column' || kind === 'both' ? [K] : [...right, K, N];
    return fc.tuple(tensors({ dtype, shape: a, range: options.range }), tensors({ dtype, shape: b, range: options.range }));
  });
}

/** The definition, value by value. */
function naive(a: Tensor, b: Tensor, multiply: (x: number, y: number) => number, add: (x: number, y: number) => number): { shape: Shape; values: number[] } {
  const left = a.rank === 1 ? a.unsqueeze(0) : a;
  const right = b.rank === 1 ? b.unsqueeze(1) : b;
  const batch = broadcastShapes('naive', left.shape.slice(0, -2), right.shape.slice(0, -2));
  const [M, K, N] = [left.shape[left.rank - 2], left.shape[left.rank - 1], right.shape[right.rank - 1]];
  const [x, y] = [left.expand([...batch, M, K]).toTypedArray(), right.expand([...batch, K, N]).toTypedArray()];
  const values: number[] = [];
  const count = batch.reduce((product, one) => product * one, 1);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < M; i++) {
      for (let j = 0; j < N; j++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum = add(sum, multiply(x[(n * M + i) * K + k], y[(n * K + k) * N + j]));
        values.push(sum);
      }
    }
  }
  return { shape: [...batch, ...(a.rank === 1 ? [] : [M]), ...(b.rank === 1 ? [] : [N])], values };
}

const wrapped = [(x: number, y: number) => Math.imul(x, y), (x: number, y: number) => (x + y) | 0] as const;

describe('matmul', () => {
  it('is the naive sum in float64 rounded once to float32, for any ranks, strides and broadcast batches', () => {
    fc.assert(fc.property(operands('float32', { max: 7, range: [-2, 2] }), ([a, b]) => {
      const { shape, values } = naive(a, b, (x, y) => x * y, (x, y) => x + y);
      const product = matmul(a, b);
      expect([product.shape, product.dtype]).toEqual([shape, 'float32']);
      expectClose(product, Float32Array.from(values), { rtol: 2 ** -23, atol: 1e-14 });
    }));
  });

  it('is exact modulo 2³² for int32, and modulo 2⁸ for int8 and uint8', () => {
    for (const dtype of ['int32', 'int8', 'uint8'] as const) {
      fc.assert(fc.property(operands<DType>(dtype, { max: 5, range: dtype === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : dtype === 'int8' ? [-128, 127] : [0, 255] }), ([a, b]) => {
        const { values } = naive(a, b, ...wrapped);
        const product = matmul(a, b);
        expect(product.dtype).toBe(dtype);
        expect([...product.toTypedArray()]).toEqual([...(dtype === 'int32' ? Int32Array : dtype === 'int8' ? Int8Array : Uint8Array).from(values)]);
      }), { numRuns: runs(1 / 2) });
    }
  });

  it('counts bools in int32, and meets mixed dtypes as arithmetic does', () => {
    const product = matmul(tensor([[true, true]]), tensor([[true], [true]]));
    expect([product.dtype, product.toArray()]).toEqual(['int32', [[2]]]);
    expect(matmul(ones([1, 1], { dtype: 'uint8' }), ones([1, 1], { dtype: 'int8' })).dtype).toBe('int32');
    expect(matmul(ones([1, 1], { dtype: 'int8' }), ones([1, 1], { dtype: 'float64' })).dtype).toBe('float64');
  });

  it('has gradients of both orders that central differences confirm', () => {
    fc.assert(fc.property(operands('float64', { max: 3, range: [-2, 2] }), ([a, b]) => {
      checkGradients((x, y) => matmul(x, y), [a, b], { order: 2 });
    }), { numRuns: runs(1 / 5) });
  });

  it('(a·b)ᵀ = bᵀ·aᵀ bit for bit, and a·(b + c) = a·b + a·c within 1e-12', () => {
    const triple = operands('float64', { max: 5, range: [-2, 2] }).filter(([a, b]) => a.rank > 1 && b.rank > 1);
    fc.assert(fc.property(triple, ([a, b]) => {
      expectClose(matmul(a, b).transpose(), matmul(b.transpose(), a.transpose()), { rtol: 0 });
      expectClose(matmul(a, b.add(b.mul(3))), matmul(a, b).add(matmul(a, b.mul(3))), { rtol: 1e-12, atol: 1e-12 });
    }));
  });

  it('crosses the borders of blocks: more rows, columns and summed values than one holds', () => {
    for (const [M, K, N] of [[70, 300, 2], [2, 300, 70], [67, 260, 5], [3, 2, 1000], [5, 40000, 7]]) {
      const a = Float64Array.from({ length: M * K }, (_, i) => (i * 7919) % 13);
      const b = Float64Array.from({ length: K * N }, (_, i) => (i * 104729) % 11);
      const [x, y] = [tensor([...a], { dtype: 'float64' }).reshape([M, K]), tensor([...b], { dtype: 'float64' }).reshape([K, N])];
      const { values } = naive(x, y, (p, q) => p * q, (p, q) => p + q);
      expectClose(matmul(x, y), Float64Array.from(values), { rtol: 0 });
      expectClose(matmul(x.cast('int32'), y.cast('int32')), Int32Array.from(values), { rtol: 0 });
    }
  });

  it('gives zeros where the summed axis is empty, and nothing where a result axis is', () => {
    expectClose(matmul(ones([2, 0]), ones([0, 3])), [[0, 0, 0], [0, 0, 0]]);
    expect(matmul(ones([0]), ones([0])).item()).toBe(0);
    expect(matmul(ones([0, 3]), ones([3, 2])).shape).toEqual([0, 2]);
    expect(matmul(ones([4, 0, 3]), ones([1, 3, 2])).shape).toEqual([4, 0, 2]);
    const empty = ones([2, 0], { requiresGrad: true });
    matmul(empty, ones([0, 3])).sum().backward();
    expect(empty.grad?.shape).toEqual([2, 0]);
  });

  it('keeps NaN and infinities in the rows and columns that meet them', () => {
    const product = matmul(tensor([[NaN, 0], [Infinity, 1], [1, 1]]), tensor([[1, 0, 2, 1], [1, 1, 1, 1]]));
    expectClose(product, [[NaN, NaN, NaN, NaN], [Infinity, NaN, Infinity, Infinity], [2, 1, 3, 2]], { rtol: 0 });
  });

  it('sums in float64: what float32 would lose stays', () => {
    expect(matmul(tensor([1e8, 1, -1e8]), tensor([1, 1, 1])).item()).toBe(1);
    expect(matmul(tensor([[1e8, 1, -1e8], [0, 0, 1]]), ones([3, 2])).toArray()).toEqual([[1, 1], [1, 1]]);
  });

  it('says which axis does not fit, and the remedy', () => {
    expect(() => matmul(zeros([2, 64]), zeros([32, 64]))).toThrow(
      'matmul: last dimension of the first operand (64 in [2, 64]) must equal the second-to-last of the second (32 in [32, 64]); did you mean b.transpose()?',
    );
    expect(() => matmul(zeros([2, 3]), zeros([4]))).toThrow('must equal the only of the second (4 in [4])');
    expect(() => matmul(zeros([2, 1, 3]), zeros([5, 3, 1]).expand([5, 3, 1]).slice(0, 0, 3))).toThrow('matmul: shapes [2] and [3] do not broadcast');
    expect(() => matmul(tensor(2), zeros([1]))).toThrow('use mul() for scalars');
  });
});
