import { fromTypedArray, type Tensor } from '@strided/tensor';
import ndarray, { type NdArray } from 'ndarray';
import type { View } from '../../packages/tensor/src/storage.ts';
import { jsKernels } from '../../packages/tensor/src/kernels/js/index.ts';
import type { Bench, Case, Contestant } from '../harness/bench.ts';
import { nd } from '../libraries/ndarrayOps.ts';
import { numbers } from '../problems.ts';
import { season } from '../ops/season.ts';

/**
 * The loops of kernels/js alone beside those that ndarray-ops generates: both write into an array that exists, so neither
 * pays for memory, which takes as long as an addition.
 */

const [R, C] = [1536, 768];
const bytes = 4 * R * C;

/** The same values for both: [R, C] arrays, and those that a case changes. */
interface Operands {
  readonly t: Tensor<'float32'>;
  readonly n: NdArray;
}

function operand(shape: number[], low = -2): Operands {
  const values = numbers(shape.reduce((size, length) => size * length, 1), low, 2);
  return { t: fromTypedArray(values.slice(), shape), n: ndarray(values.slice(), shape) as NdArray };
}

function race(name: string, amount: number, strided: (out: View) => void, ndops: (out: NdArray) => void, shape = [R, C]): Case {
  const prepare = (): Contestant[] => {
    const out = operand(shape);
    return [
      { name: 'strided-js', run: () => strided(out.t), read: () => out.t.toTypedArray() },
      { name: 'ndarray-ops', run: () => ndops(out.n), read: () => out.n.data as Float32Array },
    ];
  };
  return { name, work: { amount, unit: 'GB/s' }, tolerance: 1e-6, prepare };
}

/** The array with axes of stride 0. */
const repeated = ({ n }: Operands, stride: number[]): NdArray => ndarray(n.data, [R, C], stride) as NdArray;

function cases(): Case[] {
  season();
  const [a, b, turned, wide, row, column] = [operand([R, C]), operand([R, C]), operand([C, R]), operand([R, 2 * C]), operand([C]), operand([R, 1])];
  const [positive, other] = [operand([R, C], 0), operand([C, R])];
  const cube = operand([12, 128, 768]);
  const { binary, unary, copy, accumulate } = jsKernels;
  return [
    race('add', 3 * bytes, (out) => binary('add', a.t, b.t, out), (out) => nd.add(out, a.n, b.n)),
    race('mul', 3 * bytes, (out) => binary('mul', a.t, b.t, out), (out) => nd.mul(out, a.n, b.n)),
    race('sqrt', 2 * bytes, (out) => unary('sqrt', positive.t, out), (out) => nd.sqrt(out, positive.n)),
    race('exp', 2 * bytes, (out) => unary('exp', a.t, out), (out) => nd.exp(out, a.n)),
    race('copy', 2 * bytes, (out) => copy(a.t, out), (out) => nd.assign(out, a.n)),
    race('add row', 2 * bytes, (out) => binary('add', a.t, row.t.expand([R, C]), out), (out) => nd.add(out, a.n, repeated(row, [0, 1]))),
    race('add column', 2 * bytes, (out) => binary('add', a.t, column.t.expand([R, C]), out), (out) => nd.add(out, a.n, repeated(column, [1, 0]))),
    race('add transposed', 3 * bytes, (out) => binary('add', a.t, turned.t.transpose(), out), (out) => nd.add(out, a.n, turned.n.transpose(1, 0))),
    race('add both transposed', 3 * bytes, (out) => binary('add', turned.t.transpose(), other.t.transpose(), out), (out) => nd.add(out, turned.n.transpose(1, 0), other.n.transpose(1, 0))),
    race('copy transposed', 2 * bytes, (out) => copy(turned.t.transpose(), out), (out) => nd.assign(out, turned.n.transpose(1, 0))),
    race('exp transposed', 2 * bytes, (out) => unary('exp', turned.t.transpose(), out), (out) => nd.exp(out, turned.n.transpose(1, 0))),
    race('add permuted 128×12×768', 3 * bytes, (out) => binary('add', cube.t.permute([1, 0, 2]), cube.t.permute([1, 0, 2]), out), (out) => nd.add(out, cube.n.transpose(1, 0, 2), cube.n.transpose(1, 0, 2)), [128, 12, 768]),
    race('add stepped slice', 3 * bytes, (out) => binary('add', a.t, wide.t.slice(1, 0, undefined, 2), out), (out) => nd.add(out, a.n, wide.n.step(1, 2))),
    race('add flipped', 3 * bytes, (out) => binary('add', a.t, b.t.flip(1), out), (out) => nd.add(out, a.n, b.n.step(1, -1))),
    race('add rows of 4', 3 * bytes, (out) => binary('add', wide.t.reshape([R * C / 4, 8]).narrow(1, 0, 4), a.t.reshape([R * C / 4, 4]), out), (out) => nd.add(out, ndarray(wide.n.data, [R * C / 4, 4], [8, 1]) as NdArray, ndarray(a.n.data, [R * C / 4, 4]) as NdArray), [R * C / 4, 4]),
    race('accumulate', 3 * bytes, (out) => accumulate(a.t, out), (out) => nd.addeq(out, a.n)),
  ];
}

export const loops: Bench = { name: 'loops', threads: [1], cases };
