import { promote, type DType } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { kernels } from '../kernels/dispatch.ts';
import { allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { concat } from './join.ts';
import { asRows, checkLinear, linear, rowsOf } from './linear.ts';
import { apply, defineOp } from './op.ts';
import { split } from './view.ts';

interface Attributes {
  /** Rows of each weight. */
  readonly widths: readonly number[];
  /** Which of them have a bias. */
  readonly biased: readonly boolean[];
}

/** x, weights and biases out of an op's operands. */
function named<T>([x, ...rest]: readonly T[], { widths: { length }, biased }: Attributes) {
  let next = length;
  return { x, weights: rest.slice(0, length), biases: biased.map((has) => (has ? rest[next++] : null)) };
}

/** The results side by side. */
const linearsOp = defineOp<Attributes>({
  name: 'linears',
  saves: { inputs: (needs) => needs.map((_, i) => i) },
  forward(inputs, attributes) {
    const { x, weights, biases } = named<View>(inputs, attributes);
    const width = attributes.widths.reduce((sum, each) => sum + each, 0);
    const output = allocateUnset([...x.layout.shape.slice(0, -1), width], x.storage.dtype);
    kernels.linears(asRows(x), weights, biases, asRows(output));
    return output;
  },
  backward(g, { inputs, attributes, needs, shapes }) {
    const { x, weights } = named(inputs, attributes);
    const wanted = named(needs, attributes);
    const rows = x.reshape(rowsOf(x.shape)).transpose();
    const parts = split(g.reshape(rowsOf(g.shape)), attributes.widths, -1);
    return [
      wanted.x ? parts.map((part, i) => linear(part, weights[i].transpose())).reduce((sum, each) => sum.add(each)).reshape(shapes[0]) : null,
      ...parts.map((part, i) => (wanted.weights[i] ? linear(part.transpose(), rows) : null)),
      ...parts.flatMap((part, i) => (attributes.biased[i] ? [wanted.biases[i] === true ? part.sum(0) : null] : [])),
    ];
  },
  composed(inputs, attributes) {
    const { x, weights, biases } = named(inputs, attributes);
    return concat(weights.map((weight, i) => linear(x, weight, biases[i])), -1);
  },
});

/**
 * x·Wᵢᵀ + bᵢ for several weights, such as an attention's queries, keys and values: what `linear` gives for each, to the
 * bit, from one product where their weights are packed (`persist`). The results are views of one tensor.
 * x is [..., in], weights [outᵢ, in], biases [outᵢ] or null; the results are [..., outᵢ]. Different dtypes are promoted, all to one.
 *
 * @throws ShapeError when the operands do not have these shapes; ArgumentError for no weights, or another number of biases.
 * @example
 * const [q, k, v] = linears(x, [wq, wk, wv], [bq, bk, bv]);
 */
export function linears<D extends DType>(x: Tensor<D>, weights: readonly Tensor<D>[], biases: readonly (Tensor<D> | null)[]): Tensor<D>[] {
  if (weights.length === 0) throw new ArgumentError('linears: at least one weight is needed');
  if (biases.length !== weights.length) throw new ArgumentError(`linears: ${weights.length} weights need as many biases, not ${biases.length}; give null where there is none`);
  weights.forEach((weight, i) => checkLinear('linears', x, weight, biases[i]));
  const operands = [x, ...weights, ...biases.filter((bias) => bias !== null)];
  const dtype = operands.reduce<DType>((met, operand) => promote(met, operand.dtype), x.dtype);
  const widths = weights.map(({ shape }) => shape[0]);
  const all = apply(linearsOp, operands.map((operand) => cast(operand, dtype)), { widths, biased: biases.map((bias) => bias !== null) });
  return split(all, widths, -1) as Tensor<D>[];
}
