import ndarray, { type NdArray } from 'ndarray';
import type { Case } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { ndOut, type Libraries } from './libraries.ts';

const [R, C] = [1536, 768];
const shape = [R, C];
const bytes = 4 * R * C;

/** ndarray-ops does not broadcast, but an ndarray may have strides of 0. */
function repeated(x: NdArray, stride: number[]): NdArray {
  return ndarray(x.data, shape.slice(), stride);
}

/** An operand that is repeated along an axis, or everywhere. */
export function broadcast(l: Libraries): Case[] {
  const [a, row, column] = [l.operand(shape), l.operand([C]), l.operand([R, 1])];
  return [
    {
      name: 'add row', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(row.strided),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, repeated(row.nd, [0, 1])); return out; },
        tf: (tf) => tf.add(a.tf, row.tf),
        np: (np) => np.add(a.np, row.np),
      }),
    },
    {
      name: 'add column', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 0,
      prepare: () => l.contestants({
        strided: () => a.strided.add(column.strided),
        nd: () => { const out = ndOut(shape); nd.add(out, a.nd, repeated(column.nd, [1, 0])); return out; },
        tf: (tf) => tf.add(a.tf, column.tf),
        np: (np) => np.add(a.np, column.np),
      }),
    },
    {
      name: 'mul number', work: { amount: 2 * bytes, unit: 'GB/s' }, tolerance: 1e-6,
      prepare: () => l.contestants({
        strided: () => a.strided.mul(1.5),
        nd: () => { const out = ndOut(shape); nd.muls(out, a.nd, 1.5); return out; },
        tf: (tf) => tf.mul(a.tf, 1.5),
        np: (np) => np.multiply(a.np, 1.5),
      }),
    },
  ];
}
