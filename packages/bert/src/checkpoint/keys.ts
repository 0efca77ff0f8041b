import { CheckpointError } from '@strided/tensor';

/**
 * Names of a checkpoint's tensors beside the names of the model's, as templates: `{i}` stands for a number and `{p}`
 * for a last part such as weight or bias, the same on both sides. Whole names match, in both directions. Several names on
 * the model's side are one tensor in the file, joined along its first axis in this order.
 */
export type KeyTemplates = readonly KeyTemplate[];
export type KeyTemplate = readonly [checkpoint: string, model: string | readonly string[]];

/** Where a tensor of the model is in the file. */
export interface Place {
  readonly key: string;
  /** Which of the `parts` joined there it is. */
  readonly part: number;
  readonly parts: number;
}

interface Rule<T> {
  readonly pattern: RegExp;
  readonly target: T;
}

function compile<T>(from: string, target: T): Rule<T> {
  const escaped = from.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{i}', '(?<i>0|[1-9][0-9]*)').replaceAll('{p}', '(?<p>\\w+)');
  return { pattern: new RegExp(`^${escaped}$`), target };
}

function find<T>(rules: readonly Rule<T>[], name: string): { readonly target: T; readonly fill: (template: string) => string } | null {
  for (const { pattern, target } of rules) {
    const match = pattern.exec(name);
    if (match !== null) return { target, fill: (template) => template.replaceAll(/\{([ip])\}/g, (_, key: string) => match.groups?.[key] ?? '') };
  }
  return null;
}

/** Two-way renaming between a family's checkpoint and its model. */
export class KeyMap {
  readonly #toModel: readonly Rule<readonly string[]>[];
  readonly #toCheckpoint: readonly Rule<Place>[];

  constructor(templates: KeyTemplates) {
    const pairs = templates.map(([key, model]) => ({ key, names: typeof model === 'string' ? [model] : model }));
    this.#toModel = pairs.map(({ key, names }) => compile(key, names));
    this.#toCheckpoint = pairs.flatMap(({ key, names }) => names.map((name, part) => compile(name, { key, part, parts: names.length })));
  }

  /** The model's names for a checkpoint's, or null. */
  toModel(key: string): readonly string[] | null {
    const found = find(this.#toModel, key);
    return found === null ? null : found.target.map(found.fill);
  }

  /** The checkpoint's name for a model's, or null. */
  find(name: string): Place | null {
    const found = find(this.#toCheckpoint, name);
    return found === null ? null : { ...found.target, key: found.fill(found.target.key) };
  }

  /** The checkpoint's name for a model's; every tensor has one. */
  toCheckpoint(name: string): Place {
    const place = this.find(name);
    if (place === null) throw new CheckpointError(`the model's ${name} has no name in the checkpoint; add a template for it`);
    return place;
  }
}

/** Templates with a prefix before each name of the checkpoint. */
export function underPrefix(prefix: string, templates: KeyTemplates): KeyTemplates {
  return templates.map(([key, model]) => [`${prefix}.${key}`, model] as const);
}
