import { ArgumentError, ShapeError, type Tensor } from '@strided/tensor';
import { tensorSlots, type Module } from './module.ts';

/**
 * Calls `fn` while other tensors stand for parameters and buffers of a module, named as in its state dict: the result
 * is differentiable in them. All places of a tied tensor take the new one. Afterwards the module is as before.
 *
 * @throws ArgumentError for a name that the module lacks, ShapeError for a tensor of another shape.
 * @example
 * const weight = randn([4, 3], { requiresGrad: true });
 * const y = functionalCall(layer, new Map([['weight', weight]]), () => layer.forward(x));
 */
export function functionalCall<T>(module: Module, tensors: ReadonlyMap<string, Tensor>, fn: () => T): T {
  const slots = [...tensorSlots(module)];
  const byName = new Map(slots.map((slot) => [slot.name, slot.value]));
  const replacements = new Map<Tensor, Tensor>();
  for (const [name, tensor] of tensors) {
    const own = byName.get(name);
    if (own === undefined) throw new ArgumentError(`functionalCall: ${module.constructor.name} has no tensor ${name}; it has ${[...byName.keys()].join(', ')}`);
    if (own.shape.join() !== tensor.shape.join()) throw new ShapeError(`functionalCall: ${name} is [${own.shape.join(', ')}], so [${tensor.shape.join(', ')}] cannot stand for it`);
    replacements.set(own, tensor);
  }
  const changed = slots.filter(({ value }) => replacements.has(value));
  for (const { owner, key, value } of changed) Reflect.set(owner, key, replacements.get(value));
  try {
    const result = fn();
    if (result instanceof Promise) throw new ArgumentError('functionalCall: the callback must not be asynchronous, because the module gets its own tensors back when it returns');
    return result;
  } finally {
    for (const { owner, key, value } of changed) Reflect.set(owner, key, value);
  }
}
