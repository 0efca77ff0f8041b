import { counted, promote, type Arithmetic, type DType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, reshape, sizeOf, type Shape } from '../layout.ts';
import { allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, defineOp } from './op.ts';

/** [..., C] as the shape [R, C]: all leading axes make one. */
const rowsOf = (shape: Shape): [number, number] => [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]];

/** A view as rows [R, C], copied only where its leading axes do not merge. */
function asRows(x: View): View {
  const shape = rowsOf(x.layout.shape);
  const layout = reshape(x.layout, shape);
  if (layout !== null) return { storage: x.storage, layout };
  const dense = allocateUnset(x.layout.shape, x.storage.dtype);
  kernels.copy(x, dense);
  return asRows(dense);
}

const linearOp = defineOp({
  name: 'linear',
  saves: { inputs: (needs) => [...(needs[0] ? [1] : []), ...(needs[1] ? [0] : [])] },
  forward([x, weight, bias = null]) {
    const output = allocateUnset([...x.layout.shape.slice(0, -1), weight.layout.shape[0]], x.storage.dtype);
    kernels.linear(asRows(x), weight, bias, asRows(output));
    return output;
  },
  // With the leading axes flattened, each weight's gradient is one large product and the bias's one sum of columns.
  backward(g, { inputs: [x, weight], needs, shapes }) {
    const rows = g.reshape(rowsOf(g.shape));
    return [
      needs[0] ? rows.matmul(weight).reshape(shapes[0]) : null,
      needs[1] ? rows.transpose().matmul(x.reshape(rowsOf(x.shape))) : null,
      needs[2] ? rows.sum(0) : null,
    ];
  },
  composed: ([x, weight, bias]) => {
    const product = x.matmul(weight.transpose());
    return bias === undefined ? product : product.add(bias);
  },
});

/**
 * x·Wᵀ + b, the layer of a perceptron: out[..., n] = Σₖ x[..., k]·weight[n, k] + bias[n].
 * x is [..., in], weight [out, in] (PyTorch's order), bias [out]; the result is [..., out].
 *
 * @throws ShapeError when the operands do not have these shapes.
 * @example
 * linear(ones([2, 3]), ones([4, 3]), zeros([4])).shape; // [2, 4]
 */
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias: Tensor | null = null): Tensor<Arithmetic<A, B>> {
  if (weight.rank !== 2) throw new ShapeError(`linear: the weight must be [out, in], not ${formatShape(weight.shape)}`);
  const [outputs, inputs] = weight.shape;
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    const remedy = x.rank > 0 && x.shape[x.rank - 1] === outputs ? '; the weight is [out, in]: did you mean weight.transpose()?' : '';
    throw new ShapeError(`linear: the last axis of x ${formatShape(x.shape)} must have the length ${inputs} of the last axis of the weight ${formatShape(weight.shape)}${remedy}`);
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outputs)) {
    throw new ShapeError(`linear: the bias must be [${outputs}], one value for each row of the weight ${formatShape(weight.shape)}, not ${formatShape(bias.shape)}`);
  }
  const dtype = counted(promote(x.dtype, weight.dtype));
  const operands = bias === null ? [x, weight] : [x, weight, bias];
  return apply(linearOp, operands.map((operand) => cast(operand, dtype)), undefined) as Tensor<Arithmetic<A, B>>;
}
