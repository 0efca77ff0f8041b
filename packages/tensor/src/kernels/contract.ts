import type { View } from '../storage.ts';
import type { GeneratorState } from '../random.ts';

/**
 * Every kernel's signature. A kernel reads views, writes into a view that exists, and knows nothing of gradients.
 * `kernels/js` implements all of it for every dtype and any strides; a faster level may decline a call.
 * Rules that hold throughout, so that no kernel checks them: operands of one call already have one shape (broadcasting
 * is stride 0), an output never overlaps itself or an input (elementwise kernels may write exactly onto an input),
 * computing operands share one dtype unless the kernel says otherwise, and indices are in range.
 */

export const unaryNames = [
  'neg', 'abs', 'sign', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'expm1', 'log', 'log2', 'log10', 'log1p',
  'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'tanh', 'sigmoid', 'erf', 'softplus', 'relu', 'gelu', 'geluTanh', 'silu',
  'floor', 'ceil', 'round', 'trunc', 'isNaN', 'isInf', 'isFinite', 'logicalNot',
] as const;
export type UnaryName = (typeof unaryNames)[number];

/** Unary functions whose derivative is a kernel. */
export type ActivationName = 'gelu' | 'geluTanh' | 'silu' | 'tanh' | 'sigmoid';

export const binaryNames = [
  'add', 'sub', 'mul', 'div', 'floorDivide', 'pow', 'mod', 'atan2', 'minimum', 'maximum',
  'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'logicalAnd', 'logicalOr', 'logicalXor',
] as const;
export type BinaryName = (typeof binaryNames)[number];

export const reduceNames = ['sum', 'mean', 'sumOfSquares', 'prod', 'min', 'max', 'all', 'any'] as const;
export type ReduceName = (typeof reduceNames)[number];

export interface Kernels {
  /** out = x, converted to out's dtype (floats to integers truncate and wrap; anything to bool is x ≠ 0). */
  copy(x: View, out: View): void;
  /** out = value everywhere. */
  fill(out: View, value: number): void;
  /** out = f(x). isNaN, isFinite and logicalNot write bool. */
  unary(name: UnaryName, x: View, out: View): void;
  /** out = g·f′, from value = x for gelu, geluTanh and silu, and from value = f(x) for tanh and sigmoid. */
  activationBackward(name: ActivationName, value: View, g: View, out: View): void;
  /** out = f(a, b). Comparisons and logic write bool. */
  binary(name: BinaryName, a: View, b: View, out: View): void;
  /** out = condition ? a : b, with a bool condition. */
  where(condition: View, a: View, b: View, out: View): void;
  /** out += x, value by value: right even where out meets itself (stride 0). */
  accumulate(x: View, out: View): void;

  /**
   * Reduces the axes on which out has length 1, converting to out's dtype (mean of int32 into float32, float32 squares
   * into float64). Totals are float64 inside; an int32 result out of range throws before anything is written.
   */
  reduce(name: ReduceName, x: View, out: View): void;
  /** out (int32, length 1 on `axis`) = the first index of the extreme value along `axis`; a NaN is extreme. */
  argReduce(name: 'argmin' | 'argmax', x: View, axis: number, out: View): void;
  /** out[i] = x[0] ∘ … ∘ x[i] along `axis`. */
  scan(name: 'cumSum' | 'cumProd', x: View, axis: number, out: View): void;
  /** out (int32) = the stable order that sorts x along `axis`; NaN counts as largest. */
  argSort(x: View, axis: number, descending: boolean, out: View): void;
  /** out (int32, length k on `axis`) = the first k of the stable order of x along `axis`: falling for `largest`, else rising. */
  topK(x: View, axis: number, largest: boolean, out: View): void;

  /** out[…, m, n] = Σₖ a[…, m, k]·b[…, k, n]. */
  matmul(a: View, b: View, out: View): void;
  /** out[r, n] = dropout(activation(z)) + residual[r, n] for z = scale·Σₖ x[r, k]·weight[n, k] + bias[n]. */
  linear(x: View, weight: View, epilogue: LinearEpilogue, out: View): void;
  /** out[r, …] = the sums x[r]·weightᵀ + bias of several weights [Nᵢ, K], side by side: the values that `linear` gives for each. */
  linears(x: View, weights: readonly View[], biases: readonly (View | null)[], out: View): void;

  /** out = the values of a 16-bit format whose bits are given: exact, the payload of a NaN too. Dense values, and nothing but float32. */
  widen(format: HalfFormat, halves: Uint16Array, out: Float32Array): void;
  /** out = the bits of the nearest values of a 16-bit format, ties to even. */
  narrow(format: HalfFormat, x: Float32Array, out: Uint16Array): void;

  /** out = x at positions `index` (int32, one axis) of `axis`. */
  indexSelect(x: View, axis: number, index: View, out: View): void;
  /** out at positions `index` (int32, one axis) of `axis` += x. */
  indexAdd(x: View, axis: number, index: View, out: View): void;
  /** out[i…] = x[i… with index[i…] on `axis`]. */
  gather(x: View, axis: number, index: View, out: View): void;
  /** out[i… with index[i…] on `axis`] = or += x[i…]; of values set at one place the last in row-major order of i stays. */
  scatter(mode: 'set' | 'add', x: View, axis: number, index: View, out: View): void;

  /** out = independent draws: uniform in [0, 1), standard normal, or for a threshold p bool draws of 1 with probability p. */
  random(kind: RandomKind, state: GeneratorState, out: View): void;
  /** out = x / (1 − p) where draw i of the stream is ≥ p, else 0; i counts values in row-major order. */
  dropout(x: View, p: number, state: GeneratorState, out: View): void;

  /** Softmax over the last axis. */
  softmax(x: View, out: View): void;
  /** out = y·(g − Σ g·y) over the last axis. */
  softmaxBackward(y: View, g: View, out: View): void;
  logSoftmax(x: View, out: View): void;
  /** out = g − exp(y)·Σ g over the last axis. */
  logSoftmaxBackward(y: View, g: View, out: View): void;

  /** In place: m = β₁·m + (1 − β₁)·g, v = β₂·v + (1 − β₂)·g², p = p·keep − stepSize·m/(√v + eps), each rounded once. */
  adamW(parameter: View, gradient: View, m: View, v: View, settings: AdamWSettings): void;

  /**
   * out [..., L, V] = dropout(softmax(s))·v and logSumExp [..., L, 1] (float64) of s, for s = q·kᵀ·scale with q [..., L, E],
   * k [..., S, E], v [..., S, V]; a mask [..., L, S] is added where it is float, and where it is bool a 0 makes −∞. A row of
   * −∞ alone gives 0, with a logSumExp of −∞.
   */
  attention(q: View, k: View, v: View, mask: View | null, options: AttentionOptions, out: View, logSumExp: View): void;
  /** With p = e^(s − logSumExp), d = what dropout multiplies by and t = d∘(g·vᵀ): v: (p∘d)ᵀ·g; mask: ds = p∘(t − Σ p∘t); q: ds·k·scale; k: dsᵀ·q·scale. */
  attentionBackward(q: View, k: View, v: View, mask: View | null, options: AttentionOptions, logSumExp: View, g: View, out: AttentionGradients): void;

  /**
   * logSumExp [..., 1] (float64) of logits [..., C] and losses [..., 1] (any float) = Σ q·(logSumExp − logits), 0 for an
   * ignored target. With w = weight or 1 and s = smoothing, q[c] is (1 − s)·w[c]·(c = target) + s/C·w[c] for classes and
   * w[c]·((1 − s)·target[c] + s/C) for distributions.
   */
  crossEntropy(logits: View, targets: CrossEntropyTargets, losses: View, logSumExp: View): void;
  /** logits: g·(softmax·Σ q − q), 0 where ignored; targets: g·w·(1 − s)·(logSumExp − logits), for a g [..., 1] of any float dtype. */
  crossEntropyBackward(logits: View, targets: CrossEntropyTargets, logSumExp: View, g: View, out: CrossEntropyGradients): void;

  /**
   * out = (x − mean)·reciprocal·weight + bias over the last axis, and the statistics [..., 1], always float64:
   * mean (0 for rms), reciprocal (1 / spread), and slope: reciprocal/C, or 1/((C − 1)·deviation) for `deviation`
   * (0 where the deviation is 0). The spread is √(Σ(x−mean)²/C + ε) for `variance` and `rms`,
   * √(Σ(x−mean)²/(C−1)) + ε for `deviation`.
   */
  layerNorm(form: NormForm, epsilon: number, x: View, weight: View | null, bias: View | null, out: View, statistics: NormStatistics): void;
  /** With ĝ = g·weight and x̂ = (x − mean)·reciprocal: x: reciprocal·(ĝ − mean ĝ) − slope·x̂·Σ ĝ·x̂ (rms: without mean ĝ); weight: Σ g·x̂; bias: Σ g. */
  layerNormBackward(form: NormForm, x: View, weight: View | null, g: View, statistics: NormStatistics, out: NormGradients): void;
}

/** Floats of 16 bits: 1 sign, 5 exponent and 10 fraction bits, or the upper half of a float32. They are stored, not computed with. */
export type HalfFormat = 'float16' | 'bfloat16';

/** Functions that `linear` applies to its sums. */
export const linearActivations = ['relu', 'gelu', 'geluTanh', 'silu', 'tanh'] as const satisfies readonly UnaryName[];
export type LinearActivation = (typeof linearActivations)[number];

/** What follows the sums of `linear`; activations, dropout and a scale other than 1 are for floats only. */
export interface LinearEpilogue {
  /** [N] */
  readonly bias: View | null;
  readonly scale: number;
  readonly activation: LinearActivation | null;
  /** By draw r·N + n of this stream, for N of whole blocks of four draws; null: nothing is dropped. */
  readonly dropout: { readonly p: number; readonly state: GeneratorState } | null;
  /** [R, N] */
  readonly residual: View | null;
  /** Where the derivative of dropout(activation(z)) goes, [R, N], for a backward pass. */
  readonly slope: View | null;
}

/** What cross entropy compares logits with. */
export interface CrossEntropyTargets {
  /** int32 classes [..., 1], or where ignoreIndex is null distributions [..., C] of the logits' dtype. */
  readonly view: View;
  /** A factor for each class [C], of the logits' dtype. */
  readonly weight: View | null;
  readonly ignoreIndex: number | null;
  /** The share of each target that is spread over all classes. */
  readonly smoothing: number;
}

/** Where gradients go; null where none is wanted, and always for classes. */
export interface CrossEntropyGradients {
  readonly logits: View | null;
  readonly targets: View | null;
}

export interface AdamWSettings {
  /** What decay leaves of a parameter: 1 − lr·weightDecay. */
  readonly keep: number;
  readonly beta1: number;
  readonly beta2: number;
  /** lr, over (1 − β₁ᵗ)/√(1 − β₂ᵗ) where the bias is corrected. */
  readonly stepSize: number;
  /** The user's, times √(1 − β₂ᵗ) where the bias is corrected: numerator and denominator are multiplied by it. */
  readonly eps: number;
}

/** Which scores count, and by how much. */
export interface AttentionOptions {
  readonly scale: number;
  /** Query i sees keys 0 … i only. */
  readonly causal: boolean;
  /** Where sequences that lie one after the other begin and end, from 0 to L = S: a query sees the keys of its own. null: all. */
  readonly segments: ArrayLike<number> | null;
  /** Weights are dropped by draws of this stream; draw i is that of score i in row-major order. */
  readonly dropout: { readonly p: number; readonly state: GeneratorState } | null;
}

/** Where gradients go; null where none is wanted, or there is no mask. */
export interface AttentionGradients {
  readonly q: View | null;
  readonly k: View | null;
  readonly v: View | null;
  readonly mask: View | null;
}

export type NormForm = 'variance' | 'deviation' | 'rms';

export interface NormStatistics {
  readonly mean: View;
  readonly reciprocal: View;
  readonly slope: View;
}

/** Where gradients go; null where none is wanted. */
export interface NormGradients {
  readonly x: View | null;
  readonly weight: View | null;
  readonly bias: View | null;
}

export type RandomKind = { readonly kind: 'uniform' } | { readonly kind: 'normal' } | { readonly kind: 'bernoulli'; readonly p: number };
