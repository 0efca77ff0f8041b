import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as s from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';

/** Values and gradients of the fused ops against PyTorch's (fused/generate.py), in float64. */

interface Values {
  readonly dtype: s.DType;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean | 'inf' | '-inf' | 'nan')[];
}
interface Case {
  readonly op: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly Values[];
  readonly upstream: Values;
  readonly output: Values;
  readonly gradients: readonly Values[];
}
interface Step {
  readonly gradient: Values;
  readonly parameter: Values;
  readonly m: Values;
  readonly v: Values;
}
interface Golden {
  readonly torch: string;
  readonly cases: readonly Case[];
  readonly adamW: { readonly start: Values; readonly steps: readonly Step[] };
}

const golden = JSON.parse(readFileSync(new URL('fused/cases.json', import.meta.url), 'utf8')) as Golden;

const named = { inf: Infinity, '-inf': -Infinity, nan: NaN };

function read({ dtype, shape, values }: Values): s.Tensor {
  const numbers = values.map((value) => (typeof value === 'string' ? named[value] : Number(value)));
  return s.tensor(numbers, { dtype: 'float64' }).cast(dtype).reshape(shape);
}

const isValues = (value: unknown): value is Values => typeof value === 'object' && value !== null && 'values' in value;

/** How each op takes the operands and options of a case. */
const calls: Record<string, (inputs: readonly s.Tensor[], options: Record<string, never>) => s.Tensor> = {
  linear: ([x, w, b]) => s.linear(x, w, b),
  layerNorm: ([x, w, b], options) => s.layerNorm(x, w, b, options),
  rmsNorm: ([x, w], options) => s.rmsNorm(x, w, options),
  softmax: ([x], { axis }) => s.softmax(x, axis),
  logSoftmax: ([x], { axis }) => s.logSoftmax(x, axis),
  gelu: ([x], options) => s.gelu(x, options),
  silu: ([x]) => s.silu(x),
  crossEntropy: ([x, targets], options) => s.crossEntropy(x, targets, options),
  nllLoss: ([x, targets], options) => s.nllLoss(x, targets, options),
  scaledDotProductAttention: ([q, k, v, mask], options) => s.scaledDotProductAttention(q, k, v, mask === undefined ? options : { mask, ...options }),
  einsum: (inputs, { equation }) => s.einsum(equation, ...inputs),
};

describe(`the fused ops are those of PyTorch ${golden.torch} within 1e-12, values and gradients`, () => {
  golden.cases.forEach(({ op, options, inputs, upstream, output, gradients }, number) => {
    const title = JSON.stringify(options, (key, value: unknown) => (key !== '' && isValues(value) ? value.shape : value));
    it(`${op} ${title} (case ${number})`, () => {
      const tensors = inputs.map(read);
      const leaves = tensors.filter(({ dtype }) => dtype === 'float64');
      for (const leaf of leaves) leaf.requiresGrad = true;
      const settings = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, isValues(value) ? read(value) : value]));
      const result = calls[op](tensors, settings as Record<string, never>);
      expectClose(result, read(output), { rtol: 1e-12, atol: 1e-12 });
      const found = s.grad(result, leaves, { gradOutputs: [read(upstream)] });
      gradients.forEach((gradient, i) => expectClose(found[i], read(gradient), { rtol: 1e-12, atol: 1e-12 }));
    });
  });

  it('adamWStep: three steps of torch.optim.AdamW', () => {
    const { start, steps } = golden.adamW;
    const parameter = read(start);
    const [m, v] = [s.zerosLike(parameter), s.zerosLike(parameter)];
    steps.forEach((expected, i) => {
      s.adamWStep(parameter, read(expected.gradient), m, v, { lr: 0.05, betas: [0.8, 0.95], eps: 1e-6, weightDecay: 0.1, step: i + 1 });
      for (const [actual, name] of [[parameter, 'parameter'], [m, 'm'], [v, 'v']] as const) expectClose(actual, read(expected[name]), { rtol: 1e-12, atol: 1e-14 });
    });
    expect(steps).toHaveLength(3);
  });
});
