import { toFloat, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import type { NormForm } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, select } from '../layout.ts';
import { allocateUnset } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './elementwise.ts';
import { apply, defineOp, wrap } from './op.ts';

interface NormAttributes {
  readonly form: NormForm;
  readonly epsilon: number;
  /** Which of the optional operands follow x. */
  readonly weight: boolean;
  readonly bias: boolean;
}

/** x, weight and bias out of an op's operands. */
function named<T>([x, ...rest]: readonly T[], { weight, bias }: NormAttributes) {
  return { x, weight: weight ? rest[0] : null, bias: bias ? rest[weight ? 1 : 0] : null };
}

/** x ↦ x̂·weight + bias, where x̂ is x shifted and scaled to the form's idea of standard rows. */
const normOp = defineOp<NormAttributes>({
  name: 'layerNorm',
  throughTwin: true,
  forward(inputs, attributes) {
    const { x, weight, bias } = named(inputs, attributes);
    const output = allocateUnset(x.layout.shape, x.storage.dtype);
    // In one storage: those of a few rows are too small to have a place in the kernels' memory each.
    const { storage, layout } = allocateUnset([3, ...x.layout.shape.slice(0, -1), 1], 'float64');
    const [mean, reciprocal, slope] = [0, 1, 2].map((which) => ({ storage, layout: select('layerNorm', layout, 0, which) }));
    kernels.layerNorm(attributes.form, attributes.epsilon, x, weight, bias, output, { mean, reciprocal, slope });
    return { output, extras: [mean, reciprocal, slope] };
  },
  backward(g, { inputs, extras: [mean, reciprocal, slope], attributes, needs }) {
    const { x, weight } = named(inputs, attributes);
    const wanted = named(needs, attributes);
    const gradientOf = (shape: readonly number[], want: boolean | null) => (want ? allocateUnset(shape, x.dtype) : null);
    const gradients = {
      x: gradientOf(x.shape, wanted.x),
      weight: gradientOf(x.shape.slice(-1), wanted.weight),
      bias: gradientOf(x.shape.slice(-1), wanted.bias),
    };
    kernels.layerNormBackward(attributes.form, x, weight, g, { mean, reciprocal, slope }, gradients);
    const list = [gradients.x, ...(attributes.weight ? [gradients.weight] : []), ...(attributes.bias ? [gradients.bias] : [])];
    return list.map((gradient) => (gradient === null ? null : wrap(gradient)));
  },
  composed(inputs, attributes) {
    const { x, weight, bias } = named(inputs, attributes);
    const { form, epsilon } = attributes;
    const keep = { keepDims: true };
    const centred = form === 'rms' ? x : x.sub(x.mean(-1, keep));
    const spread =
      form === 'deviation'
        ? centred.square().sum(-1, keep).div(x.shape[x.rank - 1] - 1).sqrt().add(epsilon)
        : centred.square().mean(-1, keep).add(epsilon).sqrt();
    const scaled = weight === null ? centred.div(spread) : centred.div(spread).mul(weight);
    return bias === null ? scaled : scaled.add(bias);
  },
});

function normalize(op: string, form: NormForm, x: Tensor, weight: Tensor | null, bias: Tensor | null, epsilon: number): Tensor {
  if (x.rank === 0) throw new ShapeError(`${op}: a scalar has no last axis to normalize; x must have at least one axis`);
  if (!(epsilon >= 0)) throw new ArgumentError(`${op}: epsilon must be a number from 0, not ${epsilon}`);
  const length = x.shape[x.rank - 1];
  for (const [name, operand] of [['weight', weight], ['bias', bias]] as const) {
    if (operand !== null && (operand.rank !== 1 || operand.shape[0] !== length)) {
      throw new ShapeError(`${op}: the ${name} must be [${length}], one value for each place on the last axis of x ${formatShape(x.shape)}, not ${formatShape(operand.shape)}`);
    }
  }
  const operands = [x, weight, bias].filter((operand) => operand !== null).map((operand) => cast(operand, toFloat(x.dtype)));
  return apply(normOp, operands, { form, epsilon, weight: weight !== null, bias: bias !== null });
}

export type LayerNormForm = 'variance' | 'deviation';

export interface LayerNormOptions {
  /** Keeps the division away from 0. Default 1e-5. */
  readonly epsilon?: number;
  /**
   * What a row's values are divided by, C being its length:
   * - `'variance'` (default; PyTorch, Ba et al., arXiv 1607.06450): √(Σ(x − mean)²/C + epsilon);
   * - `'deviation'` (codertimo's BERT-pytorch): √(Σ(x − mean)²/(C − 1)) + epsilon.
   */
  readonly form?: LayerNormForm;
}

/**
 * (x − mean)/spread·weight + bias over the last axis; `form` says what the spread is. x is [..., C], weight and bias [C];
 * the result has x's shape and, unless x is of integers, its dtype.
 *
 * A row of equal values is 0 before weight and bias; with `form: 'deviation'` the deviation's own derivative, which does
 * not exist there, counts as 0, as in PyTorch.
 *
 * @throws ShapeError when x is a scalar or weight or bias is not [C]; ArgumentError when epsilon is negative or NaN.
 * @example
 * layerNorm(tensor([[1, 3]])); // [[-1, 1]]
 */
export function layerNorm<D extends DType>(x: Tensor<D>, weight: Tensor | null = null, bias: Tensor | null = null, options: LayerNormOptions = {}): Tensor<ToFloat<D>> {
  const { epsilon = 1e-5, form = 'variance' } = options;
  if (form !== 'variance' && form !== 'deviation') throw new ArgumentError(`layerNorm: the form must be 'variance' or 'deviation', not '${String(form)}'`);
  return normalize('layerNorm', form, x, weight, bias, epsilon) as Tensor<ToFloat<D>>;
}

export interface RmsNormOptions {
  /** Keeps the division away from 0. Default, as in PyTorch: the dtype's distance from 1 to the next number, 1.2e-7 in float32. */
  readonly epsilon?: number;
}

/**
 * x/√(Σx²/C + epsilon)·weight over the last axis (Zhang and Sennrich, arXiv 1910.07467). x is [..., C], weight [C].
 *
 * @throws ShapeError when x is a scalar or the weight is not [C]; ArgumentError when epsilon is negative or NaN.
 * @example
 * rmsNorm(tensor([[3, 4, 0, 0]])); // [[1.2, 1.6, 0, 0]]
 */
export function rmsNorm<D extends DType>(x: Tensor<D>, weight: Tensor | null = null, options: RmsNormOptions = {}): Tensor<ToFloat<D>> {
  const { epsilon = x.dtype === 'float64' ? 2 ** -52 : 2 ** -23 } = options;
  return normalize('rmsNorm', 'rms', x, weight, null, epsilon) as Tensor<ToFloat<D>>;
}
