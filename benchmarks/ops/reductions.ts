import type { Case } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { ndOut, type Libraries } from './libraries.ts';

const [R, C] = [1536, 768];
const bytes = 4 * R * C;
// numpy-ts adds in float32.
const tolerance = 1e-4;

export function reductions(l: Libraries): Case[] {
  const [a, turned] = [l.operand([R, C], 0, 2), l.operand([C, R], 0, 2)];
  return [
    {
      name: 'sum', work: { amount: bytes, unit: 'GB/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => a.strided.sum(),
        nd: () => nd.sum(a.nd),
        tf: (tf) => tf.sum(a.tf),
        np: (np) => np.sum(a.np),
      }),
    },
    {
      name: 'sum transposed', work: { amount: bytes, unit: 'GB/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => turned.strided.transpose().sum(),
        nd: () => nd.sum(turned.nd.transpose(1, 0)),
        tf: (tf) => tf.tidy(() => tf.sum(tf.transpose(turned.tf, [1, 0]))),
        np: (np) => np.sum(turned.np.T),
      }),
    },
    {
      name: 'sum last axis', work: { amount: bytes, unit: 'GB/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => a.strided.sum(1),
        // ndarray-ops reduces whole arrays: its user walks the rows.
        nd: () => { const out = ndOut([R]); for (let r = 0; r < R; r++) out.set(r, nd.sum(a.nd.pick(r, null))); return out; },
        tf: (tf) => tf.sum(a.tf, [1]),
        np: (np) => np.sum(a.np, 1),
      }),
    },
    {
      name: 'sum first axis', work: { amount: bytes, unit: 'GB/s' }, tolerance,
      prepare: () => l.contestants({
        strided: () => a.strided.sum(0),
        nd: () => { const out = ndOut([C]); for (let r = 0; r < R; r++) nd.addeq(out, a.nd.pick(r, null)); return out; },
        tf: (tf) => tf.sum(a.tf, [0]),
        np: (np) => np.sum(a.np, 0),
      }),
    },
    {
      name: 'max', work: { amount: bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.max(),
        nd: () => nd.sup(a.nd),
        tf: (tf) => tf.max(a.tf),
        np: (np) => np.max(a.np),
      }),
    },
  ];
}
