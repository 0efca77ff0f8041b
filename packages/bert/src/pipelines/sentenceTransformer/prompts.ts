import { FormatError } from '@strided/tensor';

/** What config_sentence_transformers.json says of prompts. */
export interface Prompts {
  readonly byName: Readonly<Record<string, string>>;
  readonly defaultName: string | null;
}

export function readPrompts(json: unknown, file: string): Prompts {
  const { prompts, default_prompt_name: name } = (json ?? {}) as { readonly prompts?: unknown; readonly default_prompt_name?: unknown };
  const entries = Object.entries(prompts ?? {});
  const strange = entries.find(([, prompt]) => typeof prompt !== 'string');
  if (strange !== undefined) throw new FormatError(`${file}: the prompt ${JSON.stringify(strange[0])} must be a string`);
  if (name !== undefined && name !== null && !entries.some(([own]) => own === name)) {
    throw new FormatError(`${file}: default_prompt_name ${JSON.stringify(name)} is none of the prompts ${entries.map(([own]) => own).join(', ')}`);
  }
  return { byName: Object.fromEntries(entries) as Record<string, string>, defaultName: typeof name === 'string' ? name : null };
}
