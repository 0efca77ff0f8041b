import { CheckpointError, saveSafetensors, type Tensor } from '@strided/tensor';
import { makeFolder, openFile, pathInFolder, writeFileAtomic } from '@strided/tensor/files';

/** What a saved model's folder holds. */
export interface ModelFolder {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** A whole text file. */
export async function readText(path: string): Promise<string> {
  const file = await openFile(path);
  try {
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close?.();
  }
}

/** A whole JSON file; a CheckpointError that names it where it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CheckpointError(`${path}: is not JSON (${cause instanceof Error ? cause.message : 'unreadable'})`, { cause });
  }
}

/** Writes a text file, whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, [new TextEncoder().encode(text)]);
}

/** Writes weights, then config.json, each whole or not at all. */
export async function saveFolder(folder: string, { config, tensors }: ModelFolder): Promise<void> {
  await makeFolder(folder);
  // transformers asks for the format's name in the metadata.
  await saveSafetensors(pathInFolder(folder, 'model.safetensors'), tensors, { metadata: { format: 'pt' } });
  await writeText(pathInFolder(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}
