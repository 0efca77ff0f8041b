import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { COMMIT } from './hub.ts';

/**
 * One repository in the hub's cache, laid out as Python's huggingface_hub has it, which shares it:
 *
 *   models--org--name/blobs/<etag>                     the bytes
 *                     refs/<branch>                    the commit that a branch was at
 *                     snapshots/<commit>/<file>        links to blobs
 *                     .no_exist/<commit>/<file>        known not to be there
 */
export class HubCache {
  readonly #root: string;

  constructor(cacheDir: string, repoFolder: string) {
    this.#root = join(cacheDir, repoFolder);
  }

  blob(etag: string): string {
    return join(this.#root, 'blobs', etag);
  }

  snapshot(commit: string, file: string): string {
    return join(this.#root, 'snapshots', commit, file);
  }

  /** The path of a file that is complete in the cache. */
  async find(commit: string, file: string): Promise<string | null> {
    const path = this.snapshot(commit, file);
    return (await isFile(path)) ? path : null;
  }

  /** The commit that a branch or tag was at when it was last asked for. */
  async readRef(revision: string): Promise<string | null> {
    const text = await readFile(this.#ref(revision), 'utf8').catch(() => '');
    return COMMIT.test(text.trim()) ? text.trim() : null;
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    await replace(this.#ref(revision), (temporary) => writeFile(temporary, commit));
  }

  isKnownMissing(commit: string, file: string): Promise<boolean> {
    return isFile(this.#missing(commit, file));
  }

  async rememberMissing(commit: string, file: string): Promise<void> {
    await mkdir(dirname(this.#missing(commit, file)), { recursive: true });
    await writeFile(this.#missing(commit, file), '');
  }

  /** Gives a complete blob its name in a snapshot, by a relative link; by a copy where links are not allowed. */
  async link(blob: string, commit: string, file: string): Promise<string> {
    const path = this.snapshot(commit, file);
    await replace(path, async (temporary) => {
      await symlink(relative(dirname(path), blob), temporary).catch(() => copyFile(blob, temporary));
    });
    return path;
  }

  #ref(revision: string): string {
    return join(this.#root, 'refs', revision);
  }

  #missing(commit: string, file: string): string {
    return join(this.#root, '.no_exist', commit, file);
  }
}

/** A name beside `path` that no other download has. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}.incomplete`;
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

/** Makes a file under another name, then moves it to `path` in one step. */
async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
