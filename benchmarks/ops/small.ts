import type { Case } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { ndOut, type Libraries } from './libraries.ts';

/** Tensors so small that only the way to the kernel counts: 1e-6 ms are a nanosecond. */
export function small(l: Libraries): Case[] {
  const [a, b] = [l.operand([8]), l.operand([8])];
  const [m, n] = [l.operand([4, 4]), l.operand([4])];
  return [
    {
      name: 'small add 8', work: { amount: 3 * 4 * 8, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(b.strided),
        nd: () => { const out = ndOut([8]); nd.add(out, a.nd, b.nd); return out; },
        tf: (tf) => tf.add(a.tf, b.tf),
        np: (np) => np.add(a.np, b.np),
      }),
    },
    {
      name: 'small mul number 8', work: { amount: 2 * 4 * 8, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.mul(1.5),
        nd: () => { const out = ndOut([8]); nd.muls(out, a.nd, 1.5); return out; },
        tf: (tf) => tf.mul(a.tf, 1.5),
        np: (np) => np.multiply(a.np, 1.5),
      }),
    },
    {
      name: 'small add row 4×4', work: { amount: 4 * (16 + 16 + 4), unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => m.strided.add(n.strided),
        tf: (tf) => tf.add(m.tf, n.tf),
        np: (np) => np.add(m.np, n.np),
      }),
    },
    {
      name: 'small exp 8', work: { amount: 2 * 4 * 8, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.exp(),
        nd: () => { const out = ndOut([8]); nd.exp(out, a.nd); return out; },
        tf: (tf) => tf.exp(a.tf),
        np: (np) => np.exp(a.np),
      }),
    },
  ];
}
