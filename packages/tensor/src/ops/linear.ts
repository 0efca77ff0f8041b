import { canDrop, reserveMask } from '../dropoutMask.ts';
import { counted, promote, toFloat, type Arithmetic, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { linearActivations, type LinearActivation } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, reshape, sizeOf, type Shape } from '../layout.ts';
import { defaultGenerator, type Generator } from '../random.ts';
import { allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { checkProbability, dropStream, type DropoutStream } from './dropout.ts';
import { cast, stretch } from './elementwise.ts';
import { apply, defineOp, isRecording, wrap, type ForwardResult, type Twin } from './op.ts';

/** [..., C] as the shape [R, C]: all leading axes make one. */
export const rowsOf = (shape: Shape): [number, number] => [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]];

/** A view as rows [R, C], copied only where its leading axes do not merge. */
export function asRows(x: View): View {
  const shape = rowsOf(x.layout.shape);
  const layout = reshape(x.layout, shape);
  if (layout !== null) return { storage: x.storage, layout };
  const dense = allocateUnset(x.layout.shape, x.storage.dtype);
  kernels.copy(x, dense);
  return asRows(dense);
}

interface Attributes {
  readonly scale: number;
  readonly activation: LinearActivation | null;
  readonly dropout: DropoutStream | null;
  /** Which of the optional operands follow x and the weight. */
  readonly bias: boolean;
  readonly residual: boolean;
  /** Whether a backward pass may ask for the slope of the activation. */
  readonly keep: boolean;
}

/** x, weight, bias and residual out of an op's operands. */
function named<T>([x, weight, ...rest]: readonly T[], { bias, residual }: Attributes) {
  return { x, weight, bias: bias ? rest[0] : null, residual: residual ? rest[bias ? 1 : 0] : null };
}

function forward(inputs: readonly View[], attributes: Attributes): ForwardResult {
  const { x, weight, bias, residual } = named(inputs, attributes);
  const { scale, activation, dropout, keep } = attributes;
  const shape = [...x.layout.shape.slice(0, -1), weight.layout.shape[0]];
  const output = allocateUnset(shape, x.storage.dtype);
  const slope = keep ? allocateUnset(rowsOf(shape), x.storage.dtype) : null;
  const addend = residual === null ? null : asRows(stretch('linear', residual, shape));
  kernels.linear(asRows(x), weight, { bias, scale, activation, dropout, residual: addend, slope }, asRows(output));
  return { output, extras: slope === null ? [] : [slope] };
}

/** With the leading axes flattened, each weight's gradient is one large product and the bias's one sum of columns; h is the gradient of the sums. */
function gradients(g: Tensor, h: Tensor, x: Tensor, weight: Tensor, attributes: Attributes, needs: readonly boolean[], shapes: readonly Shape[]): (Tensor | null)[] {
  const { scale } = attributes;
  const needed = named(needs, attributes);
  return [
    needed.x ? linear(h, weight.transpose(), null, { scale }).reshape(shapes[0]) : null,
    needed.weight ? linear(h.transpose(), x.reshape(rowsOf(x.shape)).transpose(), null, { scale }) : null,
    ...(attributes.bias ? [needed.bias ? h.sum(0) : null] : []),
    ...(attributes.residual ? [needed.residual ? g : null] : []),
  ];
}

const sums: Twin<Attributes> = (inputs, attributes) => {
  const { x, weight, bias } = named(inputs, attributes);
  const product = x.matmul(weight.transpose());
  const scaled = attributes.scale === 1 ? product : product.mul(attributes.scale);
  return bias === null ? scaled : scaled.add(bias);
};

const plus = (y: Tensor, inputs: readonly Tensor[], attributes: Attributes): Tensor => {
  const { residual } = named(inputs, attributes);
  return residual === null ? y : y.add(residual);
};

const linearOp = defineOp<Attributes>({
  name: 'linear',
  saves: { inputs: (needs) => [...(needs[0] ? [1] : []), ...(needs[1] ? [0] : [])] },
  forward,
  backward(g, { inputs: [x, weight], attributes, needs, shapes }) {
    return gradients(g, g.reshape(rowsOf(g.shape)), x, weight, attributes, needs, shapes);
  },
  composed: (inputs, attributes) => plus(sums(inputs, attributes), inputs, attributes),
});

const functions: Record<LinearActivation, (z: Tensor) => Tensor> = {
  relu: (z) => z.relu(),
  gelu: (z) => z.gelu(),
  geluTanh: (z) => z.gelu({ approximate: 'tanh' }),
  silu: (z) => z.silu(),
  tanh: (z) => z.tanh(),
};

/** What stands between the sums and the residual. */
function bent(z: Tensor, { activation, dropout }: Pick<Attributes, 'activation' | 'dropout'>): Tensor {
  const y = activation === null ? z : functions[activation](z);
  return dropout === null ? y : dropStream(y, dropout);
}

/**
 * Keeps the slope of the activation, and of dropout after it, at each value, made while the value was at hand: backward
 * multiplies by it. Dropout alone draws its mask again, which costs less than to write and read it.
 */
const linearActivationOp = defineOp<Attributes>({
  name: 'linearActivation',
  throughTwin: true,
  forward,
  backward(g, { inputs: [x, weight], extras: [slope], attributes, needs, shapes }) {
    const rows = g.reshape(rowsOf(g.shape));
    const h = slope === undefined ? dropStream(rows, attributes.dropout as DropoutStream) : rows.mul(wrap(slope));
    return gradients(g, h, x, weight, attributes, needs, shapes);
  },
  composed: (inputs, attributes) => plus(bent(sums(inputs, attributes), attributes), inputs, attributes),
});

/** Refuses operands that do not fit each other. */
export function checkLinear(op: string, x: Tensor, weight: Tensor, bias: Tensor | null): void {
  if (weight.rank !== 2) throw new ShapeError(`${op}: the weight must be [out, in], not ${formatShape(weight.shape)}`);
  const [outputs, inputs] = weight.shape;
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    const remedy = x.rank > 0 && x.shape[x.rank - 1] === outputs ? '; the weight is [out, in]: did you mean weight.transpose()?' : '';
    throw new ShapeError(`${op}: the last axis of x ${formatShape(x.shape)} must have the length ${inputs} of the last axis of the weight ${formatShape(weight.shape)}${remedy}`);
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outputs)) {
    throw new ShapeError(`${op}: the bias must be [${outputs}], one value for each row of the weight ${formatShape(weight.shape)}, not ${formatShape(bias.shape)}`);
  }
}

export interface LinearOptions {
  /** Multiplies x·Wᵀ, before the bias. Default 1. */
  readonly scale?: number;
  /** Applied to the sums; `geluTanh` is gelu's tanh form. Default: none. */
  readonly activation?: LinearActivation;
  /** The probability with which each value is dropped after the activation, as `dropout` does it. Default 0. */
  readonly dropout?: number;
  /** Off, nothing is dropped. Default true. */
  readonly training?: boolean;
  /** What dropout draws from. */
  readonly generator?: Generator;
  /** Added last; its shape must broadcast to the result's. */
  readonly residual?: Tensor | null;
}

/**
 * x·Wᵀ + b, the layer of a perceptron: out[..., n] = Σₖ x[..., k]·weight[n, k] + bias[n].
 * x is [..., in], weight [out, in] (PyTorch's order), bias [out]; the result is [..., out].
 *
 * With options dropout(activation(scale·x·Wᵀ + bias)) + residual, in one pass over the result, forward and backward. An
 * activation, dropout or a scale makes integers float32; the residual is converted to the result's dtype.
 *
 * @throws ShapeError when the operands do not have these shapes; ArgumentError for an activation that there is not, or a probability that is none.
 * @example
 * linear(ones([2, 3]), ones([4, 3]), zeros([4])).shape; // [2, 4]
 * linear(x, weight, bias, { activation: 'gelu', dropout: 0.1, residual: x });
 */
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias?: Tensor | null, options?: { readonly scale?: never; readonly activation?: never; readonly dropout?: never; readonly residual?: Tensor | null }): Tensor<Arithmetic<A, B>>;
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias: Tensor | null, options: LinearOptions): Tensor<ToFloat<Arithmetic<A, B>>>;
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias: Tensor | null = null, options: LinearOptions = {}): Tensor<Arithmetic<A, B>> | Tensor<ToFloat<Arithmetic<A, B>>> {
  const { scale = 1, activation = null, dropout: p = 0, training = true, generator = defaultGenerator, residual = null } = options;
  checkProbability('linear', p);
  checkLinear('linear', x, weight, bias);
  const [outputs] = weight.shape;
  if (activation !== null && !linearActivations.includes(activation)) throw new ArgumentError(`linear: the activation must be one of ${linearActivations.map((name) => `'${name}'`).join(', ')}, not '${String(activation)}'`);
  const drops = training && p > 0;
  const sum = counted(promote(x.dtype, weight.dtype));
  const dtype = activation === null && options.scale === undefined && !drops ? sum : toFloat(sum);
  const [a, b, c, d] = [x, weight, bias, residual].map((operand) => (operand === null ? null : cast(operand, dtype)));
  const stream = drops ? { p, state: reserveMask(generator, sizeOf(x.shape.slice(0, -1)) * outputs) } : null;
  const product = (dropout: DropoutStream | null, addend: Tensor | null): Tensor => {
    const operands = [a, b, c, addend].filter((operand) => operand !== null);
    const bends = activation !== null || dropout !== null;
    const keep = activation !== null && isRecording() && operands.some((operand) => operand.requiresGrad);
    return apply(bends ? linearActivationOp : linearOp, operands, { scale, activation, dropout, bias: c !== null, residual: addend !== null, keep });
  };
  // The kernel drops rows that are whole blocks of eight draws.
  const apart = stream !== null && (outputs % 8 !== 0 || !canDrop(p));
  const result = apart ? dropStream(product(null, null), stream) : product(stream, d);
  return (apart && d !== null ? result.add(d) : result) as Tensor<Arithmetic<A, B>>;
}
