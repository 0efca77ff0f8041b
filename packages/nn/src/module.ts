import { CheckpointError, noGrad, Tensor } from '@strided/tensor';
import { isParameter, type Parameter } from './parameter.ts';

/** Tensors by name, in the order of the model. */
export type StateDict = ReadonlyMap<string, Tensor>;

export interface LoadReport {
  /** Names of the model that the state dict lacks. */
  readonly missing: readonly string[];
  /** Names of the state dict that the model lacks. */
  readonly unexpected: readonly string[];
}

/**
 * A layer or model: a plain object. Its parameters, buffers and submodules are found by walking its attributes
 * (also through arrays), in the order in which they were assigned; private `#fields` are not walked.
 *
 * @example
 * class Classifier extends Module {
 *   hidden = new Linear(8, 16);
 *   output = new Linear(16, 2);
 *   forward(x: Tensor) { return this.output.forward(this.hidden.forward(x).relu()); }
 * }
 * new Classifier().stateDict().keys(); // hidden.weight, hidden.bias, output.weight, output.bias
 */
export abstract class Module {
  /** Whether dropout drops; `train()` and `eval()` switch it for all submodules. */
  training = true;

  /** This module and all below it, with dotted names; a shared one comes once. */
  *namedModules(prefix = '', seen: Set<Module> = new Set()): IterableIterator<[string, Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, value] of attributes(this, prefix)) if (value instanceof Module) yield* value.namedModules(name, seen);
  }

  *modules(): IterableIterator<Module> {
    for (const [, module] of this.namedModules()) yield module;
  }

  /** Parameters by dotted name; one that is tied under several names comes once, under the first. */
  *namedParameters(): IterableIterator<[string, Parameter]> {
    const seen = new Set<Tensor>();
    for (const [name, tensor] of this.#tensors()) {
      if (!isParameter(tensor) || seen.has(tensor)) continue;
      seen.add(tensor);
      yield [name, tensor];
    }
  }

  *parameters(): IterableIterator<Parameter> {
    for (const [, parameter] of this.namedParameters()) yield parameter;
  }

  /** Tensors that are saved but not trained. */
  *namedBuffers(): IterableIterator<[string, Tensor]> {
    for (const [name, tensor] of this.#tensors()) if (!isParameter(tensor)) yield [name, tensor];
  }

  *buffers(): IterableIterator<Tensor> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  *#tensors(): IterableIterator<[string, Tensor]> {
    for (const [prefix, module] of namedModulesWithRepeats(this, '')) {
      for (const [name, value] of attributes(module, prefix)) if (value instanceof Tensor) yield [name, value];
    }
  }

  /** Parameters and buffers by dotted name, sharing memory with the module; a tied tensor stands under each of its names. */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of this.#tensors()) state.set(name, tensor.detach());
    return state;
  }

  /**
   * Copies tensors into the parameters and buffers of the same names. Everything is checked first: nothing changes
   * when anything does not fit.
   * @throws CheckpointError listing missing, unexpected and mis-shaped names; with `strict: false` only mis-shaped ones.
   */
  loadStateDict(state: StateDict, { strict = true }: { readonly strict?: boolean } = {}): LoadReport {
    const own = this.stateDict();
    const missing = [...own.keys()].filter((name) => !state.has(name));
    const unexpected = [...state.keys()].filter((name) => !own.has(name));
    const misshaped = [...own].flatMap(([name, tensor]) => {
      const given = state.get(name);
      return given === undefined || given.shape.join() === tensor.shape.join() ? [] : [`${name} is [${given.shape.join(', ')}] but must be [${tensor.shape.join(', ')}]`];
    });
    if (misshaped.length > 0 || (strict && missing.length + unexpected.length > 0)) {
      const parts = [
        ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
        ...(unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
        ...(misshaped.length > 0 ? [`mis-shaped: ${misshaped.join('; ')}`] : []),
      ];
      throw new CheckpointError(`loadStateDict: the state dict does not fit ${this.constructor.name}: ${parts.join(' | ')}`);
    }
    noGrad(() => {
      for (const [name, tensor] of own) {
        const given = state.get(name);
        if (given !== undefined) tensor.copyFrom(given);
      }
    });
    return { missing, unexpected };
  }

  /** Switches this module and all below it to training (dropout drops) or, with false, to evaluation. */
  train(on = true): this {
    for (const module of this.modules()) module.training = on;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null;
  }

  /** How many numbers the parameters hold; a tied one counts once. */
  parameterCount(): number {
    let count = 0;
    for (const parameter of this.parameters()) count += parameter.size;
    return count;
  }
}

/** Own attributes with dotted names; arrays are walked by index. */
function* attributes(owner: object, prefix: string): IterableIterator<[string, unknown]> {
  for (const [key, value] of Object.entries(owner)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (Array.isArray(value)) yield* attributes(value, name);
    else yield [name, value];
  }
}

/** As namedModules, but a shared module comes under each of its names; a module inside itself is not entered again. */
function* namedModulesWithRepeats(module: Module, prefix: string, above: readonly Module[] = []): IterableIterator<[string, Module]> {
  if (above.includes(module)) return;
  yield [prefix, module];
  for (const [name, value] of attributes(module, prefix)) {
    if (value instanceof Module) yield* namedModulesWithRepeats(value, name, [...above, module]);
  }
}
