import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hubFiles } from '../../packages/bert/src/modelFiles/hub.browser.ts';
import { openModelFiles, type ModelFiles } from '../../packages/bert/src/modelFiles/modelFiles.ts';
import { HubServer } from './hubServer.ts';

const config = new TextEncoder().encode('{"model_type":"bert"}');
const weights = Uint8Array.from({ length: 50_000 }, (_, i) => i % 251);

/** Cache Storage as far as it is used. */
class Caches {
  readonly kept = new Map<string, Blob>();

  async open() {
    return {
      match: async (url: string) => (this.kept.has(url) ? new Response(this.kept.get(url)) : undefined),
      put: async (url: string, response: Response) => void this.kept.set(url, await response.blob()),
    };
  }
}

let server: HubServer;
const bytesOf = async (files: ModelFiles, file: string): Promise<Uint8Array> => new Uint8Array(await ((await files.open(file)) as Blob).arrayBuffer());

beforeEach(async () => {
  server = await new HubServer().start();
  server.files.set('config.json', { bytes: config });
  server.files.set('model.safetensors', { bytes: weights, large: true });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await server.stop();
});

describe('a hub id in a browser', () => {
  it('is fetched once and kept in Cache Storage', async () => {
    vi.stubGlobal('caches', new Caches());
    expect(await bytesOf(hubFiles('org/name', { endpoint: server.url }), 'model.safetensors')).toEqual(weights);
    expect(await hubFiles('org/name', { endpoint: server.url }).open('vocab.txt')).toBeNull();
    server.log.length = 0;
    expect(await bytesOf(hubFiles('org/name', { endpoint: server.url, offline: true }), 'model.safetensors')).toEqual(weights);
    expect(server.log).toEqual([]);
    server.commit = 'b'.repeat(40);
    await hubFiles('org/name', { endpoint: server.url }).open('config.json');
    expect(server.log.some((line) => line.includes('a'.repeat(40)))).toBe(true);
    await hubFiles('org/name', { endpoint: server.url, refresh: true }).open('config.json');
    expect(server.log.some((line) => line.includes(server.commit))).toBe(true);
  });

  it('works without Cache Storage, and with one that refuses', async () => {
    expect(await bytesOf(hubFiles('org/name', { endpoint: server.url }), 'config.json')).toEqual(config);
    vi.stubGlobal('caches', { open: () => Promise.reject(new Error('SecurityError')) });
    expect(await bytesOf(hubFiles('org/name', { endpoint: server.url }), 'config.json')).toEqual(config);
  });

  it('keeps nothing that is cut or other than announced', async () => {
    const caches = new Caches();
    vi.stubGlobal('caches', caches);
    const files = hubFiles('org/name', { endpoint: server.url });
    await files.open('config.json');
    server.corrupt = true;
    await expect(files.open('model.safetensors')).rejects.toThrow(/SHA-256/);
    server.corrupt = false;
    server.cut = { after: 10_000, times: 1 };
    await expect(files.open('model.safetensors')).rejects.toThrow(/the download ended after 10000 of 50000 bytes and nothing of it was kept/);
    expect([...caches.kept.keys()].filter((url) => url.includes('model.safetensors'))).toEqual([]);
    expect(await bytesOf(files, 'model.safetensors')).toEqual(weights);
  });

  it('says what is wrong in one line', async () => {
    server.token = 'hf_secret';
    await expect(hubFiles('org/name', { endpoint: server.url }).open('config.json')).rejects.toThrow(/^org\/name: the hub at .* \(401 RepoNotFound\).*HF_TOKEN/);
    expect(await bytesOf(hubFiles('org/name', { endpoint: server.url, token: 'hf_secret' }), 'config.json')).toEqual(config);
    await expect(hubFiles('org/name', { endpoint: 'http://127.0.0.1:1' }).open('config.json')).rejects.toThrow(/cannot be reached/);
    await expect(hubFiles('org/name', { endpoint: server.url, offline: true }).open('config.json')).rejects.toThrow(/the network is switched off/);
  });
});

describe('a base URL', () => {
  it('gives files, null for what is not there, and errors in one line', async () => {
    const files = await openModelFiles(`${server.url}/org/name/resolve/main/?signature=1`);
    expect(await bytesOf(files, 'model.safetensors')).toEqual(weights);
    expect(server.log.some((line) => line.includes('config.json?signature=1'))).toBe(false);
    expect(await files.open('none.json')).toBeNull();
    expect(server.log.at(-1)).toBe('GET /org/name/resolve/main/none.json?signature=1');
    server.cut = { after: 7, times: 1 };
    await expect(files.open('config.json')).rejects.toThrow(/config\.json: the download ended after 7 of 21 bytes/);
    server.token = 'hf_secret';
    await expect(files.open('config.json')).rejects.toThrow(/the server answers 401; check/);
    await expect((await openModelFiles('http://127.0.0.1:1/')).open('config.json')).rejects.toThrow(/cannot be fetched/);
  });
});

describe('files by name', () => {
  it('are taken as Blob, Uint8Array and ArrayBuffer; nothing else is', async () => {
    const files = await openModelFiles({ 'a.json': new Blob([config]), 'b/c.json': config, 'd.json': config.slice().buffer });
    expect(await bytesOf(files, 'a.json')).toEqual(config);
    expect(await files.open('b/c.json')).toEqual(config);
    expect(await files.open('d.json')).toEqual(config);
    expect(await files.open('constructor')).toBeNull();
    await expect(openModelFiles({ 'a.json': 'text' as unknown as Blob })).rejects.toThrow(/a\.json must be a Blob/);
  });

  it.each(['../x', '/etc/passwd', 'a/../../x', 'a\\b', 'C:x', '', 'a//b', './a'])('%j is no file of a model', async (name) => {
    await expect((await openModelFiles({})).open(name)).rejects.toThrow(/not a file within the model's folder/);
  });
});
