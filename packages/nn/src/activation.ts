import { ArgumentError, relu, sigmoid, silu, softplus, tanh, type LinearOptions, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';

/** x·Φ(x), or its tanh form, which differs by up to 5e-4. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor({ approximate = 'none' }: { readonly approximate?: 'none' | 'tanh' } = {}) {
    super();
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return x.gelu({ approximate: this.approximate });
  }

  override describe(): string {
    return this.approximate === 'none' ? '' : this.approximate;
  }
}

/** max(x, 0). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu();
  }
}

/** x·σ(x), also called swish. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return x.silu();
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh();
  }
}

/** σ(x) = 1/(1 + e^−x). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid();
  }
}

/** ln(1 + eˣ). */
export class Softplus extends Module {
  forward(x: Tensor): Tensor {
    return x.softplus();
  }
}

/** e^xᵢ/Σe^xⱼ along one axis, the last unless another is given. */
export class Softmax extends Module {
  readonly axis: number;

  constructor(axis = -1) {
    super();
    this.axis = axis;
  }

  forward(x: Tensor): Tensor {
    return x.softmax(this.axis);
  }

  override describe(): string {
    return `axis ${this.axis}`;
  }
}

/** ln softmax(x), exact also where softmax rounds to 0. */
export class LogSoftmax extends Softmax {
  override forward(x: Tensor): Tensor {
    return x.logSoftmax(this.axis);
  }
}

type Activation = (x: Tensor) => Tensor;

/** The name of an activation, where a layer takes one. */
export type ActivationName = 'relu' | 'silu' | 'tanh' | 'sigmoid' | 'softplus' | 'gelu' | 'geluTanh';

const activations: Readonly<Record<ActivationName, Activation>> = {
  relu, silu, tanh, sigmoid, softplus,
  gelu: (x) => x.gelu(),
  geluTanh: (x) => x.gelu({ approximate: 'tanh' }),
};

/** The function of that name; a function stands for itself. */
export function activationOf(activation: ActivationName | Activation): Activation {
  if (typeof activation === 'function') return activation;
  if (!Object.hasOwn(activations, activation)) throw new ArgumentError(`activation: '${String(activation)}' is none of ${Object.keys(activations).join(', ')}; pass a function for another`);
  return activations[activation];
}

/** Those that a linear layer applies to its sums itself. */
const fused = ['relu', 'gelu', 'geluTanh', 'silu', 'tanh'] as const satisfies readonly LinearOptions['activation'][];

/** The name of an activation by which a linear layer applies it in the same pass; null for others. */
export function fusedActivation(activation: ActivationName | Activation): (typeof fused)[number] | null {
  return fused.find((name) => name === activation) ?? null;
}
