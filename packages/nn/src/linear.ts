import { linear, zeros, type Tensor } from '@strided/tensor';
import type { Adapter } from './adapter.ts';
import { linearUniform } from './init.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

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

  forward(x: Tensor): Tensor {
    const y = linear(x, this.weight, this.bias);
    return this.adapter === null ? y : y.add(this.adapter.forward(x));
  }

  override describe(): string {
    const [outFeatures, inFeatures] = this.weight.shape;
    return `${inFeatures} → ${outFeatures}${this.bias === null ? ', no bias' : ''}`;
  }
}
