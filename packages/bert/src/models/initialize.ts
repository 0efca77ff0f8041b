import { Embedding, Parameter, type Module } from '@strided/nn';
import { fromTypedArray, noGrad, randn, type Tensor } from '@strided/tensor';
import { namedTensors } from '../checkpoint/entries.ts';
import { SineTable } from '../encoder/positions.ts';
import type { Start } from './family.ts';

/** Numbers of a normal distribution; those beyond the cutoff (in standard deviations) are drawn again. */
function draw(shape: readonly number[], { std, cutoff }: Start): Tensor {
  const values = randn([shape.reduce((product, length) => product * length, 1)]).toTypedArray();
  let spare: Float32Array = new Float32Array(0);
  let at = 0;
  const most = cutoff ?? Infinity;
  for (let i = 0; i < values.length; i++) {
    while (Math.abs(values[i]) > most) {
      if (at === spare.length) [spare, at] = [randn([64]).toTypedArray(), 0];
      values[i] = spare[at++];
    }
  }
  return fromTypedArray(values.map((value) => value * std), shape);
}

/**
 * Draws weights as transformers does: matrices and tables normal, padding rows 0, DistilBERT's sines as they are. Biases and norms are as they were made,
 * 0 and 1. With `only`, other tensors stay as they are.
 */
export function initialize(model: Module, start: (name: string) => Start, only?: ReadonlySet<Tensor>): void {
  const done = new Set<Tensor>();
  noGrad(() => {
    for (const [name, tensor] of namedTensors(model)) {
      if (!(tensor instanceof Parameter) || tensor.rank < 2 || done.has(tensor) || only?.has(tensor) === false) continue;
      done.add(tensor);
      tensor.copyFrom(draw(tensor.shape, start(name)));
    }
    for (const module of model.modules()) {
      if (!(module instanceof Embedding) || only?.has(module.weight) === false) continue;
      if (module instanceof SineTable) module.fillSines();
      else module.clearPadding();
    }
  });
}
