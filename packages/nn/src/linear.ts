import { dropout, isGradEnabled, linear, linears, zeros, type LinearOptions, type Tensor } from '@strided/tensor';
import { activationOf } from './activation.ts';
import type { Adapter } from './adapter.ts';
import { linearUniform } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/** What a linear layer does to its sums before it gives them away. */
export type AfterLinear = Pick<LinearOptions, 'activation' | 'dropout' | 'residual'>;

/**
 * y = x·Wᵀ + b: x [..., inFeatures] → [..., outFeatures], weight [outFeatures, inFeatures], bias [outFeatures].
 * Both start uniform within ±1/√inFeatures, as in PyTorch.
 *
 * @example
 * new Linear(3, 4).forward(ones([2, 3])).shape; // [2, 4]
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  /** What `addLora` puts here is added to the result. */
  adapter: Adapter | null = null;

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { readonly bias?: boolean } = {}) {
    super();
    this.weight = linearUniform(new Parameter(zeros([outFeatures, inFeatures])), inFeatures);
    this.bias = bias ? linearUniform(new Parameter(zeros([outFeatures])), inFeatures) : null;
  }

  /** dropout(activation(x·Wᵀ + b)) + residual, in one pass over the result; by default the sums alone. */
  forward(x: Tensor, after: AfterLinear = {}): Tensor {
    if (this.adapter === null) return linear(x, this.weight, this.bias, after);
    const { activation, dropout: p = 0, residual = null } = after;
    const sums = linear(x, this.weight, this.bias, { residual: this.adapter.forward(x) });
    const y = activation === undefined ? sums : activationOf(activation)(sums);
    const dropped = dropout(y, { p });
    return residual === null ? dropped : dropped.add(residual);
  }

  /** What each layer makes of the same x; in one product where nothing is recorded and no adapter adds to it. */
  static forwardAll(layers: readonly Linear[], x: Tensor): Tensor[] {
    if (isGradEnabled() || layers.some(({ adapter }) => adapter !== null)) return layers.map((layer) => layer.forward(x));
    return linears(x, layers.map(({ weight }) => weight), layers.map(({ bias }) => bias));
  }

  override describe(): string {
    const [outFeatures, inFeatures] = this.weight.shape;
    return `${inFeatures} → ${outFeatures}${this.bias === null ? ', no bias' : ''}`;
  }
}
