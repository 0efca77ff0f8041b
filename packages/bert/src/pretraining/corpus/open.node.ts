import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FormatError } from '@strided/tensor/errors';
import type { TextFile } from './corpus.ts';

/** A {@link TextFile} of Node's file system. Close it when training is over. */
export interface NodeTextFile extends TextFile {
  close(): Promise<void>;
}

/**
 * Opens a file of a corpus.
 *
 * @throws FormatError in one line where there is no such file, it is a folder, or it may not be read
 */
export async function openTextFile(path: string): Promise<NodeTextFile> {
  const handle = await openHandle(path);
  return {
    name: path,
    chunks: () => createReadStream(path, { highWaterMark: 1 << 18 }),
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    close: () => handle.close(),
  };
}

async function openHandle(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw new FormatError(`${path}: ${reason(error)}`);
  }
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new FormatError(`${path}: this is a folder; name the text file in it`);
  }
  return handle;
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file; check the path';
  if (code === 'EISDIR') return 'this is a folder; name the text file in it';
  if (code === 'EACCES' || code === 'EPERM') return 'the file may not be read; check its permissions';
  return `the file cannot be opened (${code ?? String(error)})`;
}
