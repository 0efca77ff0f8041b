import { adamWStep, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';
import { MomentOptimizer, type Moments, type MomentSettings } from './moments.ts';
import type { ActiveGroup, ParameterGroup } from './optimizer.ts';

export interface AdamWSettings extends MomentSettings {
  /** Subtracted apart from the gradient: p ← p·(1 − lr·weightDecay). Default 0.01. */
  readonly weightDecay: number;
  /** Whether the averages, which start at 0, are scaled up in early steps. Off: the form of Google's BERT, whose eps is 1e-6. Default true. */
  readonly biasCorrection?: boolean;
}

const defaults: AdamWSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, biasCorrection: true };

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), as PyTorch computes it, or without bias
 * correction as Google's BERT does (AdamWeightDecayOptimizer in its optimization.py).
 *
 * @example
 * const optimizer = new AdamW(model.parameters(), { lr: 3e-4 });
 * loss.backward();
 * optimizer.step();
 * optimizer.zeroGrad();
 */
export class AdamW extends MomentOptimizer<AdamWSettings> {
  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<AdamWSettings>[], settings: Partial<AdamWSettings> = {}) {
    super(parameters, { ...defaults, ...settings });
    this.checkSettings('AdamW');
  }

  protected override move(parameter: Parameter, gradient: Tensor, { m, v, step }: Moments, { lr, betas, eps, weightDecay, biasCorrection = true }: ActiveGroup<AdamWSettings>): void {
    adamWStep(parameter, gradient, m, v, { lr, betas, eps, weightDecay, biasCorrection, step });
  }
}
