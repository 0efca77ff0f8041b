import { Module, Parameter } from '@strided/nn';
import { concat, noGrad, Tensor } from '@strided/tensor';
import type { KeyMap } from './keys.ts';

/** Every tensor of a module with its dotted name; one that is tied or shared comes under each of its names. */
export function* namedTensors(module: object, prefix = '', above: readonly object[] = []): IterableIterator<[string, Tensor]> {
  for (const [key, value] of Object.entries(module)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (value instanceof Tensor) yield [name, value];
    else if ((value instanceof Module || Array.isArray(value)) && !above.includes(value as object)) yield* namedTensors(value as object, name, [...above, module]);
  }
}

/** A tensor of the checkpoint: the model's tensors that make it up, in order. */
export interface Entry {
  readonly key: string;
  readonly tensors: readonly Tensor[];
}

/** The model's tensors by their names in the checkpoint; tied ones under each name, the one they are saved under first. */
export function entriesOf(model: Module, keys: KeyMap): Map<string, Entry> {
  const entries = new Map<string, { key: string; tensors: Tensor[] }>();
  for (const [name, tensor] of namedTensors(model)) {
    const { key, part } = keys.toCheckpoint(name);
    const entry = entries.get(key) ?? { key, tensors: [] };
    entry.tensors[part] = tensor;
    entries.set(key, entry);
  }
  return entries;
}

/** The shape that a tensor of the checkpoint has. */
export function shapeOf({ tensors: [first, ...rest] }: Entry): readonly number[] {
  return rest.length === 0 ? first.shape : [first.shape[0] + rest.reduce((sum, { shape }) => sum + shape[0], 0), ...first.shape.slice(1)];
}

/** An entry as one tensor: the parameter itself, or its parts joined, with their gradients. */
export function joined({ tensors }: Entry): Tensor {
  if (tensors.length === 1) return tensors[0];
  return noGrad(() => {
    const whole = concat(tensors.map((tensor) => tensor.detach()), 0);
    const gradients = tensors.map(({ grad }) => grad);
    if (gradients.every((gradient) => gradient !== null)) whole.grad = concat(gradients, 0);
    return whole;
  });
}

/** What is saved: each tensor once, under its first name. */
export function savedTensors(model: Module, keys: KeyMap): Map<string, Tensor> {
  const seen = new Set<Tensor>();
  const saved = new Map<string, Tensor>();
  for (const entry of entriesOf(model, keys).values()) {
    if (entry.tensors.every((tensor) => seen.has(tensor))) continue;
    entry.tensors.forEach((tensor) => seen.add(tensor));
    saved.set(entry.key, joined(entry));
  }
  return saved;
}

/** Parameters by their names in the checkpoint, tied ones under each name. */
export function* parametersByKey(model: Module, keys: KeyMap): IterableIterator<[string, Tensor]> {
  for (const entry of entriesOf(model, keys).values()) {
    if (entry.tensors.every((tensor) => tensor instanceof Parameter)) yield [entry.key, joined(entry)];
  }
}
