import { persist, type Tensor } from '@strided/tensor';
import { Linear } from './linear.ts';
import type { Module } from './module.ts';
import type { Parameter } from './parameter.ts';

/** The weights that a model reads by products alone: those of Linear layers that no other layer shares. */
export function linearWeights(model: Module): Set<Tensor> {
  const weights = new Set<Tensor>();
  const others = new Set<Tensor>();
  for (const module of model.modules()) {
    for (const value of Object.values(module)) (module instanceof Linear && value === module.weight ? weights : others).add(value as Tensor);
  }
  for (const other of others) weights.delete(other);
  return weights;
}

/**
 * Gives all parameters a place in the kernels' memory, the weights of Linear layers packed for products: for inference.
 * They may change all the same, and training goes on as before.
 *
 * @example
 * persistWeights(model.eval());
 */
export function persistWeights(model: Module): void {
  const weights = linearWeights(model);
  const all: Parameter[] = [...model.parameters()];
  persist(all.filter((parameter) => weights.has(parameter)), { packed: true });
  persist(all.filter((parameter) => !weights.has(parameter)));
}
