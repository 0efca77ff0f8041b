import { ArgumentError, type Tensor } from '@strided/tensor';
import type { Layer } from './forward.ts';
import { Module } from './module.ts';

/** Gives what it is given: stands where a layer may be left out. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/**
 * Modules in a row, `list[0]`, `list[1]` …, named `0.…`, `1.…` in the state dict. (A plain array as an attribute is
 * walked too; this is for code that wants a module.)
 *
 * @example
 * const layers = new ModuleList(Array.from({ length: 3 }, () => new Linear(8, 8)));
 * for (const layer of layers) x = layer.forward(x);
 */
export class ModuleList<M extends Module = Module> extends Module implements Iterable<M> {
  readonly [index: number]: M;

  constructor(modules: Iterable<M> = []) {
    super();
    this.append(...modules);
  }

  get length(): number {
    return Object.keys(this).filter((key) => /^\d+$/.test(key)).length;
  }

  append(...modules: readonly M[]): this {
    for (const module of modules) {
      if (!(module instanceof Module)) throw new ArgumentError(`${this.constructor.name}: holds modules, not ${typeof module}; wrap a function in a module`);
      Object.defineProperty(this, this.length, { value: module, enumerable: true, configurable: true, writable: true });
    }
    return this;
  }

  *[Symbol.iterator](): IterableIterator<M> {
    for (let i = 0; i < this.length; i++) yield this[i];
  }
}

/**
 * Layers one after the other, each on what the one before gave.
 *
 * @example
 * const model = new Sequential(new Linear(8, 16), new GELU(), new Linear(16, 2));
 * model.forward(x);
 * model[0]; // the first layer
 */
export class Sequential extends ModuleList<Layer> implements Layer {
  constructor(...layers: readonly Layer[]) {
    super(layers);
  }

  forward(x: Tensor): Tensor {
    let y = x;
    for (const layer of this) y = layer.forward(y);
    return y;
  }
}
