import type { TypedArray } from '../../dtype.ts';
import type { View } from '../../storage.ts';
import type { LinearActivation, LinearEpilogue } from '../contract.ts';
import { activation, unary } from './loops/float64.ts';
import { dropFactors } from './random.ts';
import { readVector } from './vectors.ts';

/** What follows the sums of a product, on rows of sums before they are rounded. */
export interface RowEpilogue {
  /** All of it, where it is nothing more than a bias. */
  readonly onlyBias: Float64Array | null | undefined;
  /** sums[at … at + count) are those of columns from `n` on of row `m`: dropout(activation(scale·sums + bias)) + residual takes their place. */
  finish(sums: Float64Array | Int32Array, at: number, count: number, m: number, n: number): void;
}

const nothing: RowEpilogue = { onlyBias: null, finish: () => {} };

/** out = f′ of each value. */
const slopes: Readonly<Record<LinearActivation, (out: Float64Array, values: Float64Array, ones: Float64Array) => void>> = {
  relu: (out, values) => { for (let i = 0; i < out.length; i++) out[i] = values[i] <= 0 ? 0 : 1; },
  gelu: activation.gelu.dense,
  geluTanh: activation.geluTanh.dense,
  silu: activation.silu.dense,
  tanh(out, values, ones) {
    unary.tanh.dense(out, values);
    activation.tanh.dense(out, out, ones);
  },
};

export function rowEpilogue(epilogue: LinearEpilogue | null, columns: number): RowEpilogue {
  if (epilogue === null) return nothing;
  const { scale, activation: name, dropout, residual, slope } = epilogue;
  const bias = epilogue.bias === null ? null : readVector(epilogue.bias);
  const activate = name === null ? null : unary[name].dense;
  const [addend, target] = [residual, slope].map((view) => (view === null ? null : matrix(view)));
  const longest = dropout === null && target === null ? 0 : columns;
  const [factors, derivatives, ones] = [longest, longest, longest].map((length) => new Float64Array(length).fill(1));
  return {
    onlyBias: scale === 1 && activate === null && dropout === null && addend === null && target === null ? bias : undefined,
    finish(sums, at, count, m, n) {
      if (scale !== 1) for (let i = at; i < at + count; i++) sums[i] *= scale;
      if (bias !== null) for (let i = 0; i < count; i++) sums[at + i] += bias[n + i];
      const row = sums.subarray(at, at + count);
      const own = factors.subarray(0, count);
      if (dropout !== null) dropFactors(dropout.state, m * columns + n, dropout.p, own);
      if (target !== null) {
        const derivative = derivatives.subarray(0, count);
        if (name !== null) slopes[name](derivative, row as Float64Array, ones.subarray(0, count));
        for (let i = 0, o = target.at(m, n); i < count; i++, o += target.step) target.data[o] = own[i] === 0 ? 0 : derivative[i] * own[i];
      }
      if (activate !== null) activate(row, row);
      if (dropout !== null) for (let i = 0; i < count; i++) row[i] = own[i] === 0 ? 0 : row[i] * own[i];
      if (addend !== null) for (let i = 0, o = addend.at(m, n); i < count; i++, o += addend.step) sums[at + i] += addend.data[o];
    },
  };
}

function matrix({ storage: { data }, layout: { strides: [row, step], offset } }: View): { readonly data: TypedArray; readonly step: number; at(m: number, n: number): number } {
  return { data, step, at: (m, n) => offset + m * row + n * step };
}
