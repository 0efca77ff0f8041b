import type { Case } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { ndOut, type Libraries } from './libraries.ts';

const shape = [1536, 768];
const bytes = 4 * 1536 * 768;

/** Dense operands of one shape. */
export function elementwise(l: Libraries): Case[] {
  const [a, b] = [l.operand(shape), l.operand(shape, -1, 3)];
  return [
    {
      name: 'add', work: { amount: 3 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(b.strided),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, b.nd); return out; },
        tf: (tf) => tf.add(a.tf, b.tf),
        np: (np) => np.add(a.np, b.np),
      }),
    },
    {
      name: 'mul', work: { amount: 3 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.mul(b.strided),
        nd: () => { const out = ndOut(shape); nd.mul(out, a.nd, b.nd); return out; },
        tf: (tf) => tf.mul(a.tf, b.tf),
        np: (np) => np.multiply(a.np, b.np),
      }),
    },
    {
      name: 'exp', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.exp(),
        nd: () => { const out = ndOut(shape); nd.exp(out, a.nd); return out; },
        tf: (tf) => tf.exp(a.tf),
        np: (np) => np.exp(a.np),
      }),
    },
    {
      name: 'tanh', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.tanh(),
        tf: (tf) => tf.tanh(a.tf),
        np: (np) => np.tanh(a.np),
      }),
    },
    {
      name: 'gelu', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.gelu(),
        tf: (tf) => tf.tidy(() => tf.mul(tf.mul(a.tf, 0.5), tf.add(tf.erf(tf.mul(a.tf, Math.SQRT1_2)), 1))),
      }),
    },
  ];
}
