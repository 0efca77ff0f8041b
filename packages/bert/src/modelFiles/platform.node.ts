import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StridedError } from '@strided/tensor/errors';
import type { ModelFiles } from './modelFiles.ts';

export { hubFiles } from './hub.node.ts';

/** The files of a folder; null where there is no such folder. */
export async function folderFiles(path: string | URL): Promise<ModelFiles | null> {
  const folder = path instanceof URL ? fileURLToPath(path) : path;
  const found = await kindOf(folder);
  if (found === 'file') throw new StridedError(`${folder}: is a file; give the folder that it is in`);
  if (found === null) return null;
  return {
    name: folder,
    async open(file) {
      const full = join(folder, file);
      return (await kindOf(full)) === 'file' ? full : null;
    },
  };
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return null;
    throw new StridedError(`${path}: cannot be read (${message}); check who may use it`, { cause });
  }
}
