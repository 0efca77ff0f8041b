import { ones, rmsNorm, type RmsNormOptions, type Tensor } from '@strided/tensor';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

export type { RmsNormOptions };

/**
 * Scales the last axis, of length `width`, to a mean square of 1: x/√(Σx²/width + ε)·weight (Zhang and Sennrich,
 * arXiv 1910.07467). The weight starts at 1, as in PyTorch.
 */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  readonly options: RmsNormOptions;

  constructor(width: number, options: RmsNormOptions = {}) {
    super();
    this.weight = new Parameter(ones([width]));
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight, this.options);
  }

  override describe(): string {
    return String(this.weight.size);
  }
}
