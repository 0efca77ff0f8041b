import type { Linear } from '@strided/nn';
import { CheckpointError, dropout, type LinearOptions, type Tensor } from '@strided/tensor';

type Activation = (x: Tensor) => Tensor;

/** Their names as config.json spells them: gelu (with erf), gelu_new (with tanh), relu, silu and others. */
export const activationNames = [
  'gelu', 'gelu_python', 'gelu_10', 'gelu_new', 'gelu_fast', 'gelu_accurate', 'gelu_pytorch_tanh', 'gelu_python_tanh', 'quick_gelu', 'relu', 'relu2', 'relu6',
  'silu', 'swish', 'mish', 'tanh', 'sigmoid', 'linear',
] as const;
export type ActivationName = (typeof activationNames)[number];

const exactGelu: Activation = (x) => x.gelu();
/** Differs from the exact form by up to 5e-4. */
const tanhGelu: Activation = (x) => x.gelu({ approximate: 'tanh' });

/** The functions of transformers, by the names that config.json has for them. */
const activations: Readonly<Record<ActivationName, Activation>> = {
  gelu: exactGelu,
  gelu_python: exactGelu,
  gelu_10: (x) => x.gelu().clamp({ min: -10, max: 10 }),
  gelu_new: tanhGelu,
  gelu_fast: tanhGelu,
  gelu_accurate: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
  gelu_python_tanh: tanhGelu,
  quick_gelu: (x) => x.mul(x.mul(1.702).sigmoid()),
  relu: (x) => x.relu(),
  relu2: (x) => x.relu().square(),
  relu6: (x) => x.clamp({ min: 0, max: 6 }),
  silu: (x) => x.silu(),
  swish: (x) => x.silu(),
  mish: (x) => x.mul(x.softplus().tanh()),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  linear: (x) => x,
};

/** Those that a linear layer applies to its sums itself. */
const fused: Readonly<Partial<Record<ActivationName, NonNullable<LinearOptions['activation']>>>> = {
  gelu: 'gelu', gelu_python: 'gelu', gelu_new: 'geluTanh', gelu_fast: 'geluTanh', gelu_accurate: 'geluTanh', gelu_pytorch_tanh: 'geluTanh', gelu_python_tanh: 'geluTanh',
  relu: 'relu', silu: 'silu', swish: 'silu', tanh: 'tanh',
};

/** dropout(activation(x·Wᵀ + b)), in one pass where there is one. */
export function activated(layer: Linear, name: ActivationName, x: Tensor, p = 0): Tensor {
  const known = fused[name];
  return known === undefined ? dropout(activation(name)(layer.forward(x)), { p }) : layer.forward(x, { activation: known, dropout: p });
}

/** An activation by its name; an unknown one is refused. */
export function activation(name: ActivationName): Activation {
  if (!Object.hasOwn(activations, name)) throw new CheckpointError(`activation '${String(name)}' is not known; use one of ${activationNames.join(', ')}`);
  return activations[name];
}
