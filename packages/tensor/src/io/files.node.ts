import { closeSync, constants, fsyncSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FormatError, StridedError } from '../errors.ts';
import type { ByteSource } from './source.ts';
import { checkRange } from './range.ts';

/*
 * The one module that touches the file system; files.browser.ts stands for it elsewhere (package import `#files`).
 */

/** Reads of more than 2 GiB are refused by the operating system. */
const LARGEST_READ = 1 << 30;

/** Whether this host reads files into shared memory: Node does, in the others' `fs` nobody promises it. */
const readsShared = !('Deno' in globalThis) && !('Bun' in globalThis);

/**
 * Opens a file for reading by position; nothing is read yet. The caller closes it.
 *
 * @example
 * const source = await openFile('model.safetensors');
 * const first = await source.read(0, 8);
 * await source.close?.();
 */
export async function openFile(path: string | URL): Promise<ByteSource> {
  const name = pathOf(path);
  let handle: FileHandle;
  try {
    // Non-blocking, or the opening of a named pipe would wait for a writer.
    handle = await open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw fileError(name, 'read', error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new StridedError(`${name}: is ${stat.isDirectory() ? 'a folder' : 'not a regular file'}; give the path of a file`);
    }
    return new FileSource(name, stat.size, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(name: string, size: number, handle: FileHandle) {
    this.name = name;
    this.size = size;
    this.#handle = handle;
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    checkRange(this.name, this.size, start, end);
    const bytes = new Uint8Array(end - start);
    await this.#fill(bytes, start);
    return bytes;
  }

  async readInto(target: Uint8Array, start: number): Promise<void> {
    checkRange(this.name, this.size, start, start + target.length);
    if (target.buffer instanceof ArrayBuffer || readsShared) await this.#fill(target, start);
    else target.set(await this.read(start, start + target.length));
  }

  async #fill(bytes: Uint8Array, start: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await this.#read(bytes, done, start + done);
      if (bytesRead === 0) {
        throw new FormatError(`${this.name}: ended at byte ${start + done} of ${this.size}; it was cut while being read: read it again`);
      }
      done += bytesRead;
    }
  }

  async #read(bytes: Uint8Array, at: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.#handle.read(bytes, at, Math.min(bytes.length - at, LARGEST_READ), position);
    } catch (error) {
      throw fileError(this.name, 'read', error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * Writes a file so that at every moment, through a crash or a full disk, `path` is either what it was or complete:
 * the chunks go to a temporary name in the same folder, are forced to the disk, and take the name in one step.
 */
export async function writeFileAtomic(path: string | URL, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const named = pathOf(path);
  // Through a symbolic link, or the rename would replace the link itself.
  const target = await realpath(named).catch(() => named);
  const temporary = temporaryName(target);
  try {
    const handle = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) {
        for (let done = 0; done < chunk.length;) {
          done += (await handle.write(chunk, done, Math.min(chunk.length - done, LARGEST_READ))).bytesWritten;
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(named, 'write', error);
  }
  await syncFolder(dirname(target));
}

/** As `writeFileAtomic`, without yielding: for the exit of a process or a signal's handler. */
export function writeFileAtomicSync(path: string | URL, chunks: Iterable<Uint8Array>): void {
  const named = pathOf(path);
  const target = realpathOrItself(named);
  const temporary = temporaryName(target);
  try {
    const file = openSync(temporary, 'wx');
    try {
      for (const chunk of chunks) {
        for (let done = 0; done < chunk.length;) {
          done += writeSync(file, chunk, done, Math.min(chunk.length - done, LARGEST_READ));
        }
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileError(named, 'write', error);
  }
  syncFolderSync(dirname(target));
}

/** The path of the file `name` beside `path`. */
export function siblingPath(path: string | URL, name: string): string {
  return join(dirname(pathOf(path)), name);
}

/** The path of the file `name` in `folder`. */
export function pathInFolder(folder: string | URL, name: string): string {
  return join(pathOf(folder), name);
}

/** Makes `folder` and those above it, where they are missing. */
export async function makeFolder(folder: string | URL): Promise<void> {
  try {
    await mkdir(pathOf(folder), { recursive: true });
  } catch (error) {
    throw fileError(pathOf(folder), 'write', error);
  }
}

/** The names in `folder`. */
export async function listFolder(folder: string | URL): Promise<string[]> {
  try {
    return await readdir(pathOf(folder));
  } catch (error) {
    throw fileError(pathOf(folder), 'read', error);
  }
}

/** Removes a file; one that is not there is no error. */
export async function removeFile(path: string | URL): Promise<void> {
  try {
    await rm(pathOf(path), { force: true });
  } catch (error) {
    throw fileError(pathOf(path), 'write', error);
  }
}

function pathOf(path: string | URL): string {
  if (typeof path === 'string') return path;
  if (path.protocol !== 'file:') {
    throw new StridedError(`${path.href}: only file: URLs are paths; fetch it and pass the bytes: await (await fetch(url)).arrayBuffer()`);
  }
  return fileURLToPath(path);
}

function temporaryName(target: string): string {
  // The global, as importing node:crypto takes 3 ms.
  return join(dirname(target), `.${basename(target).slice(0, 100)}.${process.pid}.${crypto.randomUUID().replaceAll('-', '')}.tmp`);
}

function realpathOrItself(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The rename itself must reach the disk. Windows cannot open a folder, some file systems cannot force one out: the rename is all one can do. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!cannotSync(error)) throw fileError(folder, 'write', error);
  }
}

function syncFolderSync(folder: string): void {
  try {
    const file = openSync(folder, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!cannotSync(error)) throw fileError(folder, 'write', error);
  }
}

function cannotSync(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP'].includes(String(error.code));
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder; check the path',
  ENOTDIR: 'a part of the path is a file, not a folder; check the path',
  EISDIR: 'it is a folder; give the path of a file',
  EACCES: 'permission denied; check who may use it',
  EPERM: 'not permitted; check who may use it',
  EROFS: 'the file system is read-only; choose another folder',
  ENOSPC: 'the disk is full; free some space (nothing was changed)',
  EMFILE: 'too many files are open; close some first',
};

/** An error of the operating system as one line that says the file and the remedy; other errors stay what they are. */
function fileError(name: string, verb: 'read' | 'write', error: unknown): unknown {
  if (error instanceof StridedError || !(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  const cause = causes[String(error.code)] ?? error.message;
  return new StridedError(`${name}: cannot ${verb} it: ${cause}`, { cause: error });
}
