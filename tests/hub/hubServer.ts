import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A file of the fake hub; what is large has a SHA-256 for an ETag and comes from another address, as at the hub. */
export interface HubFile {
  readonly bytes: Uint8Array;
  readonly large?: boolean;
}

/**
 * A server that answers as the Hugging Face hub does: a commit in every header, EntryNotFound, redirects of large
 * files to another origin without those headers, ranges. Tests change its fields to make it misbehave.
 */
export class HubServer {
  commit = 'a'.repeat(40);
  readonly files = new Map<string, HubFile>();
  /** Requests so far, as `METHOD path [range]`. */
  readonly log: string[] = [];
  /** A token that every request to the hub must carry. */
  token: string | null = null;
  /** Cut the connection after so many bytes of a body, so many times. */
  cut = { after: 0, times: 0 };
  /** Answer ranges with the whole file. */
  ignoreRanges = false;
  /** A mirror that sends none of the hub's own headers. */
  plain = false;
  /** Send other bytes than announced. */
  corrupt = false;
  readonly #servers: ReturnType<typeof createServer>[] = [];
  url = '';
  #cdn = '';

  async start(): Promise<this> {
    this.url = await this.#listen((request, response) => this.#hub(request, response));
    this.#cdn = await this.#listen((request, response) => this.#store(request, response));
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    })));
  }

  async #listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer(answer);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #hub(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request);
    const own = (headers: Record<string, string>): Record<string, string> => (this.plain ? {} : headers);
    if (this.token !== null && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, own({ 'x-error-code': 'RepoNotFound' })).end();
      return;
    }
    const url = new URL(request.url ?? '', this.url);
    const api = /^\/api\/models\/org\/name\/revision\/([^/]+)$/.exec(url.pathname);
    if (api !== null) {
      const siblings = [...this.files].map(([rfilename, { bytes, large }]) => ({ rfilename, size: bytes.length, ...(large ? { lfs: { sha256: sha256(bytes) } } : {}) }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 'org/name', sha: this.commit, siblings }));
      return;
    }
    const [, id, revision, path] = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    if (id !== 'org/name') {
      response.writeHead(404, own({ 'x-error-code': 'RepoNotFound' })).end();
    } else if (revision !== 'main' && decodeURIComponent(revision) !== 'refs/pr/1' && !/^[0-9a-f]{40}$/.test(revision)) {
      response.writeHead(404, own({ 'x-error-code': 'RevisionNotFound' })).end();
    } else {
      const headers = own({ 'x-repo-commit': this.commit });
      const file = this.files.get(path);
      if (file === undefined) {
        response.writeHead(404, { ...headers, ...own({ 'x-error-code': 'EntryNotFound' }) }).end();
      } else if (file.large === true && !this.plain) {
        const linked = { 'x-linked-etag': `"${sha256(file.bytes)}"`, 'x-linked-size': String(file.bytes.length) };
        response.writeHead(302, { ...headers, ...linked, location: `${this.#cdn}/${path}` }).end();
      } else {
        this.#send(file, request, response, headers);
      }
    }
  }

  #store(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request);
    // As S3 does: a signed address and a token together are refused.
    if (request.headers.authorization !== undefined) response.writeHead(400).end();
    else this.#send(this.files.get((request.url ?? '').slice(1)) as HubFile, request, response, {});
  }

  #note({ method, url, headers }: IncomingMessage): void {
    this.log.push([method, url, headers.range].filter((part) => part !== undefined).join(' '));
  }

  #send({ bytes, large }: HubFile, request: IncomingMessage, response: ServerResponse, headers: Record<string, string>): void {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(this.ignoreRanges ? '' : (request.headers.range ?? '')) ?? [];
    const start = Number(from ?? 0);
    const end = to === undefined || to === '' ? bytes.length : Number(to) + 1;
    const part = bytes.slice(start, end);
    if (this.corrupt) part[0] ^= 1;
    const etag = large === true && !this.plain ? '"md5-of-the-store"' : `"${gitHash(bytes)}"`;
    const range = from === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` };
    response.writeHead(from === undefined ? 200 : 206, { ...headers, ...range, etag, 'content-length': String(part.length) });
    if (this.cut.times > 0 && part.length > 1) {
      this.cut.times--;
      response.write(part.subarray(0, this.cut.after), () => setTimeout(() => response.destroy(), 20));
    } else {
      response.end(part);
    }
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
