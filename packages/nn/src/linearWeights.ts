import { persist, type Tensor } from '@strided/tensor';
import { Embedding } from './embedding.ts';
import { Linear } from './linear.ts';
import type { Module } from './module.ts';
import type { Parameter } from './parameter.ts';

/**
 * The weights that a model reads by products, and rows of them as embeddings at most: those of Linear layers that no
 * layer shares but such and Embedding.
 */
export function linearWeights(model: Module): Set<Tensor> {
  const weights = new Set<Tensor>();
  const others = new Set<Tensor>();
  for (const module of model.modules()) {
    for (const value of Object.values(module)) {
      if (module instanceof Embedding && value === module.weight) continue;
      (module instanceof Linear && value === module.weight ? weights : others).add(value as Tensor);
    }
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
