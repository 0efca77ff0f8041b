import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineInfo, randn, zeros, type Tensor } from '@strided/tensor';
import { currentSettings } from '../../packages/tensor/src/kernels/wasm/settings.ts';
import { dropout } from '../../packages/tensor/src/kernels/wasm/dropout.ts';
import { activationBackward, unary } from '../../packages/tensor/src/kernels/wasm/elementwise.ts';
import { layerNorm, layerNormBackward } from '../../packages/tensor/src/kernels/wasm/layerNorm.ts';
import { linear, matmul } from '../../packages/tensor/src/kernels/wasm/matmul.ts';
import { rows } from '../../packages/tensor/src/kernels/wasm/softmax.ts';
import type { Runtime } from '../../packages/tensor/src/kernels/wasm/runtime.ts';
import { chosen, level, runtime } from './levels.ts';

const { threads } = currentSettings();

it.skipIf(runtime === null || threads === 'auto')('every thread that was asked for has reported ready', () => {
  expect(engineInfo()).toMatchObject({ threads, threadsReady: true, memory: threads === 1 ? 'unshared' : 'shared' });
});

describe.skipIf(runtime?.pool === undefined)(`the split changes no bit at level ${level}`, () => {
  const alone = (): Runtime => {
    const { pool: _, ...rest } = chosen();
    return rest;
  };
  const bits = (x: Tensor): ArrayBufferLike => x.toTypedArray().buffer;
  /** What a kernel writes is the same alone and shared. */
  const both = (outputs: readonly (readonly number[])[], run: (runtime: Runtime, ...out: Tensor[]) => void): void => {
    const [one, other] = [alone(), chosen()].map((where) => {
      const out = outputs.map((shape) => zeros(shape));
      run(where, ...out);
      return out.map((x) => Buffer.from(bits(x)));
    });
    one.forEach((bytes, i) => expect(bytes.equals(other[i]), `output ${i}`).toBe(true));
  };
  const size = (max: number) => fc.integer({ min: 1, max });
  const sizes = fc.tuple(size(90), size(90), size(70));

  it('of products', () => {
    fc.assert(fc.property(sizes, ([M, N, K]) => {
      const [a, b, bias] = [randn([M, K]), randn([K, N]), randn([N])];
      both([[M, N]], (where, out) => matmul(where, a, b, out));
      const epilogue = { bias, scale: 0.5, activation: 'gelu', dropout: N % 8 === 0 ? { p: 0.25, state: { seed: 5, offset: 8 } } : null, residual: randn([M, N]) } as const;
      both([[M, N], [M, N]], (where, out, slope) => linear(where, a, b.transpose(), { ...epilogue, slope }, out));
    }));
  });

  it('of products with many blocks of k and of rows, and with pieces of columns', () => {
    for (const [M, N, K] of [[260, 70, 600], [3, 2500, 1100], [1, 1, 2000]]) {
      const [a, b] = [randn([M, K]), randn([K, N])];
      both([[M, N]], (where, out) => matmul(where, a, b, out));
    }
  });

  it('of batches', () => {
    fc.assert(fc.property(size(9), size(20), size(20), size(20), (batch, M, N, K) => {
      const [a, b] = [randn([batch, M, K]), randn([batch, K, N])];
      both([[batch, M, N]], (where, out) => matmul(where, a, b, out));
    }));
  });

  it('of rows, norms and functions of values', () => {
    fc.assert(fc.property(size(70), size(70), (count, columns) => {
      const shape = [count, columns];
      const [x, g] = [randn(shape), randn(shape)];
      for (const job of ['softmax', 'logSoftmax'] as const) both([shape], (where, out) => rows(where, job, x, null, out));
      for (const job of ['softmaxBackward', 'logSoftmaxBackward'] as const) both([shape], (where, out) => rows(where, job, x, g, out));
      both([shape], (where, out) => unary(where, 'gelu', x, out));
      both([shape], (where, out) => activationBackward(where, 'silu', x, g, out));
      both([shape], (where, out) => dropout(where, x, 0.3, { seed: 5, offset: 8 }, out));
      const statistics = () => {
        const [mean, reciprocal, slope] = [0, 1, 2].map(() => zeros([...shape.slice(0, -1), 1], { dtype: 'float64' }));
        return { mean, reciprocal, slope };
      };
      const [weight, bias] = [randn([columns]), randn([columns])];
      both([shape, shape, [columns], [columns]], (where, out, gx, gWeight, gBias) => {
        const kept = statistics();
        layerNorm(where, 'variance', 1e-5, x, weight, bias, out, kept);
        layerNormBackward(where, 'variance', x, weight, g, kept, { x: gx, weight: gWeight, bias: gBias });
      });
    }));
  });

  // Tall, wide and many: the three ways in which a product is shared out.
  it.each([[[], 300, 150, 300], [[], 60, 600, 300], [[8], 60, 60, 300]] as const)('also when a worker computes at the same time: %j × %i × %i × %i', (batch, M, N, K) => {
    const [a, b] = [randn([...batch, M, K]), randn([...batch, K, N])];
    const before = engineInfo().workerParts;
    // On a busy machine the main thread may be through before a worker wakes up.
    for (const end = performance.now() + 10_000; engineInfo().workerParts < before + 20 && performance.now() < end; ) {
      both([[...batch, M, N]], (where, out) => matmul(where, a, b, out));
    }
    expect(engineInfo().workerParts).toBeGreaterThan(before);
  });
});
