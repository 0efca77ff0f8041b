import { ArgumentError } from '../errors.ts';
import type { DType } from '../dtype.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes } from '../layout.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp } from './op.ts';
import { cast, meet, scalar, stretch, unchanged, type Joined, type Operand } from './operands.ts';

const whereOp = defineOp({
  name: 'where',
  saves: { inputs: [0] },
  forward([condition, a, b]) {
    const shape = broadcastShapes('where', condition.layout.shape, a.layout.shape, b.layout.shape);
    const output = allocateUnset(shape, a.storage.dtype);
    kernels.where(stretch('where', condition, shape), stretch('where', a, shape), stretch('where', b, shape), output);
    return output;
  },
  backward: (g, { inputs: [condition], needs }) => [
    null,
    needs[1] ? where(condition, g, 0) : null,
    needs[2] ? where(condition, 0, g) : null,
  ],
});

/**
 * a where the condition holds, else b, with broadcasting of all three. What is not chosen has no influence: neither a
 * NaN in it nor a NaN in its gradient.
 * @example
 * where(x.gt(0), x, 0);
 */
export function where<A extends Operand, B extends Operand>(condition: Tensor, a: A, b: B): Joined<A, B> {
  return apply(whereOp, [cast(condition, 'bool'), ...meet('where', a, b, unchanged)], undefined) as Joined<A, B>;
}

const clampOp = defineOp<{ readonly min: number; readonly max: number }>({
  name: 'clamp',
  saves: { inputs: [0] },
  forward([x], { min, max }) {
    const { dtype } = x.storage;
    const bound = (value: number) => stretch('clamp', scalar('clamp', value, dtype), x.layout.shape);
    const low = min === -Infinity ? null : bound(min);
    const high = max === Infinity ? null : bound(max);
    const output = allocateUnset(x.layout.shape, dtype);
    kernels.copy(x, output);
    if (low !== null) kernels.binary('maximum', output, low, output);
    if (high !== null) kernels.binary('minimum', output, high, output);
    return output;
  },
  // 1 on the bounds themselves, as in PyTorch.
  backward: (g, { inputs: [x], attributes: { min, max } }) => [where(x.ge(min).logicalAnd(x.le(max)), g, 0)],
});

/**
 * min(max(x, min), max); a bound left out does not bind; NaN stays NaN. Where min is above max, the result is max.
 * The gradient passes where min ≤ x ≤ max.
 * @throws ArgumentError without a bound; DTypeError for a bound that x's dtype does not hold.
 */
export function clamp<D extends DType>(x: Tensor<D>, options: { readonly min?: number; readonly max?: number }): Tensor<D> {
  const { min, max } = options;
  if (min === undefined && max === undefined) throw new ArgumentError('clamp: give { min }, { max } or both');
  return apply(clampOp, [x], { min: min ?? -Infinity, max: max ?? Infinity }) as Tensor<D>;
}
