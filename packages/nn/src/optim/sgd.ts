import { ArgumentError, CheckpointError, noGrad, persist, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';
import { Optimizer, stateTensor, type ActiveGroup, type OptimizerState, type ParameterGroup } from './optimizer.ts';

export interface SGDSettings {
  /** Default 1e-3. */
  readonly lr: number;
  /** How much of the last step's direction stays. Default 0. */
  readonly momentum: number;
  /** By how much less a gradient counts beside the momentum. Default 0. */
  readonly dampening: number;
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay: number;
  /** Whether to look ahead along the momentum (Nesterov). Default false. */
  readonly nesterov: boolean;
}

const defaults: SGDSettings = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

/**
 * Stochastic gradient descent as PyTorch computes it: g ← g + weightDecay·p; b ← momentum·b + (1 − dampening)·g (at
 * first b = g); p ← p − lr·b, with Nesterov p − lr·(g + momentum·b).
 *
 * @example
 * const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
 */
export class SGD extends Optimizer<SGDSettings> {
  readonly #momentum = new Map<number, Tensor>();

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<SGDSettings>[], settings: Partial<SGDSettings> = {}) {
    super(parameters, { ...defaults, ...settings });
    for (const { lr, momentum, dampening, weightDecay, nesterov } of this.groups) {
      if (!(lr >= 0 && momentum >= 0 && weightDecay >= 0)) throw new ArgumentError(`SGD: lr ${lr}, momentum ${momentum} and weightDecay ${weightDecay} must not be negative`);
      if (!Number.isFinite(dampening)) throw new ArgumentError(`SGD: the dampening must be a number, not ${dampening}`);
      if (nesterov && (momentum === 0 || dampening !== 0)) throw new ArgumentError('SGD: nesterov needs a momentum and no dampening');
    }
  }

  protected override update(parameter: Parameter, gradient: Tensor, { lr, momentum, dampening, weightDecay, nesterov }: ActiveGroup<SGDSettings>, number: number): void {
    noGrad(() => {
      const g: Tensor = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
      if (momentum === 0) {
        parameter.subInPlace(g.mul(lr));
        return;
      }
      let buffer = this.#momentum.get(number);
      if (buffer === undefined) {
        buffer = g.clone();
        persist([buffer]);
        this.#momentum.set(number, buffer);
      } else {
        buffer.mulInPlace(momentum).addInPlace(g.mul(1 - dampening));
      }
      parameter.subInPlace((nesterov ? g.add(buffer.mul(momentum)) : buffer).mul(lr));
    });
  }

  override state(): OptimizerState {
    return { tensors: new Map(Array.from(this.#momentum, ([number, buffer]) => [`momentum.${number}`, buffer])), step: this.stepCount };
  }

  override loadState(state: OptimizerState): void {
    const { parameters } = this;
    const loaded = [...state.tensors.keys()].map((name): [number, Tensor] => {
      const number = Number(/^momentum\.(\d+)$/.exec(name)?.[1]);
      const parameter = parameters[number];
      if (parameter === undefined) throw new CheckpointError(`loadState: the optimiser's ${name} has no parameter; the state belongs to another model or optimiser`);
      return [number, stateTensor(state, name, parameter).clone()];
    });
    this.#momentum.clear();
    persist(loaded.map(([, buffer]) => buffer));
    for (const [number, buffer] of loaded) this.#momentum.set(number, buffer);
    this.stepCount = state.step;
  }
}
