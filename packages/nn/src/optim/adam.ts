import { adamWStep, noGrad, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';
import { MomentOptimizer, type Moments, type MomentSettings } from './moments.ts';
import type { ActiveGroup, ParameterGroup } from './optimizer.ts';

export interface AdamSettings extends MomentSettings {
  /** Added to the gradient, times the parameter, so that it passes through the averages. Default 0; AdamW does it better. */
  readonly weightDecay: number;
}

const defaults: AdamSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/** Adam (Kingma and Ba, arXiv 1412.6980), as PyTorch computes it. */
export class Adam extends MomentOptimizer<AdamSettings> {
  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<AdamSettings>[], settings: Partial<AdamSettings> = {}) {
    super(parameters, { ...defaults, ...settings });
    this.checkSettings('Adam');
  }

  protected override move(parameter: Parameter, gradient: Tensor, { m, v, step }: Moments, { lr, betas, eps, weightDecay }: ActiveGroup<AdamSettings>): void {
    const g = weightDecay === 0 ? gradient : noGrad((): Tensor => gradient.add(parameter.mul(weightDecay)));
    adamWStep(parameter, g, m, v, { lr, betas, eps, weightDecay: 0, step });
  }
}
