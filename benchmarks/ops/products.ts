import type { Case } from '../harness/bench.ts';
import type { Libraries } from './libraries.ts';

/** Matrix products; a term of a sum is two floating-point operations. */
export function products(l: Libraries): Case[] {
  const [x, w, v] = [l.operand([128, 768], -1, 1), l.operand([768, 768], -1, 1), l.operand([768, 768], -1, 1)];
  const [q, k] = [l.operand([12, 128, 64], -1, 1), l.operand([12, 128, 64], -1, 1)];
  const kT = l.operand([12, 64, 128], -1, 1);
  const tolerance = 1e-4;
  return [
    {
      name: 'matmul 128×768×768', work: { amount: 2 * 128 * 768 * 768, unit: 'GFLOP/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => x.strided.matmul(w.strided),
        tf: (tf) => tf.matMul(x.tf, w.tf),
        np: (np) => np.matmul(x.np, w.np),
      }),
    },
    {
      name: 'matmul 128×768×768, b transposed', work: { amount: 2 * 128 * 768 * 768, unit: 'GFLOP/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => x.strided.matmul(v.strided.transpose()),
        tf: (tf) => tf.matMul(x.tf, v.tf, false, true),
        np: (np) => np.matmul(x.np, v.np.T),
      }),
    },
    {
      name: 'matmul 12×128×64×128', work: { amount: 2 * 12 * 128 * 64 * 128, unit: 'GFLOP/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => q.strided.matmul(kT.strided),
        tf: (tf) => tf.matMul(q.tf, kT.tf),
        np: (np) => np.matmul(q.np, kT.np),
      }),
    },
    {
      name: 'matmul 12×128×64×128, b transposed', work: { amount: 2 * 12 * 128 * 64 * 128, unit: 'GFLOP/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => q.strided.matmul(k.strided.transpose(-2, -1)),
        tf: (tf) => tf.matMul(q.tf, k.tf, false, true),
        np: (np) => np.matmul(q.np, np.swapaxes(k.np, -2, -1)),
      }),
    },
  ];
}
