import type { TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { LinearEpilogue } from '../contract.ts';
import { unary } from './loops/float64.ts';
import { readVector } from './vectors.ts';

/** What follows the sums of a product, on rows of sums before they are rounded. */
export interface RowEpilogue {
  /** All of it, where it is nothing more than a bias. */
  readonly onlyBias: Float64Array | null | undefined;
  /** sums[at … at + count) are those of columns from `n` on of row `m`: activation(scale·sums + bias) + residual takes their place. */
  finish(sums: Float64Array | Int32Array, at: number, count: number, m: number, n: number): void;
}

const nothing: RowEpilogue = { onlyBias: null, finish: () => {} };

export function rowEpilogue(epilogue: LinearEpilogue | null): RowEpilogue {
  if (epilogue === null) return nothing;
  const { scale, activation, residual, kept } = epilogue;
  const bias = epilogue.bias === null ? null : readVector(epilogue.bias);
  const activate = activation === null ? null : unary[activation].dense;
  const [addend, target] = [residual, kept].map((view) => (view === null ? null : matrix(view)));
  return {
    onlyBias: scale === 1 && activate === null && addend === null && target === null ? bias : undefined,
    finish(sums, at, count, m, n) {
      if (scale !== 1) for (let i = at; i < at + count; i++) sums[i] *= scale;
      if (bias !== null) for (let i = 0; i < count; i++) sums[at + i] += bias[n + i];
      if (target !== null) for (let i = 0, o = target.at(m, n); i < count; i++, o += target.step) target.data[o] = sums[at + i];
      if (activate !== null) {
        const row = sums.subarray(at, at + count);
        activate(row, row);
      }
      if (addend !== null) for (let i = 0, o = addend.at(m, n); i < count; i++, o += addend.step) sums[at + i] += addend.data[o];
    },
  };
}

function matrix({ storage: { data }, layout: { strides: [row, step], offset } }: View): { readonly data: TypedArray; readonly step: number; at(m: number, n: number): number } {
  return { data, step, at: (m, n) => offset + m * row + n * step };
}
