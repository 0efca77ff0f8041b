import { CheckpointError, openSafetensors, readTensor, type GeneratorState, type saveSafetensors, type Tensor, type TensorReader } from '@strided/tensor';
import type { StateDict } from '../module.ts';
import type { OptimizerState } from '../optim/optimizer.ts';
import { curveFromTensors, curveTensors, type Curve } from './curve.ts';
import { plainJson } from './json.ts';

/** Everything that training needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Steps made. */
  readonly step: number;
  /** Seconds of training. */
  readonly elapsed: number;
  /** The share of the plan that was done, which schedules follow. */
  readonly share: number;
  /** Of the default generator. */
  readonly generator: GeneratorState;
  /** What the data source said of its place; plain JSON. */
  readonly data: unknown;
  readonly model: StateDict;
  readonly optimizer: OptimizerState;
  /** The names of the optimiser's parameters in its order, by whose numbers its tensors are named. */
  readonly parameters: readonly string[];
  readonly curve: Curve;
  /** Batches taken from the data. */
  readonly batches: number;
  /** Steps that were skipped because a number was not finite. */
  readonly skipped: number;
  /** The averaged weights, null when none are kept. */
  readonly average: { readonly tensors: StateDict; readonly updates: number } | null;
}

/** The version of the layout below; a reader refuses those it does not know. */
const FORMAT = '1';

/** A file of a later version: whole, so nothing older may take its place unasked. */
export class LaterFormatError extends CheckpointError {}

/**
 * Writes a checkpoint as one safetensors file: tensors `model.*`, `optimizer.*`, `curve.*` and `average.*`; the rest is JSON in the
 * metadata `state`. The metadata `checksum` is the SHA-256 of all of it, by content: see `checksum`.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint, save: typeof saveSafetensors): Promise<void> {
  const { step, elapsed, share, generator, data, optimizer, parameters, batches, skipped, average } = checkpoint;
  const tensors = new Map<string, Tensor>([
    ...prefixed('model.', checkpoint.model), ...prefixed('optimizer.', optimizer.tensors), ...prefixed('curve.', curveTensors(checkpoint.curve)),
    ...prefixed('average.', average?.tensors ?? new Map()),
  ]);
  const state = plainJson({ step, elapsed, share, generator, parameters, optimizerStep: optimizer.step, averageUpdates: average?.updates ?? null, batches, skipped, data }, 'Trainer: the checkpoint\'s state');
  await save(path, tensors, { metadata: { checkpoint: FORMAT, state, checksum: await checksum(FORMAT, state, tensors) } });
}

/**
 * Reads a training checkpoint, every bit of which is checked.
 *
 * @throws FormatError or CheckpointError, which name the file, when it is cut off, damaged or no training checkpoint.
 * @example
 * const { step, model } = await readCheckpoint('run/step-00001000.safetensors');
 * network.loadStateDict(model);
 */
export async function readCheckpoint(path: string | URL): Promise<Checkpoint> {
  const file = await openSafetensors(path);
  try {
    return await readOpen(file);
  } finally {
    await file.close();
  }
}

async function readOpen(file: TensorReader): Promise<Checkpoint> {
  const [version, state, sum] = ['checkpoint', 'state', 'checksum'].map((key) => file.metadata.get(key));
  if (version === undefined || state === undefined || sum === undefined) {
    throw new CheckpointError(`${file.name}: is not a checkpoint of a Trainer (its metadata lack checkpoint, state or checksum); to read its tensors use loadSafetensors`);
  }
  const tensors = new Map<string, Tensor>();
  for (const name of file.names) tensors.set(name, await readTensor(file, name));
  if ((await checksum(version, state, tensors)) !== sum) {
    throw new CheckpointError(`${file.name}: is damaged (its content does not match its checksum); use another checkpoint`);
  }
  if (version !== FORMAT) {
    throw new LaterFormatError(`${file.name}: has version ${version} of the format, and this version of Strided reads ${FORMAT}; read it with the version that wrote it`);
  }
  const { optimizerStep, averageUpdates, ...rest } = JSON.parse(state) as Written;
  return {
    ...rest,
    model: unprefixed('model.', tensors),
    optimizer: { step: optimizerStep, tensors: unprefixed('optimizer.', tensors) },
    curve: curveFromTensors(unprefixed('curve.', tensors)),
    average: averageUpdates === null ? null : { tensors: unprefixed('average.', tensors), updates: averageUpdates },
  };
}

/** What stands in the file's JSON. */
type Written = Omit<Checkpoint, 'model' | 'optimizer' | 'curve' | 'average'> & { readonly optimizerStep: number; readonly averageUpdates: number | null };

function prefixed(prefix: string, tensors: ReadonlyMap<string, Tensor>): [string, Tensor][] {
  return Array.from(tensors, ([name, tensor]) => [prefix + name, tensor]);
}

function unprefixed(prefix: string, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map([...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/**
 * SHA-256 (in hex) of the version, the state and each tensor's name, dtype, shape and values, whatever their order.
 * Of the content, not of the file, because the sum stands in the file, before the tensors.
 */
async function checksum(version: string, state: string, tensors: ReadonlyMap<string, Tensor>): Promise<string> {
  const lines: string[] = [];
  for (const [name, tensor] of tensors) {
    const { buffer, byteOffset, byteLength } = tensor.toTypedArray();
    lines.push(JSON.stringify([name, tensor.dtype, tensor.shape, await sha256(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))]));
  }
  return sha256(new TextEncoder().encode(JSON.stringify([version, state, lines.sort()])));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
