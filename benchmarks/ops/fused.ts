import { layerNorm, softmax } from '@strided/tensor';
import type { Case } from '../harness/bench.ts';
import type { NpArray } from '../libraries/numpyTs.ts';
import type { Libraries } from './libraries.ts';

const epsilon = 1e-12;

/** Ops of several steps, which peers without them compose. */
export function fused(l: Libraries): Case[] {
  const [scores, x, weight, bias] = [l.operand([1536, 128], -4, 4), l.operand([1536, 768], -2, 3), l.operand([768], 0.5, 1.5), l.operand([768])];
  return [
    {
      name: 'softmax 1536×128', work: { amount: 2 * 4 * 1536 * 128, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => softmax(scores.strided),
        tf: (tf) => tf.softmax(scores.tf),
        np: (np) => {
          const max = np.max(scores.np, 1, true) as NpArray;
          const shifted = np.subtract(scores.np, max);
          const exps = np.exp(shifted);
          const sum = np.sum(exps, 1, true) as NpArray;
          const result = np.divide(exps, sum);
          for (const step of [max, shifted, exps, sum]) step.dispose();
          return result;
        },
      }),
    },
    {
      name: 'layerNorm 1536×768', work: { amount: 2 * 4 * 1536 * 768, unit: 'GB/s' }, tolerance: 1e-5,
      prepare: () => l.contestants({
        strided: () => layerNorm(x.strided, weight.strided, bias.strided, { epsilon }),
        tf: (tf) => tf.tidy(() => {
          const { mean, variance } = tf.moments(x.tf, [1], true);
          return tf.add(tf.mul(tf.mul(tf.sub(x.tf, mean), tf.rsqrt(tf.add(variance, epsilon))), weight.tf), bias.tf);
        }),
      }),
    },
  ];
}
