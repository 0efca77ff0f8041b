import { functionalCall, type Module } from '@strided/nn';
import { Generator, noGrad, randn, type Tensor } from '@strided/tensor';
import { checkGradients, type GradientOptions } from '@strided/tensor/testing';

/** Gives every parameter random values, so that no rule hides behind zeros and ones; float64 from then on. */
export function scramble<M extends Module>(module: M, seed = 1): M {
  const generator = new Generator(seed);
  module.to('float64');
  for (const parameter of module.parameters()) noGrad(() => parameter.copyFrom(randn(parameter.shape, { dtype: 'float64', generator }).mul(0.5)));
  return module;
}

/** Checks the gradients of a module in float64, in every value of its parameters and inputs. */
export function checkModule(module: Module, run: (...inputs: Tensor[]) => Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradientOptions = {}): void {
  scramble(module);
  const named = [...module.namedParameters()];
  const names = named.map(([name]) => name);
  const values = named.map(([, parameter]) => parameter.detach().clone());
  const fn = (...all: Tensor[]) => functionalCall(module, new Map(names.map((name, i) => [name, all[i]])), () => run(...all.slice(names.length)));
  checkGradients(fn, [...values, ...inputs], options);
}
