import { openFile } from '#files';
import { ArgumentError } from '../errors.ts';
import { checkRange } from './range.ts';

/**
 * Bytes that are read by position, so that a reader takes what it needs and no more. Anything that can answer `read`
 * can be a source: a file, a Blob, memory, or ranges of a URL.
 */
export interface ByteSource {
  /** What error messages call it: the path, the file's name. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly the bytes from `start` up to `end`, in memory that belongs to the caller from then on. */
  read(start: number, end: number): Promise<Uint8Array>;
  /**
   * Fills `target`, which may lie in shared memory, with the bytes from `start` on. A source that can read to where the
   * bytes are wanted spares a copy of them; without it `read` is used.
   */
  readInto?(target: Uint8Array, start: number): Promise<void>;
  /** Gives back what the source holds open. */
  close?(): Promise<void>;
}

/** What can be opened as a source: a path or file URL (Node, Deno, Bun), a Blob or File, bytes in memory, or a source. */
export type ByteInput = string | URL | Blob | ArrayBuffer | Uint8Array | ByteSource;

/** Opens whatever kind of input it is given. */
export async function openSource(input: ByteInput): Promise<ByteSource> {
  if (typeof input === 'string' || input instanceof URL) return openFile(input);
  if (input instanceof Uint8Array || input instanceof ArrayBuffer) return memorySource(input);
  if (typeof Blob !== 'undefined' && input instanceof Blob) return blobSource(input);
  if (isSource(input)) return input;
  throw new ArgumentError(
    'openSource: expected a path, a file URL, a Blob, an ArrayBuffer, a Uint8Array or a ByteSource { name, size, read }',
  );
}

function isSource(input: unknown): input is ByteSource {
  return typeof input === 'object' && input !== null && 'read' in input && typeof input.read === 'function' &&
    'size' in input && typeof input.size === 'number';
}

/** A source over bytes in memory; every read is a copy. */
export function memorySource(data: ArrayBuffer | Uint8Array, name = 'bytes in memory'): ByteSource {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  return {
    name,
    size: bytes.length,
    readInto: async (target, start) => {
      checkRange(name, bytes.length, start, start + target.length);
      target.set(bytes.subarray(start, start + target.length));
    },
    read: async (start, end) => {
      checkRange(name, bytes.length, start, end);
      // Not slice(): a Node Buffer's shares memory.
      const copy = new Uint8Array(end - start);
      copy.set(bytes.subarray(start, end));
      return copy;
    },
  };
}

/** A source over a Blob or a File of a browser's file picker. */
export function blobSource(blob: Blob, name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'Blob'): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (start, end) => {
      checkRange(name, blob.size, start, end);
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    },
  };
}
