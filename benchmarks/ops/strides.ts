import type { Case } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { ndOut, type Libraries } from './libraries.ts';

const [R, C] = [1536, 768];
const shape = [R, C];
const bytes = 4 * R * C;

/** Operands that do not lie densely in row-major order. */
export function strides(l: Libraries): Case[] {
  const [a, b, turned, wide] = [l.operand(shape), l.operand(shape), l.operand([C, R]), l.operand([R, 2 * C])];
  return [
    {
      name: 'add transposed', work: { amount: 3 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(turned.strided.transpose()),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, turned.nd.transpose(1, 0)); return out; },
        tf: (tf) => tf.tidy(() => tf.add(a.tf, tf.transpose(turned.tf, [1, 0]))),
        np: (np) => np.add(a.np, turned.np.T),
      }),
    },
    {
      name: 'copy transposed', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => turned.strided.transpose().contiguous(),
        nd: () => { const out = ndOut(shape); nd.assign(out, turned.nd.transpose(1, 0)); return out; },
        tf: (tf) => tf.transpose(turned.tf, [1, 0]),
        np: () => turned.np.T.copy(),
      }),
    },
    {
      name: 'add stepped slice', work: { amount: 3 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(wide.strided.slice(1, 0, undefined, 2)),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, wide.nd.step(1, 2)); return out; },
        tf: (tf) => tf.tidy(() => tf.add(a.tf, tf.stridedSlice(wide.tf, [0, 0], [R, 2 * C], [1, 2]))),
        np: (np) => np.add(a.np, wide.np.slice(':', '::2')),
      }),
    },
    {
      name: 'add flipped', work: { amount: 3 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(b.strided.flip(1)),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, b.nd.step(1, -1)); return out; },
        tf: (tf) => tf.tidy(() => tf.add(a.tf, tf.reverse(b.tf, [1]))),
        np: (np) => np.add(a.np, np.flip(b.np, 1)),
      }),
    },
    {
      name: 'exp transposed', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => turned.strided.transpose().exp(),
        nd: () => { const out = ndOut(shape); nd.exp(out, turned.nd.transpose(1, 0)); return out; },
        tf: (tf) => tf.tidy(() => tf.exp(tf.transpose(turned.tf, [1, 0]))),
        np: (np) => np.exp(turned.np.T),
      }),
    },
  ];
}
