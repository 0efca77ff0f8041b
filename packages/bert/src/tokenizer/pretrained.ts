import { filesWithin, openModelFiles, readJsonIfAny, readTextIfAny, type FilesOptions, type ModelFiles, type ModelSource } from '../modelFiles/modelFiles.ts';
import type { TokenizerFiles } from './tokenizerFiles.ts';

/** Where in a repository or folder a tokenizer is, beside what fetching takes. */
export interface PretrainedTokenizerOptions extends FilesOptions {
  /** A folder within the model's. Default: the model's own. */
  readonly subfolder?: string;
}

/** A tokenizer's files, with the model's config.json, which can name its kind. */
export interface PretrainedTokenizerFiles extends TokenizerFiles {
  readonly 'config.json'?: unknown;
}

/** Reads what there is of a tokenizer's files; vocab.txt only where no tokenizer.json stands for it. */
export async function readPretrainedTokenizer(source: ModelSource, options: PretrainedTokenizerOptions = {}): Promise<PretrainedTokenizerFiles> {
  const files = filesWithin(await openModelFiles(source, options), options.subfolder ?? '');
  const json = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'config.json'] as const;
  const contents = await Promise.all(json.map((name) => readJsonIfAny(files, name)));
  const found = Object.fromEntries(json.map((name, i) => [name, contents[i]]).filter(([, content]) => content !== null));
  return { ...found, ...('tokenizer.json' in found ? {} : await vocabulary(files)) };
}

async function vocabulary(files: ModelFiles): Promise<TokenizerFiles> {
  const text = await readTextIfAny(files, 'vocab.txt');
  return text === null ? {} : { 'vocab.txt': text };
}
