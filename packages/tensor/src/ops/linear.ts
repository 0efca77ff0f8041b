import { counted, promote, toFloat, type Arithmetic, type DType, type ToFloat } from '../dtype.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { linearActivations, type LinearActivation } from '../kernels/contract.ts';
import { kernels } from '../kernels/dispatch.ts';
import { formatShape, reshape, sizeOf, type Shape } from '../layout.ts';
import { allocateUnset, type View } from '../storage.ts';
import type { Tensor } from '../tensor.ts';
import { activationBackward } from './activation.ts';
import { cast, stretch, where } from './elementwise.ts';
import { apply, defineOp, isRecording, wrap, type ForwardResult, type Twin } from './op.ts';

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

interface Attributes {
  readonly scale: number;
  readonly activation: LinearActivation | null;
  /** Which of the optional operands follow x and the weight. */
  readonly bias: boolean;
  readonly residual: boolean;
  /** Whether a backward pass may ask for the values before the activation. */
  readonly keep: boolean;
}

/** x, weight, bias and residual out of an op's operands. */
function named<T>([x, weight, ...rest]: readonly T[], { bias, residual }: Attributes) {
  return { x, weight, bias: bias ? rest[0] : null, residual: residual ? rest[bias ? 1 : 0] : null };
}

function forward(inputs: readonly View[], attributes: Attributes): ForwardResult {
  const { x, weight, bias, residual } = named(inputs, attributes);
  const { scale, activation, keep } = attributes;
  const shape = [...x.layout.shape.slice(0, -1), weight.layout.shape[0]];
  const output = allocateUnset(shape, x.storage.dtype);
  const kept = keep ? allocateUnset(rowsOf(shape), x.storage.dtype) : null;
  const addend = residual === null ? null : asRows(stretch('linear', residual, shape));
  kernels.linear(asRows(x), weight, { bias, scale, activation, residual: addend, kept }, asRows(output));
  return { output, extras: kept === null ? [] : [kept] };
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

const functions: Record<LinearActivation, { readonly value: (z: Tensor) => Tensor; readonly backward: (z: Tensor, g: Tensor) => Tensor }> = {
  relu: { value: (z) => z.relu(), backward: (z, g) => where(z.le(0), 0, g) },
  gelu: { value: (z) => z.gelu(), backward: (z, g) => activationBackward('gelu', z, g) },
  geluTanh: { value: (z) => z.gelu({ approximate: 'tanh' }), backward: (z, g) => activationBackward('geluTanh', z, g) },
  silu: { value: (z) => z.silu(), backward: (z, g) => activationBackward('silu', z, g) },
  tanh: { value: (z) => z.tanh(), backward: (z, g) => activationBackward('tanh', z.tanh(), g) },
};

/** Keeps the values before the activation, from which its slope is made. */
const linearActivationOp = defineOp<Attributes>({
  name: 'linearActivation',
  throughTwin: true,
  forward,
  backward(g, { inputs: [x, weight], extras: [kept], attributes, needs, shapes }) {
    const { activation } = attributes;
    const rows = g.reshape(rowsOf(g.shape));
    const h = activation === null ? rows : functions[activation].backward(wrap(kept), rows);
    return gradients(g, h, x, weight, attributes, needs, shapes);
  },
  composed(inputs, attributes) {
    const z = sums(inputs, attributes);
    return plus(attributes.activation === null ? z : functions[attributes.activation].value(z), inputs, attributes);
  },
});

export interface LinearOptions {
  /** Multiplies x·Wᵀ, before the bias. Default 1. */
  readonly scale?: number;
  /** Applied to the sums; `geluTanh` is gelu's tanh form. Default: none. */
  readonly activation?: LinearActivation;
  /** Added last; its shape must broadcast to the result's. */
  readonly residual?: Tensor | null;
}

/**
 * x·Wᵀ + b, the layer of a perceptron: out[..., n] = Σₖ x[..., k]·weight[n, k] + bias[n].
 * x is [..., in], weight [out, in] (PyTorch's order), bias [out]; the result is [..., out].
 *
 * With options activation(scale·x·Wᵀ + bias) + residual, in one pass over the result, forward and backward. An activation
 * or a scale makes integers float32; the residual is converted to the result's dtype.
 *
 * @throws ShapeError when the operands do not have these shapes; ArgumentError for an activation that there is not.
 * @example
 * linear(ones([2, 3]), ones([4, 3]), zeros([4])).shape; // [2, 4]
 * linear(x, weight, bias, { activation: 'gelu', residual: x });
 */
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias?: Tensor | null, options?: { readonly scale?: never; readonly activation?: never; readonly residual?: Tensor | null }): Tensor<Arithmetic<A, B>>;
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias: Tensor | null, options: LinearOptions): Tensor<ToFloat<Arithmetic<A, B>>>;
export function linear<A extends DType, B extends DType>(x: Tensor<A>, weight: Tensor<B>, bias: Tensor | null = null, options: LinearOptions = {}): Tensor<Arithmetic<A, B>> | Tensor<ToFloat<Arithmetic<A, B>>> {
  const { scale = 1, activation = null, residual = null } = options;
  if (weight.rank !== 2) throw new ShapeError(`linear: the weight must be [out, in], not ${formatShape(weight.shape)}`);
  const [outputs, inputs] = weight.shape;
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    const remedy = x.rank > 0 && x.shape[x.rank - 1] === outputs ? '; the weight is [out, in]: did you mean weight.transpose()?' : '';
    throw new ShapeError(`linear: the last axis of x ${formatShape(x.shape)} must have the length ${inputs} of the last axis of the weight ${formatShape(weight.shape)}${remedy}`);
  }
  if (bias !== null && (bias.rank !== 1 || bias.shape[0] !== outputs)) {
    throw new ShapeError(`linear: the bias must be [${outputs}], one value for each row of the weight ${formatShape(weight.shape)}, not ${formatShape(bias.shape)}`);
  }
  if (activation !== null && !linearActivations.includes(activation)) throw new ArgumentError(`linear: the activation must be one of ${linearActivations.map((name) => `'${name}'`).join(', ')}, not '${String(activation)}'`);
  const sum = counted(promote(x.dtype, weight.dtype));
  const dtype = activation === null && options.scale === undefined ? sum : toFloat(sum);
  const operands = [x, weight, bias, residual].filter((operand) => operand !== null).map((operand) => cast(operand, dtype));
  const keep = activation !== null && isRecording() && operands.some((operand) => operand.requiresGrad);
  return apply(activation === null ? linearOp : linearActivationOp, operands, { scale, activation, bias: bias !== null, residual: residual !== null, keep }) as Tensor<Arithmetic<A, B>>;
}
