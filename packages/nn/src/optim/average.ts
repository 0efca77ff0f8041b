import { ArgumentError, CheckpointError, noGrad, type Tensor } from '@strided/tensor';
import type { Module, StateDict } from '../module.ts';

export interface AverageOptions {
  /** How much of the average stays at each update. Default 0.999. */
  readonly decay?: number;
  /** Lets early updates count more: the decay of update n is at most (1 + n)/(10 + n). Default false. */
  readonly warmup?: boolean;
}

/**
 * An exponential moving average of a model's weights, which often predicts better than the last ones:
 * a ← decay·a + (1 − decay)·w at each `update()`. Buffers are taken as they are.
 *
 * @example
 * const average = new ExponentialMovingAverage(model, { decay: 0.999 });
 * optimizer.step();
 * average.update();
 * average.with(() => evaluate(model)); // the model has the averaged weights meanwhile
 */
export class ExponentialMovingAverage {
  readonly #model: Module;
  readonly #decay: number;
  readonly #warmup: boolean;
  readonly #shadow: Map<string, Tensor>;
  #updates = 0;

  constructor(model: Module, { decay = 0.999, warmup = false }: AverageOptions = {}) {
    if (!(decay >= 0 && decay <= 1)) throw new ArgumentError(`ExponentialMovingAverage: the decay must be from 0 to 1, not ${decay}`);
    this.#model = model;
    this.#decay = decay;
    this.#warmup = warmup;
    this.#shadow = copiesOf(model.stateDict());
  }

  /** How often `update` was called. */
  get updates(): number {
    return this.#updates;
  }

  /** Takes the model's weights as they are now into the average. */
  update(): void {
    const n = ++this.#updates;
    const decay = this.#warmup ? Math.min(this.#decay, (1 + n) / (10 + n)) : this.#decay;
    const averaged = new Set(Array.from(this.#model.namedParameters(), ([name]) => name));
    noGrad(() => {
      for (const [name, value] of this.#model.stateDict()) {
        const average = this.#own(name);
        // a + (1 − decay)·(w − a) moves nothing where the two are equal.
        if (averaged.has(name)) average.addInPlace(value.sub(average).mul(1 - decay));
        else average.copyFrom(this.#tied(value) ?? value);
      }
    });
  }

  /** The average of a tied parameter, which stands under its first name. */
  #tied(value: Tensor): Tensor | null {
    for (const [name, parameter] of this.#model.namedParameters()) if (parameter.storage === value.storage && parameter.layout === value.layout) return this.#own(name);
    return null;
  }

  #own(name: string): Tensor {
    const own = this.#shadow.get(name);
    if (own === undefined) throw new ArgumentError(`ExponentialMovingAverage: the model's ${name} was not there when the average began; make a new average`);
    return own;
  }

  /** Calls `fn` while the model has the averaged weights; an asynchronous one too. */
  with<T>(fn: () => T): T {
    const own = copiesOf(this.#model.stateDict());
    const putBack = (): void => void this.#model.loadStateDict(own);
    this.copyTo(this.#model);
    let result: T;
    try {
      result = fn();
    } catch (error) {
      putBack();
      throw error;
    }
    if (result instanceof Promise) return result.finally(putBack) as T;
    putBack();
    return result;
  }

  /** Gives a model the averaged weights for good. */
  copyTo(model: Module): void {
    model.loadStateDict(this.#shadow);
  }

  /** The averaged weights under the model's names. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.#shadow);
  }

  /** Goes on from an average that was saved after `updates` updates. */
  loadStateDict(state: StateDict, updates: number): void {
    const misfit = [...this.#shadow].find(([name, own]) => state.get(name)?.shape.join() !== own.shape.join());
    if (misfit !== undefined) throw new CheckpointError(`ExponentialMovingAverage: the saved average does not fit the model at ${misfit[0]}, [${misfit[1].shape.join(', ')}]; it belongs to another model`);
    noGrad(() => {
      for (const [name, own] of this.#shadow) own.copyFrom(state.get(name) ?? own);
    });
    this.#updates = updates;
  }
}

function copiesOf(state: StateDict): Map<string, Tensor> {
  return noGrad(() => new Map(Array.from(state, ([name, value]) => [name, value.clone()])));
}
