import type { Tensor } from '@strided/tensor';
import type { StateDict } from '../module.ts';
import type { Checkpoint } from './checkpointFile.ts';

/** Why a checkpoint does not fit a run, and half of what to do; null if it fits. */
export function misfitOf({ model, parameters, average }: Checkpoint, own: StateDict, order: readonly string[], ownAverage: StateDict | null): string | null {
  const misfit = firstMisfit(own, model);
  if (misfit !== null) return `model: ${misfit}; resume with the model that wrote it`;
  if (order.join('\n') !== parameters.join('\n')) {
    const at = order.findIndex((name, i) => name !== parameters[i]);
    const [was, is] = at < 0 ? [`${parameters.length} parameters`, order.length] : [`${parameters[at] ?? 'no parameter'} in place ${at}`, order[at]];
    return `optimiser: it had ${was}, this one has ${is}; give it the same parameters in the same groups`;
  }
  if ((average === null) !== (ownAverage === null)) return `run: it ${average === null ? 'has no' : 'has an'} average of weights, this one ${average === null ? 'has' : 'has none'}; resume with the same options`;
  return null;
}

/** The first tensor of a model that a state dict lacks or has otherwise, or that it has beside the model's; null if it fits. */
function firstMisfit(own: ReadonlyMap<string, Tensor>, given: ReadonlyMap<string, Tensor>): string | null {
  const describe = ({ dtype, shape }: Tensor): string => `${dtype} [${shape.join(', ')}]`;
  for (const [name, tensor] of own) {
    const other = given.get(name);
    if (other === undefined) return `it lacks ${name}`;
    if (describe(other) !== describe(tensor)) return `its ${name} is ${describe(other)}, the model's is ${describe(tensor)}`;
  }
  const extra = [...given.keys()].find((name) => !own.has(name));
  return extra === undefined ? null : `it has ${extra}, the model has not`;
}
