import type { BinaryName } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { broadcastShapes } from '../layout.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { apply, defineOp, type Op } from './op.ts';
import { logical, meet, stretch, unchanged, type Operand } from './operands.ts';

/** Binary functions to bool. */
type ComparisonName = Extract<BinaryName, 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'logicalAnd' | 'logicalOr' | 'logicalXor'>;

function define(name: ComparisonName): Op {
  return defineOp({
    name,
    forward([a, b]) {
      const shape = broadcastShapes(name, a.layout.shape, b.layout.shape);
      const output = allocateUnset(shape, 'bool');
      kernels.binary(name, stretch(name, a, shape), stretch(name, b, shape), output);
      return output;
    },
    backward: 'none',
  });
}

/** Values are compared in the dtype that both meet in. A NaN is neither less than, equal to nor greater than anything. */
function comparing(name: ComparisonName) {
  const op = define(name);
  return (a: Operand, b: Operand): Tensor<'bool'> => apply(op, meet(name, a, b, unchanged), undefined) as Tensor<'bool'>;
}

/** Anything but 0 is true, NaN too. */
function joining(name: ComparisonName) {
  const op = define(name);
  return (a: Operand, b: Operand): Tensor<'bool'> => apply(op, meet(name, a, b, logical), undefined) as Tensor<'bool'>;
}

/** a = b, value by value; false beside a NaN. */
export const eq = comparing('eq');
/** a ≠ b, value by value; true beside a NaN. */
export const ne = comparing('ne');
/** a < b, value by value; false beside a NaN. */
export const lt = comparing('lt');
/** a ≤ b, value by value; false beside a NaN. */
export const le = comparing('le');
/** a > b, value by value; false beside a NaN. */
export const gt = comparing('gt');
/** a ≥ b, value by value; false beside a NaN. */
export const ge = comparing('ge');
/** Whether both hold; anything but 0 holds, NaN too. */
export const logicalAnd = joining('logicalAnd');
/** Whether one or both hold; anything but 0 holds, NaN too. */
export const logicalOr = joining('logicalOr');
/** Whether exactly one holds; anything but 0 holds, NaN too. */
export const logicalXor = joining('logicalXor');
