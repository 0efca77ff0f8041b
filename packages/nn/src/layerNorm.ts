import { layerNorm, ones, zeros, type LayerNormOptions, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export type { LayerNormOptions };

/**
 * Normalises the last axis, of length `width`, then scales and shifts it: weight·(x − mean)/deviation + bias.
 * The deviation is √(variance + ε), or in the form of BERT-pytorch the unbiased standard deviation + ε.
 * Weight starts at 1, bias at 0, as in PyTorch.
 */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly options: LayerNormOptions;

  constructor(width: number, { bias = true, ...options }: LayerNormOptions & { readonly bias?: boolean } = {}) {
    super();
    this.weight = new Parameter(ones([width]));
    this.bias = bias ? new Parameter(zeros([width])) : null;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, this.options);
  }

  override describe(): string {
    return `${this.weight.size}${this.options.form === 'deviation' ? ', deviation' : ''}${this.bias === null ? ', no bias' : ''}`;
  }
}
