import { isFloat, toFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import type { BinaryName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes } from '../layout.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './choice.ts';
import { apply, defineOp, type Op } from './op.ts';
import { arithmetic, meet, scalar, stretch, unchanged, type Joined, type Operand, type Quotient, type Sum, type Target } from './operands.ts';

type ArithmeticName = Exclude<BinaryName, 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'logicalAnd' | 'logicalOr' | 'logicalXor'>;

/** d f(a, b) / da and / db times g. Shapes may still be broadcast: the walk sums back. */
interface BinaryRule {
  /** The operands that each of the two rules reads. */
  readonly reads: { readonly a: readonly number[]; readonly b: readonly number[] };
  readonly a: (g: Tensor, a: Tensor, b: Tensor) => Tensor;
  readonly b: (g: Tensor, a: Tensor, b: Tensor) => Tensor;
}

const neither = { a: [], b: [] };
const both = { a: [0, 1], b: [0, 1] };

const zero = (g: Tensor): Tensor => scalar('zero', 0, g.dtype).expand(g.shape);

/** All of g to what is chosen, half of it on a tie; a NaN, which wins over numbers, gets it too. */
const chosen = (g: Tensor, loses: Tensor, ties: Tensor): Tensor => where(loses, 0, where(ties, g.mul(0.5), g));

/** a, but 1 where a power's derivative would meet 0 · ∞ although the power is constant there. */
function powerBase(a: Tensor, b: Tensor): Tensor {
  const constant = b.eq(0).logicalAnd(a.eq(0).logicalOr(a.isNaN()));
  return where(constant, 1, a);
}

/** A binary function without a row here does not compile. */
const rules: Record<ArithmeticName, BinaryRule> = {
  add: { reads: neither, a: (g) => g, b: (g) => g },
  sub: { reads: neither, a: (g) => g, b: (g) => g.neg() },
  mul: { reads: { a: [1], b: [0] }, a: (g, _, b) => g.mul(b), b: (g, a) => g.mul(a) },
  // (a / b) / b: b² would overflow or vanish earlier.
  div: { reads: { a: [1], b: [0, 1] }, a: (g, _, b) => g.div(b), b: (g, a, b) => g.mul(a.div(b).div(b)).neg() },
  floorDivide: { reads: neither, a: zero, b: zero },
  pow: {
    reads: both,
    // b·aᵇ⁻¹
    a: (g, a, b) => g.mul(b).mul(powerBase(a, b).pow(b.sub(1))),
    // aᵇ·ln a, and its limit 0 where a is 0 and b ≥ 0.
    b: (g, a, b) => g.mul(a.pow(b)).mul(where(a.eq(0).logicalAnd(b.ge(0)), 1, a).log()),
  },
  mod: { reads: { a: [], b: [0, 1] }, a: (g) => g, b: (g, a, b) => g.mul(a.floorDivide(b)).neg() },
  atan2: {
    reads: both,
    a: (g, a, b) => g.mul(b).div(a.square().add(b.square())),
    b: (g, a, b) => g.mul(a).div(a.square().add(b.square())).neg(),
  },
  minimum: { reads: both, a: (g, a, b) => chosen(g, a.gt(b), a.eq(b)), b: (g, a, b) => chosen(g, b.gt(a), a.eq(b)) },
  maximum: { reads: both, a: (g, a, b) => chosen(g, a.lt(b), a.eq(b)), b: (g, a, b) => chosen(g, b.lt(a), a.eq(b)) },
};

function define(name: ArithmeticName): Op {
  const rule = rules[name];
  return defineOp({
    name,
    saves: { inputs: (needs) => [...(needs[0] ? rule.reads.a : []), ...(needs[1] ? rule.reads.b : [])] },
    forward([a, b]) {
      const shape = broadcastShapes(name, a.layout.shape, b.layout.shape);
      const output = allocateUnset(shape, a.storage.dtype);
      kernels.binary(name, stretch(name, a, shape), stretch(name, b, shape), output);
      return output;
    },
    backward: (g, { inputs: [a, b], needs }) => [needs[0] ? rule.a(g, a, b) : null, needs[1] ? rule.b(g, a, b) : null],
  });
}

const ops = Object.fromEntries(Object.keys(rules).map((name) => [name, define(name as ArithmeticName)])) as Record<ArithmeticName, Op>;

function run(name: ArithmeticName, a: Operand, b: Operand, target: Target): Tensor {
  return apply(ops[name], meet(name, a, b, target), undefined);
}

/** As `run`, but among integers a value of b that `refused` finds is an error. */
function runUnless(name: ArithmeticName, a: Operand, b: Operand, refused: (b: Tensor) => Tensor, rule: string): Tensor {
  const [x, y] = meet(name, a, b, arithmetic);
  if (!isFloat(y.dtype) && refused(y).any().item()) throw new ArgumentError(`${name}: ${rule}`);
  return apply(ops[name], [x, y], undefined);
}

/** In-place arithmetic runs the same op on the same terms. */
export function arithmeticOf(name: 'add' | 'sub' | 'mul' | 'div', a: Tensor, b: Operand): Tensor {
  return run(name, a, b, name === 'div' ? toFloat : arithmetic);
}

/** a + b, with broadcasting. Integers wrap, bools are counted as int32. */
export function add<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return run('add', a, b, arithmetic) as Sum<A, B>;
}

/** a − b, with broadcasting. Integers wrap, bools are counted as int32. */
export function sub<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return run('sub', a, b, arithmetic) as Sum<A, B>;
}

/** a·b value by value, with broadcasting. Integers wrap, bools are counted as int32. */
export function mul<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return run('mul', a, b, arithmetic) as Sum<A, B>;
}

/** a / b, with broadcasting; integers are divided as float32. */
export function div<A extends Operand, B extends Operand>(a: A, b: B): Quotient<A, B> {
  return run('div', a, b, toFloat) as Quotient<A, B>;
}

/**
 * ⌊a / b⌋ in the operands' own dtype, as Python's `//`: a = b·floorDivide(a, b) + mod(a, b). Integers refuse b = 0,
 * floats give an infinity or NaN. The gradient is 0.
 */
export function floorDivide<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return runUnless('floorDivide', a, b, (y) => y.eq(0), 'integers cannot be divided by 0; cast to float32 for an infinity') as Sum<A, B>;
}

/** a − b·⌊a / b⌋: the remainder with the sign of b, as Python's `%`. Integers refuse b = 0; floats give NaN. */
export function mod<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return runUnless('mod', a, b, (y) => y.eq(0), 'the remainder by 0 does not exist among integers; cast to float32 for NaN') as Sum<A, B>;
}

/** aᵇ; 1 where b is 0 or a is 1, whatever the other. Integers keep their dtype and wrap, and refuse negative exponents. */
export function pow<A extends Operand, B extends Operand>(a: A, b: B): Sum<A, B> {
  return runUnless('pow', a, b, (y) => y.lt(0), 'an integer power needs exponents from 0; cast to float32 first') as Sum<A, B>;
}

/** The angle from −π to π of the point (x, y) = (b, a), in radians. */
export function atan2<A extends Operand, B extends Operand>(a: A, b: B): Quotient<A, B> {
  return run('atan2', a, b, toFloat) as Quotient<A, B>;
}

/** The smaller of a and b; NaN where either is. On a tie each gets half of the gradient. */
export function minimum<A extends Operand, B extends Operand>(a: A, b: B): Joined<A, B> {
  return run('minimum', a, b, unchanged) as Joined<A, B>;
}

/** The larger of a and b; NaN where either is. On a tie each gets half of the gradient. */
export function maximum<A extends Operand, B extends Operand>(a: A, b: B): Joined<A, B> {
  return run('maximum', a, b, unchanged) as Joined<A, B>;
}
