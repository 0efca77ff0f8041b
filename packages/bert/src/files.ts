import { openFile, writeFileAtomic } from '@strided/tensor/files';

/** A whole text file. */
export async function readText(path: string): Promise<string> {
  const file = await openFile(path);
  try {
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close?.();
  }
}

/** Writes a text file, whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, [new TextEncoder().encode(text)]);
}
