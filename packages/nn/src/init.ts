import { ArgumentError, noGrad, rand, randn, ShapeError, tensor, type FloatDType, type Generator, type Tensor } from '@strided/tensor';
import { inverseNormal, normalShare, orthonormalRows } from './initMath.ts';

/**
 * Initialisers, those of torch.nn.init: each fills a tensor in place and returns it, and is never recorded. Numbers are
 * drawn from the default generator unless another is given.
 */

interface Options {
  readonly generator?: Generator;
}

const floatOf = (x: Tensor): FloatDType => (x.dtype === 'float64' ? 'float64' : 'float32');

/** Uniform in [low, high). */
export function uniform<T extends Tensor>(x: T, low = 0, high = 1, options: Options = {}): T {
  if (!(low <= high)) throw new ArgumentError(`init.uniform: low must not be above high: ${low} and ${high}`);
  noGrad(() => x.copyFrom(rand(x.shape, { ...options, dtype: floatOf(x) }).mul(high - low).add(low)));
  return x;
}

/** Normal with a mean and a standard deviation. */
export function normal<T extends Tensor>(x: T, mean = 0, std = 1, options: Options = {}): T {
  if (!(std >= 0)) throw new ArgumentError(`init.normal: the standard deviation must be a number from 0, not ${std}`);
  noGrad(() => x.copyFrom(randn(x.shape, { ...options, dtype: floatOf(x) }).mul(std).add(mean)));
  return x;
}

/** Normal, drawn again wherever it lies outside [low, high] (absolute values, as in PyTorch: default −2 to 2). */
export function truncNormal<T extends Tensor>(x: T, mean = 0, std = 1, low = -2, high = 2, options: Options = {}): T {
  if (!(std > 0 && low < high)) throw new ArgumentError(`init.truncNormal: the standard deviation must be above 0 and low below high, not ${std}, ${low} and ${high}`);
  const [from, to] = [normalShare((low - mean) / std), normalShare((high - mean) / std)];
  if (!(to - from > 1e-9)) throw new ArgumentError(`init.truncNormal: fewer than one draw in 10^9 would lie from ${low} to ${high}, with mean ${mean} and deviation ${std}; choose bounds nearer to the mean`);
  const draws = rand(x.shape, { ...options, dtype: 'float64' }).toTypedArray();
  // The draw u of a share of the distribution becomes the value below which that share lies.
  const values = draws.map((u) => Math.min(high, Math.max(low, mean + std * inverseNormal(from + u * (to - from)))));
  noGrad(() => x.copyFrom(tensor(values).reshape(x.shape)));
  return x;
}

export function constant<T extends Tensor>(x: T, value: number): T {
  noGrad(() => x.fill(value));
  return x;
}

export function zeros<T extends Tensor>(x: T): T {
  return constant(x, 0);
}

export function ones<T extends Tensor>(x: T): T {
  return constant(x, 1);
}

/** 1 on the main diagonal of a matrix, 0 elsewhere. */
export function eye<T extends Tensor>(x: T): T {
  if (x.rank !== 2) throw new ShapeError(`init.eye: only a matrix has a main diagonal, not [${x.shape.join(', ')}]`);
  noGrad(() => x.fill(0).diagonal().fill(1));
  return x;
}

/** What a weight [out, in, ...kernel] is fed by and feeds: fanIn = in·kernel, fanOut = out·kernel. */
export function fans(x: Tensor): { readonly fanIn: number; readonly fanOut: number } {
  if (x.rank < 2) throw new ShapeError(`init: fan-in and fan-out need a weight of at least two axes, [out, in], not [${x.shape.join(', ')}]; use uniform or normal`);
  const kernel = x.shape.slice(2).reduce((product, length) => product * length, 1);
  return { fanIn: x.shape[1] * kernel, fanOut: x.shape[0] * kernel };
}

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** By how much weights must be larger for a signal to keep its size through a nonlinearity. `slope`: of leakyRelu, for x < 0. */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  const gains: Record<Nonlinearity, number> = { linear: 1, sigmoid: 1, tanh: 5 / 3, relu: Math.SQRT2, leakyRelu: Math.sqrt(2 / (1 + slope ** 2)), selu: 3 / 4 };
  if (!Object.hasOwn(gains, nonlinearity)) throw new ArgumentError(`init.calculateGain: '${String(nonlinearity)}' is none of ${Object.keys(gains).join(', ')}`);
  return gains[nonlinearity];
}

/** Uniform within ±gain·√(6/(fanIn + fanOut)) (Glorot and Bengio, AISTATS 2010). */
export function xavierUniform<T extends Tensor>(x: T, gain = 1, options: Options = {}): T {
  const { fanIn, fanOut } = fans(x);
  return spread(x, gain * Math.sqrt(6 / (fanIn + fanOut)), options);
}

/** Normal with the standard deviation gain·√(2/(fanIn + fanOut)). */
export function xavierNormal<T extends Tensor>(x: T, gain = 1, options: Options = {}): T {
  const { fanIn, fanOut } = fans(x);
  return normal(x, 0, gain * Math.sqrt(2 / (fanIn + fanOut)), options);
}

export interface KaimingOptions extends Options {
  /** Whether signals keep their size forward (default) or gradients backward. */
  readonly mode?: 'fanIn' | 'fanOut';
  /** What follows the weight. Default leakyRelu. */
  readonly nonlinearity?: Nonlinearity;
  /** Of leakyRelu. Default 0, which is relu. */
  readonly slope?: number;
}

const kaimingStd = (x: Tensor, { mode = 'fanIn', nonlinearity = 'leakyRelu', slope = 0 }: KaimingOptions): number => calculateGain(nonlinearity, slope) / Math.sqrt(fans(x)[mode]);

/** Uniform within ±gain·√(3/fan) (He et al., arXiv 1502.01852). */
export function kaimingUniform<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  return spread(x, Math.sqrt(3) * kaimingStd(x, options), options);
}

/** Normal with the standard deviation gain/√fan. */
export function kaimingNormal<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  return normal(x, 0, kaimingStd(x, options), { ...options });
}

/**
 * Rows (or, where there are fewer, columns) of a weight [out, ...in] at right angles to each other and of length `gain`
 * (Saxe et al., arXiv 1312.6120); every such weight equally likely.
 */
export function orthogonal<T extends Tensor>(x: T, gain = 1, options: Options = {}): T {
  if (x.rank < 2) throw new ShapeError(`init.orthogonal: needs at least two axes, not [${x.shape.join(', ')}]`);
  if (x.size === 0) return x;
  const [rows, columns] = [x.shape[0], x.size / x.shape[0]];
  const wide = rows <= columns;
  const [count, length] = wide ? [rows, columns] : [columns, rows];
  const directions = tensor(orthonormalRows(randn([count, length], { ...options, dtype: 'float64' }).toTypedArray(), count)).reshape([count, length]);
  noGrad(() => x.copyFrom((wide ? directions : directions.transpose()).reshape(x.shape).mul(gain)));
  return x;
}

/** What a linear layer of PyTorch starts from: uniform within ±1/√fanIn (its kaiming_uniform with a = √5). */
export function linearUniform<T extends Tensor>(x: T, fanIn: number, options: Options = {}): T {
  return spread(x, fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0, options);
}

/** Uniform within ±bound; an empty weight has no bound worth naming. */
function spread<T extends Tensor>(x: T, bound: number, { generator }: Options): T {
  const limit = Number.isFinite(bound) ? bound : 0;
  return uniform(x, -limit, limit, generator === undefined ? {} : { generator });
}
