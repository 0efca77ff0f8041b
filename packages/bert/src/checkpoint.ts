import { CheckpointError, type Tensor } from '@strided/tensor';
import type { Module } from '@strided/nn';

/**
 * Names of a checkpoint's tensors beside the names of the model's, as templates: `{i}` stands for a number and `{p}`
 * for a last part such as weight or bias, the same on both sides. Whole names match, in both directions.
 */
export type KeyTemplates = readonly (readonly [checkpoint: string, model: string])[];

interface Rule {
  readonly pattern: RegExp;
  readonly target: string;
}

function compile(from: string, target: string): Rule {
  const escaped = from.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{i}', '(?<i>0|[1-9][0-9]*)').replaceAll('{p}', '(?<p>\\w+)');
  return { pattern: new RegExp(`^${escaped}$`), target };
}

function translate(rules: readonly Rule[], name: string): string | null {
  for (const { pattern, target } of rules) {
    const match = pattern.exec(name);
    if (match !== null) return target.replaceAll(/\{([ip])\}/g, (_, key: string) => match.groups?.[key] ?? '');
  }
  return null;
}

/** Two-way renaming between a family's checkpoint and its model. */
export class KeyMap {
  readonly #toModel: readonly Rule[];
  readonly #toCheckpoint: readonly Rule[];

  constructor(templates: KeyTemplates) {
    this.#toModel = templates.map(([checkpoint, model]) => compile(checkpoint, model));
    this.#toCheckpoint = templates.map(([checkpoint, model]) => compile(model, checkpoint));
  }

  /** The model's name for a checkpoint's, or null. */
  toModel(key: string): string | null {
    return translate(this.#toModel, key);
  }

  /** The checkpoint's name for a model's. */
  toCheckpoint(name: string): string {
    const key = translate(this.#toCheckpoint, name);
    if (key === null) throw new CheckpointError(`the model's ${name} has no name in the checkpoint; add a template for it`);
    return key;
  }
}

/** The model's tensors under the checkpoint's names. */
export function checkpointOf(model: Module, keys: KeyMap): Map<string, Tensor> {
  return new Map([...model.stateDict()].map(([name, tensor]) => [keys.toCheckpoint(name), tensor]));
}

/**
 * Copies a checkpoint into a model. Nothing changes unless everything fits.
 * @throws CheckpointError naming the file and, by the checkpoint's own names, what is missing, unexpected or mis-shaped.
 */
export function loadCheckpoint(model: Module, checkpoint: ReadonlyMap<string, Tensor>, keys: KeyMap, file: string): void {
  const own = checkpointOf(model, keys);
  const shape = (tensor: Tensor) => `[${tensor.shape.join(', ')}]`;
  const missing = [...own.keys()].filter((key) => !checkpoint.has(key));
  const unexpected = [...checkpoint.keys()].filter((key) => !own.has(key));
  const misshaped = [...own].flatMap(([key, tensor]) => {
    const given = checkpoint.get(key);
    return given === undefined || shape(given) === shape(tensor) ? [] : [`${key} is ${shape(given)} but must be ${shape(tensor)}`];
  });
  const parts = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ...(misshaped.length > 0 ? [`mis-shaped: ${misshaped.join('; ')}`] : []),
  ];
  if (parts.length > 0) throw new CheckpointError(`${file}: the checkpoint does not fit its config.json: ${parts.join(' | ')}`);
  model.loadStateDict(new Map([...checkpoint].map(([key, tensor]) => [keys.toModel(key) ?? key, tensor])));
}
