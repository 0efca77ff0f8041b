import { adamWStep, ArgumentError, CheckpointError, tensor, zerosLike, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';
import { Optimizer, stateTensor, type ActiveGroup, type OptimizerState, type ParameterGroup } from './optimizer.ts';

export interface AdamWSettings {
  /** Default 1e-3. */
  readonly lr: number;
  /** How fast the averages of the gradient and of its square forget. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Subtracted apart from the gradient: p ← p·(1 − lr·weightDecay). Default 0.01. */
  readonly weightDecay: number;
}

const defaults: AdamWSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 };

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), as PyTorch computes it.
 *
 * @example
 * const optimizer = new AdamW(model.parameters(), { lr: 3e-4 });
 * loss.backward();
 * optimizer.step();
 * optimizer.zeroGrad();
 */
export class AdamW extends Optimizer<AdamWSettings> {
  readonly #moments = new Map<number, { readonly m: Tensor; readonly v: Tensor; step: number }>();

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<AdamWSettings>[], settings: Partial<AdamWSettings> = {}) {
    super(parameters, { ...defaults, ...settings });
    for (const { lr, eps, weightDecay, betas } of this.groups) {
      if (!(lr >= 0 && eps >= 0 && weightDecay >= 0 && betas.every((beta) => beta >= 0 && beta < 1))) {
        throw new ArgumentError(`AdamW: lr ${lr}, eps ${eps} and weightDecay ${weightDecay} must not be negative, betas ${betas.join(', ')} must be from 0 to below 1`);
      }
    }
  }

  protected override update(parameter: Parameter, gradient: Tensor, { lr, betas, eps, weightDecay }: ActiveGroup<AdamWSettings>, number: number): void {
    let moments = this.#moments.get(number);
    if (moments === undefined) {
      moments = { m: zerosLike(parameter), v: zerosLike(parameter), step: 0 };
      this.#moments.set(number, moments);
    }
    moments.step++;
    adamWStep(parameter, gradient, moments.m, moments.v, { lr, betas, eps, weightDecay, step: moments.step });
  }

  override state(): OptimizerState {
    const tensors = new Map<string, Tensor>();
    for (const [number, { m, v, step }] of this.#moments) {
      tensors.set(`m.${number}`, m);
      tensors.set(`v.${number}`, v);
      tensors.set(`step.${number}`, tensor(step, { dtype: 'int32' }));
    }
    return { tensors, step: this.stepCount };
  }

  override loadState(state: OptimizerState): void {
    const { parameters } = this;
    const loaded = [...state.tensors.keys()].filter((name) => name.startsWith('m.')).map((name) => {
      const number = Number(name.slice(2));
      const parameter = parameters[number];
      if (parameter === undefined) throw new CheckpointError(`loadState: the optimiser's ${name} has no parameter; the state belongs to another model`);
      const step = state.tensors.get(`step.${number}`);
      if (step === undefined) throw new CheckpointError(`loadState: the optimiser's step.${number} is missing; the state is incomplete`);
      return { number, m: stateTensor(state, name, parameter).clone(), v: stateTensor(state, `v.${number}`, parameter).clone(), step: Number(step.item()) };
    });
    this.#moments.clear();
    for (const { number, ...moments } of loaded) this.#moments.set(number, moments);
    this.stepCount = state.step;
  }
}
