import type { Tensor } from '@strided/tensor';
import ndarray, { type NdArray } from 'ndarray';
import type { Contestant } from '../harness/bench.ts';
import { loadNumpyTs, type NpArray, type NumpyTs } from '../libraries/numpyTs.ts';
import { enter, type Level } from '../libraries/strided.ts';
import { loadTfjs, type Tfjs, type TfTensor } from '../libraries/tfjs.ts';
import { numbers } from '../problems.ts';
import { Operand } from './operand.ts';

/**
 * One contestant a library. Every run makes its result anew, as a program does that calls ops, and ends what its library
 * wants ended. A library that is not here, or that lacks an op, has no contestant in the case.
 */
export class Libraries {
  readonly tf: Tfjs | null;
  readonly np: NumpyTs | null;
  readonly #levels: readonly Level[];

  constructor(levels: readonly Level[], tf: Tfjs | null, np: NumpyTs | null) {
    this.#levels = levels;
    this.tf = tf;
    this.np = np;
  }

  static async load(levels: readonly Level[], allowed: readonly string[] = ['tfjs-cpu', 'numpy-ts']): Promise<Libraries> {
    return new Libraries(levels, allowed.includes('tfjs-cpu') ? await loadTfjs('cpu') : null, allowed.includes('numpy-ts') ? await loadNumpyTs() : null);
  }

  /** Numbers in [low, high) as an operand of every library. */
  operand(shape: readonly number[], low = -2, high = 2): Operand {
    return new Operand(this, shape, numbers(shape.reduce((size, length) => size * length, 1), low, high));
  }

  /** The contestants whose library is here. */
  contestants(entries: {
    readonly strided: () => Tensor;
    readonly nd?: () => NdArray | number;
    readonly tf?: (tf: Tfjs) => TfTensor;
    readonly np?: (np: NumpyTs) => NpArray | number;
  }): Contestant[] {
    const { tf, np } = this;
    const all: Contestant[] = this.#levels.map((level) => strided(level, entries.strided));
    if (entries.nd !== undefined) all.push(ndarrayOps(entries.nd));
    const { tf: runTf, np: runNp } = entries;
    if (tf !== null && runTf !== undefined) all.push(tfjs(() => runTf(tf)));
    if (np !== null && runNp !== undefined) all.push(numpyTs(() => runNp(np)));
    return all;
  }
}

/** A new array for ndarray-ops to write into. */
export function ndOut(shape: readonly number[]): NdArray {
  return ndarray(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape.slice()) as NdArray;
}

function strided({ name, level }: Level, run: () => Tensor): Contestant<Tensor> {
  return { name, enter: () => enter(level, 1), run, read: (result) => result.toTypedArray() };
}

function ndarrayOps(run: () => NdArray | number): Contestant<NdArray | number> {
  // Every result here is dense.
  return { name: 'ndarray-ops', run, read: (result) => (typeof result === 'number' ? [result] : (result.data as Float32Array)) };
}

function tfjs(run: () => TfTensor): Contestant<TfTensor> {
  return { name: 'tfjs-cpu', run, read: (result) => result.dataSync(), release: (result) => result.dispose() };
}

function numpyTs(run: () => NpArray | number): Contestant<NpArray | number> {
  return {
    name: 'numpy-ts',
    run,
    read: (result) => (typeof result === 'number' ? [result] : result.copy().data),
    release: (result) => {
      if (typeof result !== 'number') result.dispose();
    },
  };
}
