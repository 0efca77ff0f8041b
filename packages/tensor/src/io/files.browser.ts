import { StridedError } from '../errors.ts';
import type { ByteSource } from './source.ts';

/*
 * What stands for files.node.ts where there is no file system: the same names, each saying what to do instead.
 */

function noFiles(what: string, instead: string): StridedError {
  return new StridedError(`${what}: paths need Node, Deno or Bun; here ${instead}`);
}

const pass = 'pass a Blob, an ArrayBuffer or a ByteSource (for a URL: await (await fetch(url)).arrayBuffer())';
const take = 'take the bytes (encodeSafetensors) and offer them as a download or store them';

export async function openFile(path: string | URL): Promise<ByteSource> {
  throw noFiles(String(path), pass);
}

export async function writeFileAtomic(path: string | URL, _chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  throw noFiles(String(path), take);
}

export function writeFileAtomicSync(path: string | URL, _chunks: Iterable<Uint8Array>): void {
  throw noFiles(String(path), take);
}

export function siblingPath(path: string | URL, _name: string): string {
  throw noFiles(String(path), pass);
}

export function pathInFolder(folder: string | URL, _name: string): string {
  throw noFiles(String(folder), take);
}

export async function makeFolder(folder: string | URL): Promise<void> {
  throw noFiles(String(folder), take);
}

export async function listFolder(folder: string | URL): Promise<string[]> {
  throw noFiles(String(folder), pass);
}

export async function removeFile(path: string | URL): Promise<void> {
  throw noFiles(String(path), take);
}
