import { linearWeights, type Module } from '@strided/nn';
import { CheckpointError, fillTensors, sameTensors, type Tensor, type TensorReader } from '@strided/tensor';
import { entriesOf, shapeOf, type Entry } from './entries.ts';
import type { KeyMap } from './keys.ts';

export interface LoadOptions {
  readonly keys: KeyMap;
  /** What names of the body may or may not begin with, for example `bert`. */
  readonly prefix: string | null;
  /** Names that are left out without a word though the model lacks them: other heads of the family, stray buffers. */
  readonly ignorable: (key: string) => boolean;
  /** Names that the file may lack when asked for: heads. They keep what they have. */
  readonly optional: (key: string) => boolean;
}

/** What a checkpoint and a model did not have in common. */
export interface LoadingReport {
  /** Names that the checkpoint lacks, which were drawn at random. */
  readonly initialized: readonly string[];
  /** Names of the checkpoint that this model has no use for: other heads. */
  readonly unused: readonly string[];
}

/** TensorFlow's names of a norm's weight and bias, which the first BERT files have. */
const modern = (key: string): string => key.replace(/(^|\.)gamma$/, '$1weight').replace(/(^|\.)beta$/, '$1bias');

/** The names under which a model could know a file's tensor. */
function candidates(key: string, prefix: string | null): string[] {
  const name = modern(key);
  if (prefix === null) return [name];
  return name.startsWith(`${prefix}.`) ? [name, name.slice(prefix.length + 1)] : [name, `${prefix}.${name}`];
}

interface Match {
  /** The file's names by the model's. */
  readonly found: Map<string, string>;
  readonly unused: string[];
  readonly problems: string[];
}

function match(entries: ReadonlyMap<string, Entry>, reader: TensorReader, { prefix, ignorable }: LoadOptions): Match {
  const result: Match = { found: new Map(), unused: [], problems: [] };
  const unexpected: string[] = [];
  for (const key of [...reader.names, ...reader.unknown.keys()]) {
    const names = candidates(key, prefix);
    const own = names.find((name) => entries.has(name));
    if (own === undefined) (names.some(ignorable) ? result.unused : unexpected).push(key);
    else if (result.found.has(own)) result.problems.push(`${key} and ${result.found.get(own) ?? ''} are the same tensor`);
    else result.found.set(own, key);
  }
  if (unexpected.length > 0) result.problems.push(`unexpected: ${unexpected.join(', ')}`);
  return result;
}

const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/**
 * Reads a checkpoint into a model. Nothing changes unless all names and shapes fit and everything could be read.
 * @throws CheckpointError naming the file and, by the checkpoint's own names, all that is missing, unexpected or mis-shaped.
 */
export async function loadCheckpoint(model: Module, reader: TensorReader, options: LoadOptions): Promise<LoadingReport> {
  const entries = entriesOf(model, options.keys);
  const { found, unused, problems } = match(entries, reader, options);
  const filled = new Set([...found.keys()].flatMap((name) => entries.get(name)?.tensors ?? []));
  const absent = [...entries.values()].filter(({ tensors }) => !tensors.every((tensor) => filled.has(tensor))).map(({ key }) => key);
  const missing = absent.filter((key) => !options.optional(key));
  if (missing.length > 0) problems.unshift(`missing: ${missing.join(', ')}`);
  const misshaped = [...found].flatMap(([name, key]) => {
    const wanted = shapeOf(entries.get(name) as Entry);
    if (reader.unknown.has(key)) return [`${key} has the dtype ${reader.unknown.get(key) ?? ''}, which is not supported`];
    const { shape } = reader.info(key);
    return show(shape) === show(wanted) ? [] : [`${key} is ${show(shape)} but must be ${show(wanted)}`];
  });
  if (misshaped.length > 0) problems.push(`mis-shaped: ${misshaped.join('; ')}`);
  if (problems.length > 0) throw new CheckpointError(`${reader.name}: the checkpoint does not fit its config.json: ${problems.join(' | ')}`);
  await readInto(model, entries, found, reader);
  return { initialized: absent, unused };
}

/** Reads into the model; a tensor under two names of the file (tied, but saved twice) must be the same in both. */
async function readInto(model: Module, entries: ReadonlyMap<string, Entry>, found: ReadonlyMap<string, string>, reader: TensorReader): Promise<void> {
  const targets = new Map<string, readonly Tensor[]>();
  const known = new Map<Tensor, string>();
  for (const [name, { tensors }] of entries) {
    const key = found.get(name);
    if (key === undefined) continue;
    const before = known.get(tensors[0]);
    if (before === undefined) {
      for (const tensor of tensors) known.set(tensor, key);
      targets.set(key, tensors);
    } else if (!(await sameTensors(reader, before, key))) {
      throw new CheckpointError(`${reader.name}: ${key} differs from ${before}, to which config.json ties it; set tie_word_embeddings to false`);
    }
  }
  await fillTensors(reader, targets, { packed: linearWeights(model) });
}
