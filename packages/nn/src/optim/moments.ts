import { ArgumentError, CheckpointError, persist, tensor, zerosLike, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';
import { Optimizer, stateTensor, type ActiveGroup, type OptimizerState } from './optimizer.ts';

export interface MomentSettings {
  /** Default 1e-3. */
  readonly lr: number;
  /** How fast the averages of the gradient and of its square forget. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Added to the root of the average square. Default 1e-8. */
  readonly eps: number;
  readonly weightDecay: number;
}

/** Running averages of one parameter's gradient (m) and of its square (v), and how many steps they have seen. */
export interface Moments {
  readonly m: Tensor;
  readonly v: Tensor;
  step: number;
}

/** What Adam and its relatives share: two averages for each parameter, which a checkpoint keeps. */
export abstract class MomentOptimizer<Settings extends MomentSettings> extends Optimizer<Settings> {
  readonly #moments = new Map<number, Moments>();

  protected checkSettings(name: string): void {
    for (const { lr, eps, weightDecay, betas } of this.groups) {
      if (!(lr >= 0 && eps >= 0 && weightDecay >= 0 && betas.every((beta) => beta >= 0 && beta < 1))) {
        throw new ArgumentError(`${name}: lr ${lr}, eps ${eps} and weightDecay ${weightDecay} must not be negative, betas ${betas.join(', ')} must be from 0 to below 1`);
      }
    }
  }

  protected abstract move(parameter: Parameter, gradient: Tensor, moments: Moments, group: ActiveGroup<Settings>): void;

  protected override update(parameter: Parameter, gradient: Tensor, group: ActiveGroup<Settings>, number: number): void {
    let moments = this.#moments.get(number);
    if (moments === undefined) {
      moments = { m: zerosLike(parameter), v: zerosLike(parameter), step: 0 };
      persist([moments.m, moments.v]);
      this.#moments.set(number, moments);
    }
    moments.step++;
    this.move(parameter, gradient, moments, group);
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
    for (const { number, ...moments } of loaded) {
      persist([moments.m, moments.v]);
      this.#moments.set(number, moments);
    }
    this.stepCount = state.step;
  }
}
