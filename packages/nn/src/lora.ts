import { ArgumentError, CheckpointError, linear, noGrad, zeros, type Tensor } from '@strided/tensor';
import type { Adapter } from './adapter.ts';
import { Dropout } from './dropout.ts';
import { linearUniform } from './init.ts';
import { Linear } from './linear.ts';
import { Module, type StateDict } from './module.ts';
import { Parameter } from './parameter.ts';

export interface LoraOptions {
  /** How many directions a change of the weight has. Default 8. */
  readonly rank?: number;
  /** The change is scaled by alpha/rank. Default: the rank, which is a scale of 1. */
  readonly alpha?: number;
  /** Of the adapter's input in training. Default 0. */
  readonly dropout?: number;
}

/**
 * A low-rank change of a linear layer (Hu et al., LoRA, arXiv 2106.09685): (alpha/rank)·x·Aᵀ·Bᵀ with A [rank, in] and
 * B [out, rank]. A starts as a Linear's weight, B at 0, so that at first nothing changes.
 */
export class LoraAdapter extends Module implements Adapter {
  readonly a: Parameter;
  readonly b: Parameter;
  readonly dropout: Dropout;
  readonly scale: number;

  constructor(inFeatures: number, outFeatures: number, { rank = 8, alpha = rank, dropout = 0 }: LoraOptions = {}) {
    super();
    if (!Number.isInteger(rank) || rank < 1) throw new ArgumentError(`LoRA: the rank must be a whole number from 1, not ${rank}`);
    if (!Number.isFinite(alpha)) throw new ArgumentError(`LoRA: alpha must be a number, not ${alpha}`);
    this.a = linearUniform(new Parameter(zeros([rank, inFeatures])), inFeatures);
    this.b = new Parameter(zeros([outFeatures, rank]));
    this.dropout = new Dropout(dropout);
    this.scale = alpha / rank;
  }

  forward(x: Tensor): Tensor {
    return linear(linear(this.dropout.forward(x), this.a), this.b).mul(this.scale);
  }

  delta(): Tensor {
    return this.b.matmul(this.a).mul(this.scale);
  }

  override describe(): string {
    return `rank ${this.a.shape[0]}, scale ${this.scale}`;
  }
}

/** The linear layers of a model by name that have an adapter, or may get one. */
function* linearsOf(model: Module): IterableIterator<[string, Linear]> {
  for (const [name, module] of model.namedModules()) if (module instanceof Linear) yield [name, module];
}

/**
 * Freezes a model and gives linear layers in it adapters, which alone are trained then (unfreeze what else is to be,
 * such as a new head). Returns the names of the layers.
 *
 * @param targets which layers, by name; default all
 * @throws ArgumentError, before anything changes, when none is chosen or one has an adapter.
 * @example
 * addLora(model, { rank: 8, alpha: 16 }, (name) => /query|value/.test(name));
 * const optimizer = new AdamW([...model.parameters()].filter((p) => p.requiresGrad));
 * await saveSafetensors('adapter.safetensors', loraStateDict(model));
 * mergeLora(model); // the plain model, with the changes in its weights
 */
export function addLora(model: Module, options: LoraOptions = {}, targets: (name: string, layer: Linear) => boolean = () => true): string[] {
  const chosen = [...linearsOf(model)].filter(([name, layer]) => targets(name, layer));
  if (chosen.length === 0) throw new ArgumentError(`addLora: no linear layer was chosen; there are ${[...linearsOf(model)].map(([name]) => name).join(', ') || 'none'}`);
  const taken = chosen.find(([, { adapter }]) => adapter !== null);
  if (taken !== undefined) throw new ArgumentError(`addLora: ${taken[0]} has an adapter; merge or remove it first`);
  const adapters = chosen.map(([, { weight }]) => new LoraAdapter(weight.shape[1], weight.shape[0], options).to(weight.dtype));
  model.freeze();
  chosen.forEach(([, layer], i) => (layer.adapter = adapters[i].train(layer.training)));
  return chosen.map(([name]) => name);
}

/** Adds the adapters' changes to the weights and takes the adapters away: same results, at the speed of the plain model. */
export function mergeLora(model: Module): void {
  for (const [, layer] of linearsOf(model)) {
    const { adapter } = layer;
    if (adapter !== null) noGrad(() => layer.weight.addInPlace(adapter.delta()));
    layer.adapter = null;
  }
}

/** Takes the adapters away: the model is as it was before `addLora`, but frozen. */
export function removeLora(model: Module): void {
  for (const [, layer] of linearsOf(model)) layer.adapter = null;
}

/** The adapters' tensors alone, under their names in the model: small enough to keep one a task. */
export function loraStateDict(model: Module): Map<string, Tensor> {
  const prefixes = [...linearsOf(model)].filter(([, { adapter }]) => adapter !== null).map(([name]) => (name === '' ? 'adapter.' : `${name}.adapter.`));
  return new Map([...model.stateDict()].filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))));
}

/**
 * Loads what `loraStateDict` gave into a model with the same adapters.
 * @throws CheckpointError, before anything changes, unless names and shapes are the same.
 */
export function loadLoraStateDict(model: Module, state: StateDict): void {
  const own = loraStateDict(model);
  const missing = [...own.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !own.has(name));
  if (missing.length + unexpected.length > 0) {
    throw new CheckpointError(`loadLoraStateDict: the adapters are not those of the model: missing: ${missing.join(', ') || 'none'} | unexpected: ${unexpected.join(', ') || 'none'}; call addLora with the same targets`);
  }
  model.loadStateDict(state, { strict: false });
}
