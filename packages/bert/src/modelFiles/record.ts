import { ArgumentError } from '@strided/tensor/errors';
import type { ModelFiles } from './modelFiles.ts';

/** A model's files by their names within its folder, as a file picker, a bundler or another download gives them. */
export type FileRecord = Readonly<Record<string, Blob | Uint8Array | ArrayBuffer>>;

export function recordFiles(record: FileRecord): ModelFiles {
  const files = new Map(Object.entries(record));
  for (const [file, content] of files) {
    if (!(content instanceof Blob || content instanceof Uint8Array || content instanceof ArrayBuffer)) {
      throw new ArgumentError(`openModelFiles: ${file} must be a Blob, a Uint8Array or an ArrayBuffer; encode text with new TextEncoder().encode(text)`);
    }
  }
  return {
    name: 'the files given',
    open: async (file) => {
      const content = files.get(file);
      return content === undefined ? null : content instanceof ArrayBuffer ? new Uint8Array(content) : content;
    },
  };
}
