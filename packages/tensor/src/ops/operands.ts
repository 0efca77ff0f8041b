import { checkDType, checkScalar, counted, isFloat, promote, type Counted, type DType, type Promote, type ToFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { expand } from '../layout.ts';
import { allocate, allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp, kindOf, wrap } from './op.ts';

/** How operands become tensors of one dtype: numbers beside tensors, promotion, casts. */

/** What a binary function takes beside a tensor: another, or a number of the tensor's dtype. */
export type Operand = Tensor | number | boolean;

type Met<A extends Operand, B extends Operand> = A extends Tensor<infer D>
  ? B extends Tensor<infer E> ? Promote<D, E> : D
  : B extends Tensor<infer E> ? E : never;
/** The type of a + b: as a choice, but bools are counted. */
export type Sum<A extends Operand, B extends Operand> = Tensor<Counted<Met<A, B>>>;
/** The type of a / b: integers become float32. */
export type Quotient<A extends Operand, B extends Operand> = Tensor<ToFloat<Met<A, B>>>;
/** The type of a choice between a and b. */
export type Joined<A extends Operand, B extends Operand> = Tensor<Met<A, B>>;

const castOp = defineOp<{ readonly dtype: DType }>({
  name: 'cast',
  forward([x], { dtype }) {
    const output = allocateUnset(x.layout.shape, dtype);
    kernels.copy(x, output);
    return output;
  },
  // The walk gives every gradient its input's dtype.
  backward: (g) => [g],
});

/**
 * The same values as another dtype; x itself where nothing changes. Floats become integers by truncation towards 0,
 * values out of range wrap (modulo 2⁸ or 2³²), NaN and infinities become 0; anything but 0 becomes true, NaN too.
 * Integers and bools have no gradient, so casting to them ends the history.
 */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  checkDType('cast', dtype);
  return (x.dtype === dtype ? x : apply(castOp, [x], { dtype })) as Tensor<D>;
}

/** A 0-dimensional tensor of a number, in the dtype of the tensor beside it. */
export function scalar<D extends DType>(op: string, value: number | boolean, dtype: D): Tensor<D> {
  const number = checkScalar(op, value, dtype);
  const view = allocate([], dtype);
  view.storage.data[0] = number;
  return wrap(view);
}

/** `view` repeated to `shape` without copying. */
export function stretch(op: string, view: View, shape: readonly number[]): View {
  return { storage: view.storage, layout: expand(op, view.layout, shape) };
}

/** The dtype that a function computes in, from the dtype that its operands meet in. */
export type Target = (met: DType) => DType;
export const arithmetic: Target = (dtype) => counted(dtype);
export const unchanged: Target = (dtype) => dtype;
export const logical: Target = () => 'bool';

function isNumber(operand: Operand): operand is number | boolean {
  return typeof operand === 'number' || typeof operand === 'boolean';
}

export function checkOperand(op: string, operand: Operand): void {
  if (isNumber(operand) || (typeof operand === 'object' && operand !== null && 'storage' in operand)) return;
  throw new ArgumentError(`${op}: an operand must be a tensor, a number or a boolean, not ${kindOf(operand)}; make a tensor with tensor(…)`);
}

/** Both operands as tensors of the dtype that they meet in. */
export function meet(op: string, a: Operand, b: Operand, target: Target): [Tensor, Tensor] {
  checkOperand(op, a);
  checkOperand(op, b);
  if (isNumber(a) && isNumber(b)) throw new ArgumentError(`${op}: one of the operands must be a tensor, not the numbers ${a} and ${b}`);
  // A number takes the tensor's dtype; where integers are to become floats, the dtype that they become.
  const beside = (other: Operand): DType => {
    const { dtype } = other as Tensor;
    return isFloat(target(dtype)) ? target(dtype) : dtype;
  };
  const left = isNumber(a) ? scalar(op, a, beside(b)) : a;
  const right = isNumber(b) ? scalar(op, b, beside(a)) : b;
  const dtype = target(promote(left.dtype, right.dtype));
  return [cast(left, dtype), cast(right, dtype)];
}
