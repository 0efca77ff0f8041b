import { noGrad, rand, randn, type Generator, type Tensor } from '@strided/tensor';

/** Initialisers fill a tensor in place and return it; they are never recorded. */

type Options = { readonly generator?: Generator };

/** Uniform in [low, high). */
export function uniform<T extends Tensor>(x: T, low = 0, high = 1, options: Options = {}): T {
  noGrad(() => x.copyFrom(rand(x.shape, options).mul(high - low).add(low)));
  return x;
}

/** Normal with a mean and a standard deviation. */
export function normal<T extends Tensor>(x: T, mean = 0, std = 1, options: Options = {}): T {
  noGrad(() => x.copyFrom(randn(x.shape, options).mul(std).add(mean)));
  return x;
}

export function constant<T extends Tensor>(x: T, value: number): T {
  noGrad(() => x.fill(value));
  return x;
}

/** What a linear layer of PyTorch starts from: uniform within ±1/√fanIn (its kaiming_uniform with a = √5). */
export function linearUniform<T extends Tensor>(x: T, fanIn: number, options: Options = {}): T {
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0;
  return uniform(x, -bound, bound, options);
}
