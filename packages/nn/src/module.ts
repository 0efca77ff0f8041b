import { ArgumentError, CheckpointError, noGrad, Tensor, type FloatDType } from '@strided/tensor';
import { TransientBuffer } from './buffer.ts';
import { formatModule } from './modulePrint.ts';
import { isParameter, Parameter } from './parameter.ts';
import { slotsOf, type Slot } from './slots.ts';

/** By this name Node, Deno and Bun ask an object how to show it. */
const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** Tensors by name, in the order of the model. */
export type StateDict = ReadonlyMap<string, Tensor>;

export interface LoadReport {
  /** Names of the model that the state dict lacks. */
  readonly missing: readonly string[];
  /** Names of the state dict that the model lacks. */
  readonly unexpected: readonly string[];
}

/** Adds the modules of a walk through attributes and arrays, in the order of `namedModules`; without the names it takes a fifth of the time. */
function collect(owner: object, found: Set<Module>): void {
  if (owner instanceof Module) {
    if (found.has(owner)) return;
    found.add(owner);
  }
  for (const value of Object.values(owner)) if (value instanceof Module || Array.isArray(value)) collect(value, found);
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
    for (const { name, value } of slotsOf(this, prefix)) if (value instanceof Module) yield* value.namedModules(name, seen);
  }

  /** The modules right below this one, with their names; one that stands in two places comes once. */
  *namedChildren(): IterableIterator<[string, Module]> {
    const seen = new Set<Module>();
    for (const { name, value } of slotsOf(this, '')) {
      if (!(value instanceof Module) || seen.has(value)) continue;
      seen.add(value);
      yield [name, value];
    }
  }

  *children(): IterableIterator<Module> {
    for (const [, child] of this.namedChildren()) yield child;
  }

  *modules(): IterableIterator<Module> {
    const found = new Set<Module>();
    collect(this, found);
    yield* found;
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

  /** Tensors that are not trained, the transient ones (see TransientBuffer) among them; each comes once. */
  *namedBuffers(): IterableIterator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [name, tensor] of this.#tensors()) {
      if (isParameter(tensor) || seen.has(tensor)) continue;
      seen.add(tensor);
      yield [name, tensor];
    }
  }

  *buffers(): IterableIterator<Tensor> {
    for (const [, buffer] of this.namedBuffers()) yield buffer;
  }

  *#tensors(): IterableIterator<[string, Tensor]> {
    for (const { name, value } of tensorSlots(this)) yield [name, value];
  }

  /**
   * Parameters and buffers by dotted name, sharing memory with the module; a tied tensor stands under each of its
   * names, transient buffers are left out.
   */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of this.#tensors()) if (!(tensor instanceof TransientBuffer)) state.set(name, tensor.detach());
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

  /** How many numbers the parameters hold, or those that training changes; a tied one counts once. */
  parameterCount({ trained = false }: { readonly trained?: boolean } = {}): number {
    let count = 0;
    for (const parameter of this.parameters()) if (!trained || parameter.requiresGrad) count += parameter.size;
    return count;
  }

  /** Calls `fn` with every module below this one, the inner ones first, and at last with this one. */
  apply(fn: (module: Module) => void): this {
    for (const module of [...this.modules()].reverse()) fn(module);
    return this;
  }

  /**
   * Parameters get no gradient any more (and lose the one they have), so that no optimiser changes them.
   * @example
   * model.freeze();
   * model.head.unfreeze(); // only the head is trained
   */
  freeze(): this {
    for (const parameter of this.parameters()) {
      parameter.requiresGrad = false;
      parameter.grad = null;
    }
    return this;
  }

  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = true;
    return this;
  }

  /**
   * Makes all parameters and floating buffers float32 or float64. Those of the other dtype are replaced by new tensors
   * (ties and `requiresGrad` stay, gradients go), so call it before you give the parameters to an optimiser.
   *
   * @throws ArgumentError, before anything changes, when an attribute cannot be replaced.
   * @example
   * const exact = new Linear(3, 4).to('float64');
   */
  to(dtype: FloatDType): this {
    const changed = [...tensorSlots(this)].filter(({ value }) => value.dtype !== dtype && (isParameter(value) || value.dtype.startsWith('float')));
    const fixed = changed.find(({ owner, key }) => Object.getOwnPropertyDescriptor(owner, key)?.writable === false);
    if (fixed !== undefined) throw new ArgumentError(`to: ${fixed.name} is a constant attribute that cannot be replaced; make it writable`);
    const made = new Map<Tensor, Tensor>();
    for (const { owner, key, value } of changed) {
      const replacement = made.get(value) ?? converted(value, dtype);
      made.set(value, replacement);
      Reflect.set(owner, key, replacement);
    }
    return this;
  }

  /** What printing shows in parentheses after the class: its settings. */
  describe(): string {
    return '';
  }

  toString(): string {
    return formatModule(this);
  }

  /** As an object that shows itself as text, because `inspect` indents those where they stand inside others. */
  [inspectSymbol](depth: number): unknown {
    const text = depth < 0 ? `[${this.constructor.name}]` : this.toString();
    return { [inspectSymbol]: () => text };
  }
}

function converted(tensor: Tensor, dtype: FloatDType): Tensor {
  const values = noGrad(() => tensor.detach().cast(dtype));
  if (isParameter(tensor)) return new Parameter(values, { requiresGrad: tensor.requiresGrad });
  return tensor instanceof TransientBuffer ? new TransientBuffer(values) : values;
}

/** A place that holds a tensor. */
export type TensorSlot = Slot & { readonly value: Tensor };

/** Where the tensors of a module and all below it stand, tied and shared ones in each of their places. */
export function* tensorSlots(module: Module): IterableIterator<TensorSlot> {
  for (const [prefix, each] of namedModulesWithRepeats(module, '')) {
    for (const slot of slotsOf(each, prefix)) if (slot.value instanceof Tensor) yield slot as TensorSlot;
  }
}

/** As namedModules, but a shared module comes under each of its names; a module inside itself is not entered again. */
function* namedModulesWithRepeats(module: Module, prefix: string, above: readonly Module[] = []): IterableIterator<[string, Module]> {
  if (above.includes(module)) return;
  yield [prefix, module];
  for (const { name, value } of slotsOf(module, prefix)) {
    if (value instanceof Module) yield* namedModulesWithRepeats(value, name, [...above, module]);
  }
}
