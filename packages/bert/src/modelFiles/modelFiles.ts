import { ArgumentError, FormatError, StridedError } from '@strided/tensor/errors';
import { openFile } from '@strided/tensor/files';
import { folderFiles, hubFiles } from '#modelFiles';
import { isHubId, type HubOptions } from './hub.ts';
import { checkFileName } from './names.ts';
import { recordFiles, type FileRecord } from './record.ts';
import { urlFiles } from './url.ts';

export type { FileRecord };

/** The content of one file: its path, or its bytes. */
export type FileContent = string | Blob | Uint8Array;

/** Where a model's files come from: a folder, the Hugging Face hub, a web server or memory. */
export interface ModelFiles {
  /** What error messages call it: the folder, `org/name@revision`, the URL. */
  readonly name: string;
  /** A file by its path inside the model's folder, with `/` between parts; null where there is none. */
  open(file: string): Promise<FileContent | null>;
}

/**
 * A folder's path (or `file:` URL), a hub id such as `org/name`, a base URL (`http:` or `https:`), or the files
 * themselves: `{ 'config.json': blob, '1_Pooling/config.json': bytes }`.
 */
export type ModelSource = string | URL | FileRecord | ModelFiles;

/** How a model's files are fetched where they are not at hand; nothing here concerns a folder. */
export type FilesOptions = HubOptions;

/**
 * Opens whatever kind of source it is given. A string that names an existing folder is that folder, before it is a hub id.
 *
 * @throws ArgumentError or StridedError where there is no such folder and the string cannot be a hub id or a URL
 * @example
 * const files = await openModelFiles('sentence-transformers/all-MiniLM-L6-v2', { revision: 'main' });
 * const config = await readJson(files, 'config.json');
 */
export async function openModelFiles(source: ModelSource, options: FilesOptions = {}): Promise<ModelFiles> {
  if (typeof source === 'string' || source instanceof URL) {
    const url = String(source);
    if (/^https?:/i.test(url)) return checked(urlFiles(url, options));
    const folder = await folderFiles(source);
    if (folder !== null) return checked(folder);
    if (source instanceof URL || !isHubId(source)) {
      throw new StridedError(`${url}: there is no such folder, and it is not a hub id (org/name) or a URL; check the path`);
    }
    return checked(hubFiles(source, options));
  }
  if (isModelFiles(source)) return source;
  if (typeof source === 'object' && source !== null) return checked(recordFiles(source));
  throw new ArgumentError('openModelFiles: expected a folder, a hub id, a URL, or files by name such as { \'config.json\': blob }');
}

/** The files of one folder within a model's. */
export function filesWithin(files: ModelFiles, folder: string): ModelFiles {
  const prefix = folder === '' || folder === '.' ? '' : `${folder.replace(/\/+$/, '')}/`;
  return prefix === '' ? files : { name: `${files.name}/${prefix.slice(0, -1)}`, open: (file) => files.open(prefix + file) };
}

/** A file that must be there. */
export async function openRequired(files: ModelFiles, file: string): Promise<FileContent> {
  const content = await files.open(file);
  if (content === null) throw new FormatError(`${files.name}: has no file ${file}; check that it is the folder of such a model, and complete`);
  return content;
}

/** A text file, or null where there is none. */
export async function readTextIfAny(files: ModelFiles, file: string): Promise<string | null> {
  const content = await files.open(file);
  return content === null ? null : textOf(content);
}

/** A JSON file, or null where there is none; a FormatError that names it where it is no JSON. */
export async function readJsonIfAny(files: ModelFiles, file: string): Promise<unknown> {
  const text = await readTextIfAny(files, file);
  return text === null ? null : parseJson(text, `${files.name}/${file}`);
}

/** A JSON file that must be there. */
export async function readJson(files: ModelFiles, file: string): Promise<unknown> {
  return parseJson(await textOf(await openRequired(files, file)), `${files.name}/${file}`);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown;
  } catch (cause) {
    throw new FormatError(`${name}: not valid JSON (${(cause as Error).message.split('\n')[0]}); the file may be cut off, fetch it again`, { cause });
  }
}

async function textOf(content: FileContent): Promise<string> {
  if (content instanceof Blob) return content.text();
  if (typeof content !== 'string') return new TextDecoder().decode(content);
  const file = await openFile(content);
  try {
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close?.();
  }
}

/** Names within a model can come from its own files, which nobody has checked: none may lead out of its folder. */
function checked(files: ModelFiles): ModelFiles {
  return {
    name: files.name,
    open: async (file) => files.open(checkFileName(files.name, file)),
  };
}

function isModelFiles(source: FileRecord | ModelFiles): source is ModelFiles {
  return 'open' in source && typeof source.open === 'function';
}
