import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError, StridedError } from '../errors.ts';
import * as browser from './files.browser.ts';
import * as node from './files.node.ts';
import { SafetensorsFile } from './safetensors/reader.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strided-files-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('openFile', () => {
  it('reads any range of a file, by path or by URL, into memory of the caller\'s own', async () => {
    const path = join(folder, 'name with %20 and ü');
    await writeFile(path, Uint8Array.of(0, 1, 2, 3, 4, 5));
    for (const given of [path, pathToFileURL(path)]) {
      const source = await node.openFile(given);
      expect(source.name).toBe(path);
      expect(source.size).toBe(6);
      const [all, middle, none] = await Promise.all([source.read(0, 6), source.read(2, 4), source.read(3, 3)]);
      expect([...all]).toEqual([0, 1, 2, 3, 4, 5]);
      expect([...middle]).toEqual([2, 3]);
      expect(none.length).toBe(0);
      expect(middle.buffer.byteLength).toBe(2);
      await expect(source.read(0, 7)).rejects.toThrow('cannot read bytes 0 to 7 of 6');
      await source.close?.();
    }
  });

  it('says what is wrong with a path, in one line that names it', async () => {
    const missing = join(folder, 'missing.safetensors');
    await expect(node.openFile(missing)).rejects.toThrow(StridedError);
    await expect(node.openFile(missing)).rejects.toThrow(`${missing}: cannot read it: there is no such file or folder; check the path`);
    await expect(node.openFile(folder)).rejects.toThrow(`${folder}: is a folder; give the path of a file`);
    await expect(node.openFile('/dev/null')).rejects.toThrow('/dev/null: is not a regular file');
  });

  it('says so when the file is cut while it is open', async () => {
    const path = join(folder, 'cut');
    await writeFile(path, new Uint8Array(100));
    const source = await node.openFile(path);
    await truncate(path, 50);
    await expect(source.read(0, 100)).rejects.toThrow(FormatError);
    await expect(source.read(0, 100)).rejects.toThrow('ended at byte 50 of 100');
    await source.close?.();
  });

  it('opens a safetensors file of 1 GB by its header and reads one tensor by its bytes', async () => {
    const path = join(folder, 'large.safetensors');
    const gigabyte = 2 ** 30;
    const header = `{"big":{"dtype":"U8","shape":[${gigabyte}],"data_offsets":[0,${gigabyte}]},"x":{"dtype":"U8","shape":[3],"data_offsets":[${gigabyte},${gigabyte + 3}]}}`;
    const start = Buffer.alloc(8 + header.length);
    start.writeBigUInt64LE(BigInt(header.length));
    start.write(header, 8);
    // Sparse: a gigabyte in size, a few kilobytes on the disk.
    const handle = await open(path, 'w');
    await handle.write(start, 0);
    await handle.write(Uint8Array.of(7, 8, 9), 0, 3, start.length + gigabyte);
    await handle.close();

    const before = process.memoryUsage().arrayBuffers;
    const file = await SafetensorsFile.open(path);
    expect([...(await file.read('x')).bytes]).toEqual([7, 8, 9]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    await file.close();
  });

  it('closes what it refuses: a folder, a file with a wrong header', async () => {
    const path = join(folder, 'wrong.safetensors');
    await writeFile(path, 'this is text, not tensors');
    const openFiles = async (): Promise<number> => (existsSync('/proc/self/fd') ? (await readdir('/proc/self/fd')).length : 0);
    await expect(SafetensorsFile.open(path)).rejects.toThrow(FormatError);
    const before = await openFiles();
    for (let i = 0; i < 20; i++) await expect(SafetensorsFile.open(path)).rejects.toThrow(`${path}: the header claims`);
    for (let i = 0; i < 20; i++) await expect(node.openFile(folder)).rejects.toThrow('is a folder');
    expect(await openFiles()).toBeLessThan(before + 10);
  });
});

async function* later(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

const writers = [
  ['writeFileAtomic', node.writeFileAtomic],
  ['writeFileAtomic from an async iterable', (path: string | URL, chunks: Iterable<Uint8Array>) => node.writeFileAtomic(path, later(chunks))],
  ['writeFileAtomicSync', async (path: string | URL, chunks: Iterable<Uint8Array>) => node.writeFileAtomicSync(path, chunks)],
] as const;

describe.each(writers)('%s', (_, write) => {
  const chunks = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)];

  it('writes a file, replaces a file, and leaves nothing else behind', async () => {
    const path = join(folder, 'file');
    await write(path, chunks);
    expect([...await readFile(path)]).toEqual([1, 2, 3]);
    await write(pathToFileURL(path), [Uint8Array.of(9)]);
    expect([...await readFile(path)]).toEqual([9]);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('leaves the old file alone, and no temporary one, when the chunks fail halfway', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    function* failing(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('no more');
    }
    await expect(write(path, failing())).rejects.toThrow('no more');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('keeps the old file whole until the new one is complete', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    const seen: string[] = [];
    const { readFileSync } = await import('node:fs');
    function* watching(): Generator<Uint8Array> {
      for (const chunk of chunks) {
        seen.push(readFileSync(path, 'utf8'));
        yield chunk;
      }
      seen.push(readFileSync(path, 'utf8'));
    }
    await write(path, watching());
    expect(seen).toEqual(['old', 'old', 'old', 'old']);
  });

  it('writes through a symbolic link and leaves the link', async () => {
    await mkdir(join(folder, 'store'));
    await writeFile(join(folder, 'store', 'real'), 'old');
    await symlink(join('store', 'real'), join(folder, 'link'));
    await write(join(folder, 'link'), chunks);
    expect([...await readFile(join(folder, 'store', 'real'))]).toEqual([1, 2, 3]);
    expect(await readdir(join(folder, 'store'))).toEqual(['real']);
  });

  it('says the file and the cause in one line', async () => {
    const path = join(folder, 'no', 'such', 'file');
    await expect(write(path, chunks)).rejects.toThrow(StridedError);
    await expect(write(path, chunks)).rejects.toThrow(`${path}: cannot write it: there is no such file or folder; check the path`);
    await mkdir(join(folder, 'taken'));
    await expect(write(join(folder, 'taken'), chunks)).rejects.toThrow('cannot write it');
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('gives a file of a very long name', async () => {
    const path = join(folder, 'n'.repeat(255));
    await write(path, chunks);
    expect((await stat(path)).size).toBe(3);
  });

  it.skipIf(process.getuid?.() === 0)('says so when the folder is not writable', async () => {
    await chmod(folder, 0o500);
    await expect(write(join(folder, 'file'), chunks)).rejects.toThrow('permission denied');
    await chmod(folder, 0o700);
  });
});

describe('files.browser', () => {
  it('has the same names and types, and each says what to do instead', async () => {
    const same: typeof node = browser;
    expect(Object.keys(same).sort()).toEqual(Object.keys(node).sort());
    for (const [name, call] of Object.entries(browser)) {
      await expect((async () => call('model.safetensors', [] as unknown as string & []))(), name).rejects.toThrow(StridedError);
      await expect((async () => call('model.safetensors', [] as unknown as string & []))(), name)
        .rejects.toThrow(/^model\.safetensors: paths need Node, Deno or Bun; here (?:pass|take) /);
    }
  });
});
