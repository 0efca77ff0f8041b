import { ArgumentError, CheckpointError, persist, type Tensor } from '@strided/tensor';
import type { Parameter } from '../parameter.ts';

/** What an optimiser needs to go on exactly where it stopped. */
export interface OptimizerState {
  /** Moments and the like, named by parameter number. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly step: number;
}

/** Parameters that share settings. */
export interface ParameterGroup<Settings> {
  readonly parameters: Iterable<Parameter>;
  readonly settings?: Partial<Settings>;
}

/** A group as the optimiser holds it: `lr` is what the next step uses, `baseLr` what schedules multiply. */
export type ActiveGroup<Settings> = Settings & { readonly parameters: readonly Parameter[]; lr: number; readonly baseLr: number };

/** What every optimiser does: `step` changes parameters by their `.grad`, `zeroGrad` forgets the gradients. */
export abstract class Optimizer<Settings extends { readonly lr: number } = { readonly lr: number }> {
  readonly groups: readonly ActiveGroup<Settings>[];
  /** How many steps were made. */
  stepCount = 0;

  constructor(parameters: Iterable<Parameter> | readonly ParameterGroup<Settings>[], defaults: Settings) {
    const given = [...parameters] as (Parameter | ParameterGroup<Settings>)[];
    const groups = given.every((each) => 'parameters' in each) ? (given as ParameterGroup<Settings>[]) : [{ parameters: given as Parameter[] }];
    const seen = new Set<Parameter>();
    this.groups = groups.map((group) => {
      const settings = { ...defaults, ...('settings' in group ? group.settings : {}) };
      const members = [...group.parameters];
      for (const parameter of members) {
        if (seen.has(parameter)) throw new ArgumentError(`${this.constructor.name}: a parameter of shape [${parameter.shape.join(', ')}] stands in two places; name each once`);
        seen.add(parameter);
      }
      return { ...settings, parameters: members, baseLr: settings.lr };
    });
    if (seen.size === 0) throw new ArgumentError(`${this.constructor.name}: there are no parameters to optimise`);
    persist(seen);
  }

  get parameters(): readonly Parameter[] {
    return this.groups.flatMap((group) => group.parameters);
  }

  /** Changes every parameter that has a gradient. */
  step(): void {
    this.stepCount++;
    let number = 0;
    for (const group of this.groups) {
      for (const parameter of group.parameters) {
        if (parameter.grad !== null) this.update(parameter, parameter.grad, group, number);
        number++;
      }
    }
  }

  /** Changes one parameter. It may run inside a scope: state that it makes must be handed to `persist`. */
  protected abstract update(parameter: Parameter, gradient: Tensor, group: ActiveGroup<Settings>, number: number): void;

  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.grad = null;
  }

  /** Multiplies every group's base learning rate. */
  scaleLr(factor: number): void {
    for (const group of this.groups) group.lr = group.baseLr * factor;
  }

  abstract state(): OptimizerState;
  abstract loadState(state: OptimizerState): void;
}

/** A state's tensor for a parameter, checked to fit it. */
export function stateTensor(state: OptimizerState, name: string, parameter: Parameter): Tensor {
  const tensor = state.tensors.get(name);
  if (tensor === undefined || tensor.shape.join() !== parameter.shape.join()) {
    const what = tensor === undefined ? 'is missing' : `has shape [${tensor.shape.join(', ')}]`;
    throw new CheckpointError(`loadState: the optimiser's ${name} ${what}, but its parameter has shape [${parameter.shape.join(', ')}]; the state belongs to another model`);
  }
  return tensor;
}
