import { readFileSync } from 'node:fs';
import * as nn from '@strided/nn';
import { grad, tensor, type DType, type FloatDType, type Tensor } from '@strided/tensor';
import { expectClose } from '@strided/tensor/testing';
import { describe, expect, it } from 'vitest';

/** Layers, losses and optimisers against PyTorch's (nn/generate.py). */

interface Values {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean | 'inf' | '-inf' | 'nan')[];
}
type Settings = Readonly<Record<string, unknown>>;
interface LayerCase {
  readonly kind: string;
  readonly arguments: readonly unknown[];
  readonly call: Settings;
  readonly titled: string;
  readonly state: Readonly<Record<string, Values>>;
  readonly inputs: readonly Values[];
  readonly outputs: readonly Values[];
  readonly upstream: readonly Values[];
  readonly parameterGradients: Readonly<Record<string, Values>>;
  readonly inputGradients: readonly Values[];
}
interface LossCase {
  readonly name: string;
  readonly options: Settings;
  readonly inputs: readonly Values[];
  readonly output: Values;
  readonly upstream: Values;
  readonly gradients: readonly Values[];
}
interface Trajectory {
  readonly name: 'SGD' | 'Adam' | 'AdamW';
  readonly settings: Settings;
  readonly groups: readonly Settings[] | null;
  readonly start: readonly Values[];
  readonly gradients: readonly (readonly (Values | null)[])[];
  readonly after: readonly (readonly Values[])[];
}
interface Golden {
  readonly torch: string;
  readonly gains: Readonly<Record<nn.init.Nonlinearity, number>>;
  readonly layers: readonly LayerCase[];
  readonly buckets: readonly { readonly options: nn.RelativeBucketOptions; readonly buckets: readonly number[] }[];
  readonly losses: readonly LossCase[];
  readonly trajectories: readonly Trajectory[];
}

const golden = JSON.parse(readFileSync(new URL('nn/cases.json', import.meta.url), 'utf8')) as Golden;
const named = { inf: Infinity, '-inf': -Infinity, nan: NaN };

function read({ dtype, shape, values }: Values): Tensor {
  const numbers = values.map((value) => (typeof value === 'string' ? named[value] : Number(value)));
  return tensor(numbers, { dtype: 'float64' }).cast(dtype).reshape(shape);
}
const isValues = (value: unknown): value is Values => typeof value === 'object' && value !== null && 'values' in value;
const readAll = (settings: Settings): Record<string, never> => Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, (isValues(value) ? read(value) : value) as never]));
const titleOf = (...parts: readonly unknown[]): string => parts.map((part) => JSON.stringify(part, (key, value: unknown) => (key !== '' && isValues(value) ? value.shape : value))).join(' ');

const constructors = nn as unknown as Readonly<Record<string, new (...parameters: readonly unknown[]) => nn.Layer>>;

function make(kind: string, parameters: readonly unknown[]): nn.Module {
  return kind === 'Sequential' ? new nn.Sequential(new nn.Linear(4, 3), new nn.GELU(), new nn.Linear(3, 2)) : new constructors[kind](...parameters);
}

/** How each layer takes the inputs and options of a case. */
function run(module: nn.Module, [x, ...rest]: readonly Tensor[], call: Record<string, never>): readonly Tensor[] {
  if (module instanceof nn.MultiHeadAttention) {
    const [key, value] = rest;
    const { output, weights } = module.forward(x, { ...call, ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) });
    return weights === null ? [output] : [output, weights];
  }
  if (module instanceof nn.TransformerEncoderLayer) return [module.forward(x, call)];
  if (module instanceof nn.TransformerDecoderLayer) return [module.forward(x, rest[0], { cross: { keyPaddingMask: call['crossPadding'] } })];
  if (module instanceof nn.RotaryPositions) return [module.forward(x, call['start'])];
  return [(module as nn.Layer).forward(x)];
}

const close = { rtol: 1e-11, atol: 1e-11 };
// cos and sin of float32 angles are float32 here and there; the two libraries may round them differently.
const tolerances: Readonly<Record<string, typeof close>> = { RotaryPositions: { rtol: 1e-6, atol: 1e-6 } };

describe(`layers are those of PyTorch ${golden.torch}, values and all gradients, within 1e-11`, () => {
  golden.layers.forEach((given, number) => {
    it(`${given.kind} ${given.titled} ${titleOf(...given.arguments, given.call)} (case ${number})`, () => {
      const module = make(given.kind, given.arguments).to('float64');
      const state = new Map(Object.entries(given.state).map(([name, values]) => [name, read(values)]));
      module.loadStateDict(state);
      const inputs = given.inputs.map(read);
      const leaves = inputs.filter(({ dtype }) => dtype === 'float64');
      for (const leaf of leaves) leaf.requiresGrad = true;
      const outputs = run(module, inputs, readAll(given.call));
      const tolerance = tolerances[given.kind] ?? close;
      expect(outputs).toHaveLength(given.outputs.length);
      given.outputs.forEach((output, i) => expectClose(outputs[i], read(output), tolerance));
      const parameters = [...module.namedParameters()];
      const found = grad(outputs, [...parameters.map(([, parameter]) => parameter), ...leaves], { gradOutputs: given.upstream.map(read) });
      parameters.forEach(([name], i) => expectClose(found[i], read(given.parameterGradients[name]), tolerance));
      given.inputGradients.forEach((gradient, i) => expectClose(found[parameters.length + i], read(gradient), tolerance));
    });
  });
});

describe('relative positions fall into the buckets of T5', () => {
  for (const { options, buckets } of golden.buckets) {
    it(`${titleOf(options)}, for distances from -300 to 300`, () => {
      expect(buckets.map((_, i) => nn.relativeBucket(i - 300, options))).toEqual(buckets);
    });
  }
});

const losses = nn as unknown as Readonly<Record<string, (a: Tensor, b: Tensor, options: Settings) => Tensor>>;

describe(`losses are those of PyTorch ${golden.torch}, values and gradients of predictions and targets, within 1e-11`, () => {
  golden.losses.forEach(({ name, options, inputs, output, upstream, gradients }, number) => {
    it(`${name} ${titleOf(options)} (case ${number})`, () => {
      const [a, b] = inputs.map(read);
      for (const leaf of [a, b]) leaf.requiresGrad = true;
      const result = losses[name](a, b, readAll(options));
      expectClose(result, read(output), close);
      const found = grad(result, [a, b], { gradOutputs: [read(upstream)] });
      gradients.forEach((gradient, i) => expectClose(found[i], read(gradient), close));
    });
  });
});

const optimizers = { SGD: nn.SGD, Adam: nn.Adam, AdamW: nn.AdamW };

describe(`ten steps of each optimiser are those of PyTorch ${golden.torch} (AdamW without bias correction: Google's formula) within float32 rounding`, () => {
  golden.trajectories.forEach(({ name, settings, groups, start, gradients, after }) => {
    it(`${name} ${titleOf(settings, ...(groups ?? []))}`, () => {
      const parameters = start.map((values) => new nn.Parameter(read(values) as Tensor<FloatDType>));
      const given = groups === null ? parameters : groups.map((own, i) => ({ parameters: [parameters[i]], settings: own }));
      const optimizer = new optimizers[name](given as readonly nn.Parameter[], settings);
      gradients.forEach((row, step) => {
        row.forEach((gradient, i) => (parameters[i].grad = gradient === null ? null : (read(gradient) as Tensor<FloatDType>)));
        optimizer.step();
        // One rounding a step, of numbers up to a few units.
        after[step].forEach((expected, i) => expectClose(parameters[i], read(expected).cast('float32'), { rtol: 2e-6, atol: 4e-7 * (step + 1) }));
      });
    });
  });
});

it('gains are those of PyTorch', () => {
  for (const [name, gain] of Object.entries(golden.gains)) expect(nn.init.calculateGain(name as nn.init.Nonlinearity)).toBeCloseTo(gain, 14);
});
