import { checkScalar, counted, isFloat, promote, toFloat, type Counted, type DType, type Promote, type ToFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { binaryNames, unaryNames, type BinaryName, type UnaryName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes, expand } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { activationBackward } from './activation.ts';
import { apply, defineOp, wrap, type Op } from './op.ts';

/** What a binary function takes beside a tensor: another, or a number of the tensor's dtype. */
export type Operand = Tensor | number | boolean;

/** d f(x) / dx times g, from what the rule names: x, y = f(x), or neither. */
type UnaryRule =
  | 'none'
  | { readonly from: 'input' | 'output' | 'nothing'; readonly rule: (g: Tensor, value: Tensor) => Tensor };

const fromInput = (rule: (g: Tensor, x: Tensor) => Tensor): UnaryRule => ({ from: 'input', rule });
const fromOutput = (rule: (g: Tensor, y: Tensor) => Tensor): UnaryRule => ({ from: 'output', rule });
const fromNothing = (rule: (g: Tensor) => Tensor): UnaryRule => ({ from: 'nothing', rule });

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

/** A unary function without a row here does not compile. */
const unaryRules: Record<UnaryName, UnaryRule> = {
  neg: fromNothing((g) => g.neg()),
  abs: fromInput((g, x) => g.mul(x.sign())),
  sign: fromNothing((g) => g.mul(0)),
  square: fromInput((g, x) => g.mul(x).mul(2)),
  sqrt: fromOutput((g, y) => g.div(y).mul(0.5)),
  rsqrt: fromOutput((g, y) => g.mul(y).mul(y.square()).mul(-0.5)),
  reciprocal: fromOutput((g, y) => g.mul(y.square()).neg()),
  exp: fromOutput((g, y) => g.mul(y)),
  expm1: fromOutput((g, y) => g.mul(y.add(1))),
  log: fromInput((g, x) => g.div(x)),
  log1p: fromInput((g, x) => g.div(x.add(1))),
  sin: fromInput((g, x) => g.mul(x.cos())),
  cos: fromInput((g, x) => g.mul(x.sin()).neg()),
  tanh: fromOutput((g, y) => activationBackward('tanh', y, g)),
  sigmoid: fromOutput((g, y) => activationBackward('sigmoid', y, g)),
  erf: fromInput((g, x) => g.mul(x.square().neg().exp()).mul(twoOverSqrtPi)),
  softplus: fromInput((g, x) => g.mul(x.sigmoid())),
  relu: fromOutput((g, y) => g.mul(y.gt(0))),
  gelu: fromInput((g, x) => activationBackward('gelu', x, g)),
  geluTanh: fromInput((g, x) => activationBackward('geluTanh', x, g)),
  silu: fromInput((g, x) => activationBackward('silu', x, g)),
  floor: fromNothing((g) => g.mul(0)),
  ceil: fromNothing((g) => g.mul(0)),
  round: fromNothing((g) => g.mul(0)),
  isNaN: 'none',
  isFinite: 'none',
  logicalNot: 'none',
};

/** d f(a, b) / da and / db times g. Shapes may still be broadcast: the walk sums back. */
type BinaryRule =
  | 'none'
  | {
      /** The operands that each of the two rules reads. */
      readonly reads: { readonly a: readonly number[]; readonly b: readonly number[] };
      readonly a: (g: Tensor, a: Tensor, b: Tensor) => Tensor;
      readonly b: (g: Tensor, a: Tensor, b: Tensor) => Tensor;
    };

/** 1 where a wins, ½ on a tie, 0 elsewhere. */
const share = (wins: Tensor, ties: Tensor, like: Tensor) => wins.cast(like.dtype).add(ties.cast(like.dtype).mul(0.5));

const neither = { a: [], b: [] };
const both = { a: [0, 1], b: [0, 1] };

const binaryRules: Record<BinaryName, BinaryRule> = {
  add: { reads: neither, a: (g) => g, b: (g) => g },
  sub: { reads: neither, a: (g) => g, b: (g) => g.neg() },
  mul: { reads: { a: [1], b: [0] }, a: (g, _, b) => g.mul(b), b: (g, a) => g.mul(a) },
  div: { reads: { a: [1], b: [0, 1] }, a: (g, _, b) => g.div(b), b: (g, a, b) => g.mul(a).div(b.square()).neg() },
  pow: {
    reads: both,
    // b·aᵇ⁻¹, and 0 where b is 0 although a⁻¹ may be infinite.
    a: (g, a, b) => where(b.eq(0), 0, g.mul(b).mul(a.pow(b.sub(1)))),
    // aᵇ·ln a, and its limit 0 where a is 0 and b ≥ 0.
    b: (g, a, b) => where(a.eq(0).logicalAnd(b.ge(0)), 0, g.mul(a.pow(b)).mul(a.log())),
  },
  mod: { reads: { a: [], b: [0, 1] }, a: (g) => g, b: (g, a, b) => g.mul(a.div(b).floor()).neg() },
  minimum: {
    reads: both,
    a: (g, a, b) => g.mul(share(a.lt(b), a.eq(b), g)),
    b: (g, a, b) => g.mul(share(b.lt(a), a.eq(b), g)),
  },
  maximum: {
    reads: both,
    a: (g, a, b) => g.mul(share(a.gt(b), a.eq(b), g)),
    b: (g, a, b) => g.mul(share(b.gt(a), a.eq(b), g)),
  },
  eq: 'none', ne: 'none', lt: 'none', le: 'none', gt: 'none', ge: 'none',
  logicalAnd: 'none', logicalOr: 'none', logicalXor: 'none',
};

const boolResults: ReadonlySet<string> = new Set([
  'isNaN', 'isFinite', 'logicalNot', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'logicalAnd', 'logicalOr', 'logicalXor',
]);

function defineUnary(name: UnaryName): Op {
  const rule = unaryRules[name];
  return defineOp({
    name,
    ...(rule === 'none' || rule.from === 'nothing' ? {} : { saves: rule.from === 'input' ? { inputs: [0] } : { output: true } }),
    forward([x]) {
      const output = allocate(x.layout.shape, boolResults.has(name) ? 'bool' : x.storage.dtype);
      kernels.unary(name, x, output);
      return output;
    },
    backward: rule === 'none' ? 'none' : (g, saved) => [rule.rule(g, rule.from === 'input' ? saved.inputs[0] : saved.output)],
  });
}

function defineBinary(name: BinaryName): Op {
  const rule = binaryRules[name];
  return defineOp({
    name,
    ...(rule === 'none' ? {} : { saves: { inputs: (needs) => [...(needs[0] ? rule.reads.a : []), ...(needs[1] ? rule.reads.b : [])] } }),
    forward([a, b]) {
      const shape = broadcastShapes(name, a.layout.shape, b.layout.shape);
      const output = allocate(shape, boolResults.has(name) ? 'bool' : a.storage.dtype);
      kernels.binary(name, stretch(name, a, shape), stretch(name, b, shape), output);
      return output;
    },
    backward:
      rule === 'none'
        ? 'none'
        : (g, { inputs: [a, b], needs }) => [needs[0] ? rule.a(g, a, b) : null, needs[1] ? rule.b(g, a, b) : null],
  });
}

const unaryOps = Object.fromEntries(unaryNames.map((name) => [name, defineUnary(name)])) as Record<UnaryName, Op>;
const binaryOps = Object.fromEntries(binaryNames.map((name) => [name, defineBinary(name)])) as Record<BinaryName, Op>;

/** `view` repeated to `shape` without copying. */
export function stretch(op: string, view: View, shape: readonly number[]): View {
  return { storage: view.storage, layout: expand(op, view.layout, shape) };
}

/** Converts values: floats to integers truncate towards zero, anything to bool is x ≠ 0. */
const castOp = defineOp<{ readonly dtype: DType }>({
  name: 'cast',
  forward([x], { dtype }) {
    const output = allocate(x.layout.shape, dtype);
    kernels.copy(x, output);
    return output;
  },
  // The walk gives every gradient its input's dtype.
  backward: (g) => [g],
});

/** The same values as another dtype; itself where nothing changes. */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  return (x.dtype === dtype ? x : apply(castOp, [x], { dtype })) as Tensor<D>;
}

/** A 0-dimensional tensor of a number, in the dtype of the tensor beside it. */
export function scalar<D extends DType>(op: string, value: number | boolean, dtype: D): Tensor<D> {
  const view = allocate([], dtype);
  view.storage.data[0] = checkScalar(op, value, dtype);
  return wrap(view);
}

/** Both operands as tensors of the dtype that they meet in. */
function meet(op: string, a: Operand, b: Operand, target: (dtype: DType) => DType): [Tensor, Tensor] {
  if (typeof a !== 'object' && typeof b !== 'object') {
    throw new ArgumentError(`${op}: one of the operands must be a tensor, not the numbers ${a} and ${b}`);
  }
  const left = typeof a === 'object' ? a : scalar(op, a, (b as Tensor).dtype);
  const right = typeof b === 'object' ? b : scalar(op, b, (a as Tensor).dtype);
  const dtype = target(promote(left.dtype, right.dtype));
  return [cast(left, dtype), cast(right, dtype)];
}

const arithmetic = (dtype: DType): DType => counted(dtype);
const unchanged = (dtype: DType): DType => dtype;
const logical = (): DType => 'bool';

function binary(name: BinaryName, a: Operand, b: Operand, target: (dtype: DType) => DType): Tensor {
  return apply(binaryOps[name], meet(name, a, b, target), undefined);
}

/** In-place arithmetic runs the same op on the same terms. */
export function arithmeticOf(name: 'add' | 'sub' | 'mul' | 'div', a: Tensor, b: Operand): Tensor {
  return binary(name, a, b, name === 'div' ? toFloat : arithmetic);
}

type Met<A extends Operand, B extends Operand> = A extends Tensor<infer D>
  ? B extends Tensor<infer E> ? Promote<D, E> : D
  : B extends Tensor<infer E> ? E : never;
/** The types of a + b, a / b, and of a choice between a and b. */
export type Sum<A extends Operand, B extends Operand> = Tensor<Counted<Met<A, B>>>;
export type Quotient<A extends Operand, B extends Operand> = Tensor<ToFloat<Met<A, B>>>;
export type Joined<A extends Operand, B extends Operand> = Tensor<Met<A, B>>;

/** a + b, with broadcasting. */
export function add<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return binary('add', a, b, arithmetic) as Sum<A, B>;
}

/** a − b, with broadcasting. */
export function sub<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return binary('sub', a, b, arithmetic) as Sum<A, B>;
}

/** a·b value by value, with broadcasting. */
export function mul<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return binary('mul', a, b, arithmetic) as Sum<A, B>;
}

/** a / b; integers are divided as float32. */
export function div<A extends Operand, B extends Operand>(a: A, b: B): Quotient<A, B> {
  if (typeof a === 'object' && typeof b !== 'object') return binary('div', cast(a, toFloat(a.dtype)), b, unchanged) as Quotient<A, B>;
  if (typeof b === 'object' && typeof a !== 'object') return binary('div', a, cast(b, toFloat(b.dtype)), unchanged) as Quotient<A, B>;
  return binary('div', a, b, toFloat) as Quotient<A, B>;
}

/** aᵇ. Integers keep their dtype and wrap; a negative exponent of integers is an error. */
export function pow<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  const [x, y] = meet('pow', a, b, arithmetic);
  if (!isFloat(x.dtype)) refuseAny('pow', y.lt(0), 'an integer power needs exponents from 0; cast to float32 first');
  return apply(binaryOps.pow, [x, y], undefined) as Sum<A, B>;
}

/** a − b·⌊a / b⌋: the remainder with the sign of b, as in Python. Integers refuse b = 0; floats give NaN. */
export function mod<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  const [x, y] = meet('mod', a, b, arithmetic);
  if (!isFloat(x.dtype)) refuseAny('mod', y.eq(0), 'the remainder by 0 does not exist among integers; cast to float32 for NaN');
  return apply(binaryOps.mod, [x, y], undefined) as Sum<A, B>;
}

function refuseAny(op: string, bad: Tensor, rule: string): void {
  if (bad.any().item()) throw new ArgumentError(`${op}: ${rule}`);
}

/** The smaller of a and b; NaN where either is. */
export function minimum<A extends Operand, B extends Operand>(a: A, b: B): Joined<A, B> {
  return binary('minimum', a, b, unchanged) as Joined<A, B>;
}

/** The larger of a and b; NaN where either is. */
export function maximum<A extends Operand, B extends Operand>(a: A, b: B): Joined<A, B> {
  return binary('maximum', a, b, unchanged) as Joined<A, B>;
}

type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
export function compare(name: Comparison, a: Operand, b: Operand): Tensor<'bool'> {
  return binary(name, a, b, unchanged) as Tensor<'bool'>;
}
export const eq = (a: Operand, b: Operand): Tensor<'bool'> => compare('eq', a, b);
export const ne = (a: Operand, b: Operand): Tensor<'bool'> => compare('ne', a, b);
export const lt = (a: Operand, b: Operand): Tensor<'bool'> => compare('lt', a, b);
export const le = (a: Operand, b: Operand): Tensor<'bool'> => compare('le', a, b);
export const gt = (a: Operand, b: Operand): Tensor<'bool'> => compare('gt', a, b);
export const ge = (a: Operand, b: Operand): Tensor<'bool'> => compare('ge', a, b);

/** Logic on truth: anything but 0 (and NaN counts as true) is true. */
export const logicalAnd = (a: Operand, b: Operand): Tensor<'bool'> => binary('logicalAnd', a, b, logical) as Tensor<'bool'>;
export const logicalOr = (a: Operand, b: Operand): Tensor<'bool'> => binary('logicalOr', a, b, logical) as Tensor<'bool'>;
export const logicalXor = (a: Operand, b: Operand): Tensor<'bool'> => binary('logicalXor', a, b, logical) as Tensor<'bool'>;

/** f(x) in floating point: integers become float32. */
function floating(name: UnaryName) {
  return <D extends DType>(x: Tensor<D>): Tensor<ToFloat<D>> => apply(unaryOps[name], [cast(x, toFloat(x.dtype))], undefined) as Tensor<ToFloat<D>>;
}

/** f(x) in x's own dtype; bools are counted. */
function keeping(name: UnaryName) {
  return <D extends DType>(x: Tensor<D>): Tensor<Counted<D>> => apply(unaryOps[name], [cast(x, counted(x.dtype))], undefined) as Tensor<Counted<D>>;
}

function testing(name: UnaryName) {
  return (x: Tensor): Tensor<'bool'> => apply(unaryOps[name], [x], undefined) as Tensor<'bool'>;
}

/** −x */
export const neg = keeping('neg');
/** |x|; its derivative at 0 is 0. */
export const abs = keeping('abs');
/** −1, 0 or 1; its derivative is 0. */
export const sign = keeping('sign');
/** x² */
export const square = keeping('square');
/** max(x, 0) */
export const relu = keeping('relu');
/** The largest whole number not above x. */
export const floor = keeping('floor');
/** The smallest whole number not below x. */
export const ceil = keeping('ceil');
/** The nearest whole number; halves go to the even one, as in PyTorch. */
export const round = keeping('round');
/** √x */
export const sqrt = floating('sqrt');
/** 1/√x */
export const rsqrt = floating('rsqrt');
/** 1/x */
export const reciprocal = floating('reciprocal');
/** eˣ */
export const exp = floating('exp');
/** eˣ − 1, exact near 0. */
export const expm1 = floating('expm1');
/** ln x */
export const log = floating('log');
/** ln(1 + x), exact near 0. */
export const log1p = floating('log1p');
/** sin x, x in radians. */
export const sin = floating('sin');
/** cos x, x in radians. */
export const cos = floating('cos');
/** tanh x */
export const tanh = floating('tanh');
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = floating('sigmoid');
/** 2/√π · ∫₀ˣ e^(−t²) dt */
export const erf = floating('erf');
/** ln(1 + eˣ) */
export const softplus = floating('softplus');
/** x · sigmoid(x) */
export const silu = floating('silu');
export const isNaN = testing('isNaN');
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
  return options.approximate === 'tanh' ? geluTanh(x) : geluErf(x);
}

const whereOp = defineOp({
  name: 'where',
  saves: { inputs: [0] },
  forward([condition, a, b]) {
    const shape = broadcastShapes('where', condition.layout.shape, a.layout.shape, b.layout.shape);
    const output = allocate(shape, a.storage.dtype);
    kernels.where(stretch('where', condition, shape), stretch('where', a, shape), stretch('where', b, shape), output);
    return output;
  },
  backward: (g, { inputs: [condition], needs }) => [
    null,
    needs[1] ? where(condition, g, 0) : null,
    needs[2] ? where(condition, 0, g) : null,
  ],
});

/** a where the condition holds, else b. */
export function where<A extends Operand, B extends Operand>(condition: Tensor, a: A, b: B): Joined<A, B> {
  return apply(whereOp, [cast(condition, 'bool'), ...meet('where', a, b, unchanged)], undefined) as Joined<A, B>;
}

const clampOp = defineOp<{ readonly min: number; readonly max: number }>({
  name: 'clamp',
  saves: { inputs: [0] },
  forward([x], { min, max }) {
    const output = allocate(x.layout.shape, x.storage.dtype);
    const bound = (value: number) => stretch('clamp', scalar('clamp', value, x.storage.dtype), x.layout.shape);
    kernels.copy(x, output);
    if (min !== -Infinity) kernels.binary('maximum', output, bound(min), output);
    if (max !== Infinity) kernels.binary('minimum', output, bound(max), output);
    return output;
  },
  // 1 on the bounds themselves, as in PyTorch.
  backward: (g, { inputs: [x], attributes: { min, max } }) => [g.mul(x.ge(min).logicalAnd(x.le(max)))],
});

/** min(max(x, min), max); a bound left out does not bind. */
export function clamp<D extends DType>(x: Tensor<D>, options: { readonly min?: number; readonly max?: number }): Tensor<D> {
  return apply(clampOp, [x], { min: options.min ?? -Infinity, max: options.max ?? Infinity }) as Tensor<D>;
}
