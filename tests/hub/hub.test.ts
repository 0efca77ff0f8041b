import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openModelFiles, openRequired, readJson, type FilesOptions } from '../../packages/bert/src/modelFiles/modelFiles.ts';
import { gitHash, HubServer, sha256 } from './hubServer.ts';
import type { DownloadProgress } from '../../packages/bert/src/modelFiles/hub.ts';

const config = new TextEncoder().encode('{"model_type":"bert"}');
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24);

let server: HubServer;
let cacheDir: string;
const repo = (): string => join(cacheDir, 'models--org--name');
const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
const open = async (file: string, options: FilesOptions = {}): Promise<string | null> => {
  const files = await openModelFiles('org/name', { endpoint: server.url, cacheDir, progress: false, ...options });
  return (await files.open(file)) as string | null;
};
const messageOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(() => null, (one: unknown) => one);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
};

beforeEach(async () => {
  vi.unstubAllEnvs();
  for (const name of ['HF_TOKEN', 'HF_ENDPOINT', 'HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME', 'HF_HUB_OFFLINE']) vi.stubEnv(name, undefined);
  server = await new HubServer().start();
  server.files.set('config.json', { bytes: config });
  server.files.set('model.safetensors', { bytes: weights, large: true });
  server.files.set('1_Pooling/config.json', { bytes: config });
  cacheDir = mkdtempSync(join(tmpdir(), 'strided-hub-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  rmSync(cacheDir, { recursive: true, force: true });
});

describe('a hub id', () => {
  it('is kept in the layout of the Hugging Face cache: blobs by ETag, a ref, links, what is missing', async () => {
    expect(readFileSync((await open('config.json')) as string)).toEqual(Buffer.from(config));
    expect(readFileSync((await open('model.safetensors')) as string).equals(weights)).toBe(true);
    expect(await open('1_Pooling/config.json')).toBe(join(repo(), 'snapshots', server.commit, '1_Pooling/config.json'));
    expect(await open('vocab.txt')).toBeNull();
    expect(filesIn(join(repo(), 'blobs'))).toEqual([gitHash(config), sha256(weights)].sort());
    expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(server.commit);
    expect(readlinkSync(join(repo(), 'snapshots', server.commit, '1_Pooling/config.json'))).toBe(`../../../blobs/${gitHash(config)}`);
    expect(filesIn(join(repo(), '.no_exist', server.commit))).toEqual(['vocab.txt']);
  });

  it('needs no network once it is cached, also for a branch', async () => {
    await open('config.json');
    await open('model.safetensors');
    await open('vocab.txt');
    server.log.length = 0;
    await open('config.json');
    await open('vocab.txt');
    expect(server.log).toEqual([]);
    await server.stop();
    const files = await openModelFiles('org/name', { endpoint: server.url, cacheDir });
    expect(await readJson(files, 'config.json')).toEqual({ model_type: 'bert' });
    expect(await messageOf(open('1_Pooling/config.json'))).toMatch(/org\/name: 1_Pooling\/config.json at revision main is not in the cache.*cannot be reached.*check the network/);
    server = await new HubServer().start();
  });

  it('stays at the commit that its branch was at, until it is refreshed; a branch may have slashes', async () => {
    const before = await open('config.json');
    const first = server.commit;
    server.commit = 'b'.repeat(40);
    expect(await open('config.json')).toBe(before);
    expect(await open('config.json', { refresh: true })).toContain(server.commit);
    expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(server.commit);
    expect(await open('config.json', { revision: first })).toBe(before);
    expect(await open('config.json', { revision: 'refs/pr/1' })).toContain(server.commit);
    expect(readFileSync(join(repo(), 'refs/refs/pr/1'), 'utf8')).toBe(server.commit);
    expect(await messageOf(open('config.json', { revision: 'no-such' }))).toMatch(/org\/name.*config\.json at revision no-such \(404 RevisionNotFound\).*check its branches/);
    expect(await messageOf(open('config.json', { revision: '../../x' }))).toMatch(/must be a branch, a tag or a commit/);
  });

  it('sends the token to the hub and to no other host', async () => {
    server.token = 'hf_secret';
    expect(await messageOf(open('config.json'))).toMatch(/^org\/name: the hub at .* does not give config\.json at revision main \(401 RepoNotFound\).*set HF_TOKEN/);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect(await open('model.safetensors')).not.toBeNull();
    vi.stubEnv('HF_TOKEN', 'hf_wrong');
    expect(await open('1_Pooling/config.json', { token: 'hf_secret' })).not.toBeNull();
    expect(await messageOf(open('other.json'))).toMatch(/401/);
    expect(await messageOf(open('other.json', { token: 'wrong' }))).toMatch(/must start with hf_/);
  });

  it('comes from HF_ENDPOINT and goes where HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME or XDG_CACHE_HOME say', async () => {
    vi.stubEnv('HF_ENDPOINT', `${server.url}/`);
    for (const [name, below] of [['XDG_CACHE_HOME', 'huggingface/hub'], ['HF_HOME', 'hub'], ['HUGGINGFACE_HUB_CACHE', ''], ['HF_HUB_CACHE', '']]) {
      vi.stubEnv(name, join(cacheDir, name));
      const files = await openModelFiles('org/name', { progress: false });
      expect(await files.open('config.json')).toBe(join(cacheDir, name, below, 'models--org--name/snapshots', server.commit, 'config.json'));
    }
  });

  it('takes nothing from the network with HF_HUB_OFFLINE', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await messageOf(open('config.json'))).toMatch(/org\/name: config.json at revision main is not in the cache, and the network is switched off/);
    expect(server.log).toEqual([]);
    expect(await open('config.json', { offline: false })).not.toBeNull();
  });

  it('counts the bytes, in order and to the last', async () => {
    const seen: DownloadProgress[] = [];
    await open('model.safetensors', { progress: (one) => seen.push(one) });
    expect(seen[0]).toEqual({ repo: 'org/name', file: 'model.safetensors', received: 0, total: weights.length });
    expect(seen.at(-1)?.received).toBe(weights.length);
    expect(seen.map(({ received }) => received)).toEqual(seen.map(({ received }) => received).sort((a, b) => a - b));
  });

  it('downloads a file once for two readers', async () => {
    const files = await openModelFiles('org/name', { endpoint: server.url, cacheDir, progress: false });
    const paths = await Promise.all([files.open('model.safetensors'), files.open('model.safetensors'), files.open('config.json')]);
    expect(paths[0]).toBe(paths[1]);
    expect(server.log.filter((line) => line === 'GET /model.safetensors')).toHaveLength(1);
  });

  it('names repository, file, revision and remedy where there is nothing', async () => {
    const files = await openModelFiles('org/name', { endpoint: server.url, cacheDir });
    expect(await messageOf(openRequired(files, 'missing.json'))).toMatch(/^org\/name@main: has no file missing\.json; check/);
    const other = await openModelFiles('org/unknown', { endpoint: server.url, cacheDir });
    expect(await messageOf(other.open('config.json'))).toMatch(/^org\/unknown: the hub at .* does not give config\.json at revision main \(404 RepoNotFound\): check the id/);
    expect(await messageOf(openModelFiles('./no/such'))).toMatch(/^\.\/no\/such: there is no such folder/);
    expect(await messageOf(files.open('../../etc/passwd'))).toMatch(/not a file within/);
  });
});

describe('a connection that is cut', () => {
  it('goes on where it was', async () => {
    server.cut = { after: 100_000, times: 2 };
    expect(readFileSync((await open('model.safetensors')) as string).equals(weights)).toBe(true);
    const ranges = server.log.filter((line) => line.startsWith('GET /model.safetensors'));
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toMatch(/bytes=[1-9]\d*-299999$/);
  });

  it('fails cleanly where it stays cut, and leaves nothing half-written', async () => {
    server.cut = { after: 0, times: 100 };
    expect(await messageOf(open('model.safetensors'))).toMatch(/^org\/name: model\.safetensors at revision main: the download ended after 0 of 300000 bytes and nothing of it was kept/);
    expect(filesIn(join(repo(), 'blobs'))).toEqual([]);
    server.cut.times = 0;
    expect(await open('model.safetensors')).not.toBeNull();
  });

  it('is no reason to take a whole file for its end', async () => {
    server.plain = true;
    server.ignoreRanges = true;
    // The two requests that ask for the commit and the size get whole files too.
    server.cut = { after: 100_000, times: 3 };
    expect(await messageOf(open('model.safetensors'))).toMatch(/the download ended after [1-9]\d* of 300000 bytes/);
    expect(filesIn(join(repo(), 'blobs'))).toEqual([]);
  });
});

it('bytes that are not those announced are refused', async () => {
  server.corrupt = true;
  expect(await messageOf(open('model.safetensors'))).toMatch(/SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}, and was not kept/);
  expect(filesIn(join(repo(), 'blobs'))).toEqual([]);
});

it('a mirror without the hub\'s headers and without ranges will do', async () => {
  server.plain = true;
  server.ignoreRanges = true;
  expect(readFileSync((await open('model.safetensors')) as string).equals(weights)).toBe(true);
  expect(await open('vocab.txt')).toBeNull();
  expect(readFileSync(join(repo(), 'refs/main'), 'utf8')).toBe(server.commit);
  server.plain = false;
});
