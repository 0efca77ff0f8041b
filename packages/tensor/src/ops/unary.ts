import { counted, toFloat, type Counted, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { unaryNames, type UnaryName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { activationBackward } from './activation.ts';
import { where } from './choice.ts';
import { apply, checkTensor, defineOp, type Op } from './op.ts';
import { cast, scalar, unchanged } from './operands.ts';

/** d f(x) / dx times g, from what the rule names: x, y = f(x), or neither. */
type UnaryRule =
  | 'none'
  | { readonly from: 'input' | 'output' | 'nothing'; readonly rule: (g: Tensor, value: Tensor) => Tensor };

const fromInput = (rule: (g: Tensor, x: Tensor) => Tensor): UnaryRule => ({ from: 'input', rule });
const fromOutput = (rule: (g: Tensor, y: Tensor) => Tensor): UnaryRule => ({ from: 'output', rule });
const fromNothing = (rule: (g: Tensor) => Tensor): UnaryRule => ({ from: 'nothing', rule });
const zero = fromNothing((g) => scalar('zero', 0, g.dtype).expand(g.shape));

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);
const oneMinusSquare = (x: Tensor): Tensor => x.square().neg().add(1);

/** A unary function without a row here does not compile. */
const rules: Record<UnaryName, UnaryRule> = {
  neg: fromNothing((g) => g.neg()),
  abs: fromInput((g, x) => g.mul(x.sign())),
  sign: zero,
  square: fromInput((g, x) => g.mul(x).mul(2)),
  sqrt: fromOutput((g, y) => g.div(y).mul(0.5)),
  rsqrt: fromOutput((g, y) => g.mul(y).mul(y.square()).mul(-0.5)),
  reciprocal: fromOutput((g, y) => g.mul(y.square()).neg()),
  exp: fromOutput((g, y) => g.mul(y)),
  expm1: fromOutput((g, y) => g.mul(y.add(1))),
  log: fromInput((g, x) => g.div(x)),
  log2: fromInput((g, x) => g.div(x).mul(Math.LOG2E)),
  log10: fromInput((g, x) => g.div(x).mul(Math.LOG10E)),
  log1p: fromInput((g, x) => g.div(x.add(1))),
  sin: fromInput((g, x) => g.mul(x.cos())),
  cos: fromInput((g, x) => g.mul(x.sin()).neg()),
  tan: fromOutput((g, y) => g.mul(y.square().add(1))),
  asin: fromInput((g, x) => g.mul(oneMinusSquare(x).rsqrt())),
  acos: fromInput((g, x) => g.mul(oneMinusSquare(x).rsqrt()).neg()),
  atan: fromInput((g, x) => g.div(x.square().add(1))),
  tanh: fromOutput((g, y) => activationBackward('tanh', y, g)),
  sigmoid: fromOutput((g, y) => activationBackward('sigmoid', y, g)),
  erf: fromInput((g, x) => g.mul(x.square().neg().exp()).mul(twoOverSqrtPi)),
  softplus: fromInput((g, x) => g.mul(x.sigmoid())),
  relu: fromOutput((g, y) => where(y.le(0), 0, g)),
  gelu: fromInput((g, x) => activationBackward('gelu', x, g)),
  geluTanh: fromInput((g, x) => activationBackward('geluTanh', x, g)),
  silu: fromInput((g, x) => activationBackward('silu', x, g)),
  floor: zero,
  ceil: zero,
  round: zero,
  trunc: zero,
  isNaN: 'none',
  isInf: 'none',
  isFinite: 'none',
  logicalNot: 'none',
};

const boolResults: ReadonlySet<UnaryName> = new Set(['isNaN', 'isInf', 'isFinite', 'logicalNot']);

function define(name: UnaryName): Op {
  const rule = rules[name];
  return defineOp({
    name,
    ...(rule === 'none' || rule.from === 'nothing' ? {} : { saves: rule.from === 'input' ? { inputs: [0] } : { output: true } }),
    forward([x]) {
      const output = allocateUnset(x.layout.shape, boolResults.has(name) ? 'bool' : x.storage.dtype);
      kernels.unary(name, x, output);
      return output;
    },
    backward: rule === 'none' ? 'none' : (g, saved) => [rule.rule(g, rule.from === 'input' ? saved.inputs[0] : saved.output)],
  });
}

const ops = Object.fromEntries(unaryNames.map((name) => [name, define(name)])) as Record<UnaryName, Op>;

function run(name: UnaryName, x: Tensor, target: (dtype: DType) => DType): Tensor {
  checkTensor(name, x);
  return apply(ops[name], [cast(x, target(x.dtype))], undefined);
}

/** f(x) in floating point: integers become float32. */
function floating(name: UnaryName) {
  return <D extends DType>(x: Tensor<D>): Tensor<ToFloat<D>> => run(name, x, toFloat) as Tensor<ToFloat<D>>;
}

/** f(x) in x's own dtype; bools are counted. */
function keeping(name: UnaryName) {
  return <D extends DType>(x: Tensor<D>): Tensor<Counted<D>> => run(name, x, counted) as Tensor<Counted<D>>;
}

function testing(name: UnaryName) {
  return (x: Tensor): Tensor<'bool'> => run(name, x, unchanged) as Tensor<'bool'>;
}

/** −x; integers wrap: the least int32 is its own negative. */
export const neg = keeping('neg');
/** |x|; its derivative at 0 is 0. The least integer of int32 and int8 stays itself, as it wraps. */
export const abs = keeping('abs');
/** −1, 0 or 1, and NaN for NaN; its derivative is 0. */
export const sign = keeping('sign');
/** x²; integers wrap. */
export const square = keeping('square');
/** max(x, 0); NaN stays NaN; its derivative at 0 is 0. */
export const relu = keeping('relu');
/** The largest whole number not above x; its derivative is 0. */
export const floor = keeping('floor');
/** The smallest whole number not below x; its derivative is 0. */
export const ceil = keeping('ceil');
/** The nearest whole number; halves go to the even one, as in PyTorch; its derivative is 0. */
export const round = keeping('round');
/** x without what follows its point; its derivative is 0. */
export const trunc = keeping('trunc');
/** √x; NaN below 0. */
export const sqrt = floating('sqrt');
/** 1/√x */
export const rsqrt = floating('rsqrt');
/** 1/x */
export const reciprocal = floating('reciprocal');
/** eˣ */
export const exp = floating('exp');
/** eˣ − 1, exact near 0. */
export const expm1 = floating('expm1');
/** ln x; NaN below 0. */
export const log = floating('log');
/** log₂ x */
export const log2 = floating('log2');
/** log₁₀ x */
export const log10 = floating('log10');
/** ln(1 + x), exact near 0. */
export const log1p = floating('log1p');
/** sin x, x in radians. */
export const sin = floating('sin');
/** cos x, x in radians. */
export const cos = floating('cos');
/** tan x, x in radians. */
export const tan = floating('tan');
/** The angle from −π/2 to π/2 whose sine is x; NaN outside −1 … 1. */
export const asin = floating('asin');
/** The angle from 0 to π whose cosine is x; NaN outside −1 … 1. */
export const acos = floating('acos');
/** The angle from −π/2 to π/2 whose tangent is x. */
export const atan = floating('atan');
/** tanh x */
export const tanh = floating('tanh');
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = floating('sigmoid');
/** 2/√π · ∫₀ˣ e^(−t²) dt */
export const erf = floating('erf');
/** ln(1 + eˣ), without overflow. */
export const softplus = floating('softplus');
/** x · sigmoid(x) */
export const silu = floating('silu');
/** Whether x is NaN; never for integers. */
export const isNaN = testing('isNaN');
/** Whether x is ∞ or −∞; never for integers. */
export const isInf = testing('isInf');
/** Whether x is neither NaN nor infinite; always for integers. */
export const isFinite = testing('isFinite');
/** Whether x is 0. */
export const logicalNot = testing('logicalNot');

const geluErf = floating('gelu');
const geluTanh = floating('geluTanh');

/**
 * x·Φ(x), Φ the normal distribution function; or with `approximate: 'tanh'`
 * x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which differs by up to 5e-4 (Hendrycks and Gimpel, arXiv 1606.08415).
 */
export function gelu<D extends DType>(x: Tensor<D>, options: { readonly approximate?: 'none' | 'tanh' } = {}): Tensor<ToFloat<D>> {
  const { approximate = 'none' } = options;
  if (approximate !== 'none' && approximate !== 'tanh') throw new ArgumentError(`gelu: approximate must be 'none' or 'tanh', not '${String(approximate)}'`);
  return approximate === 'tanh' ? geluTanh(x) : geluErf(x);
}
