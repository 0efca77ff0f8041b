import { summed, type DType, type Summed } from '../dtype.ts';
import { kernels } from '../kernels/dispatch.ts';
import { normalizeAxis } from '../layout.ts';
import { allocate, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { where } from './elementwise.ts';
import { concat } from './join.ts';
import { apply, defineOp, type Op } from './op.ts';

interface ScanAttributes {
  readonly axis: number;
}

function forwardScan(name: 'cumSum' | 'cumProd') {
  return ([x]: readonly View[], { axis }: ScanAttributes): View => {
    const output = allocate(x.layout.shape, summed(x.storage.dtype));
    kernels.scan(name, x, axis, output);
    return output;
  };
}

/** y[i] = x[i] + … + x[n − 1]. */
const sumOfRest = (x: Tensor, axis: number): Tensor => x.flip(axis).cumSum(axis).flip(axis);

const cumSumOp: Op<ScanAttributes> = defineOp({
  name: 'cumSum',
  forward: forwardScan('cumSum'),
  backward: (g, { attributes: { axis } }) => [sumOfRest(g, axis)],
});

const cumProdOp: Op<ScanAttributes> = defineOp({
  name: 'cumProd',
  forward: forwardScan('cumProd'),
  /**
   * d/dxᵢ = Σ gⱼ·yⱼ / xᵢ over j ≥ i while no 0 has been met. The first 0 gets the products without it; behind it every
   * product holds that 0, so nothing flows. Linear, and exact in the first order; in float64, as the product itself.
   * What flows at a 0 is not what flows near it, so higher orders go through the twin.
   */
  backward(g, { inputs: [x], attributes: { axis } }) {
    const wide = x.cast('float64');
    const zero = wide.eq(0);
    const met = zero.cumSum(axis);
    const before = met.eq(0);
    const first = zero.logicalAnd(met.eq(1));
    const weighted = where(first, 1, wide).cumProd(axis).mul(g);
    const behind = sumOfRest(where(before, weighted, 0), axis).div(where(before, wide, 1));
    return [where(before, behind, where(first, sumOfRest(weighted, axis), 0))];
  },
  composed([x], { axis }) {
    if (x.shape[axis] === 0) return x;
    const products = [x.narrow(axis, 0, 1)];
    for (let i = 1; i < x.shape[axis]; i++) products.push(products[i - 1].mul(x.narrow(axis, i, 1)));
    return concat(products, axis);
  },
  throughTwin: true,
});

/** y[i] = x[0] + … + x[i] along an axis. Integers as int32; the first total that does not fit is a DTypeError. */
export function cumSum<D extends DType>(x: Tensor<D>, axis: number): Tensor<Summed<D>> {
  return apply(cumSumOp, [x], { axis: normalizeAxis('cumSum', axis, x.rank) }) as Tensor<Summed<D>>;
}

/** y[i] = x[0] · … · x[i] along an axis. Integers as int32; the first product that does not fit is a DTypeError. */
export function cumProd<D extends DType>(x: Tensor<D>, axis: number): Tensor<Summed<D>> {
  return apply(cumProdOp, [x], { axis: normalizeAxis('cumProd', axis, x.rank) }) as Tensor<Summed<D>>;
}
