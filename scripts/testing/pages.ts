import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, relative } from 'node:path';
import { root } from './run.ts';

type Target = string | { readonly [condition: string]: Target };
interface Manifest {
  readonly publishConfig: { readonly exports: Record<string, Target>; readonly imports?: Record<string, Target> };
}

/** What stands for `default`: the conditions that a browser has. */
function forBrowser(target: Target): string | null {
  if (typeof target === 'string') return target;
  const fallback = target['default'];
  return fallback === undefined ? null : forBrowser(fallback);
}

/** How a page finds the built packages without a bundler: as their manifests say. */
async function importMap(names: readonly string[]): Promise<object> {
  const imports: Record<string, string> = {};
  const scopes: Record<string, Record<string, string>> = {};
  for (const name of names) {
    const folder = `/packages/${name}/`;
    const { publishConfig } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    const addressOf = (target: Target): string | null => forBrowser(target)?.replace('./', folder) ?? null;
    for (const [subpath, target] of Object.entries(publishConfig.exports)) {
      const address = addressOf(target);
      if (address !== null && !subpath.includes('*')) imports[`@strided/${name}${subpath.slice(1)}`] = address;
    }
    scopes[folder] = {};
    for (const [key, target] of Object.entries(publishConfig.imports ?? {})) scopes[folder][key] = addressOf(target) ?? '';
  }
  return { imports, scopes };
}

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const policy = (script: string, worker: string): Record<string, string> => ({
  'content-security-policy': `default-src 'none'; connect-src 'self'; img-src data:; script-src 'self' 'nonce-test' ${script}; worker-src ${worker}`,
});

/** The kinds of pages, by the headers with which all their files are sent. No policy allows workers or code made from text. */
export const pageHeaders = {
  isolated: { ...isolation, ...policy("'wasm-unsafe-eval'", "'self'") },
  workerless: { ...isolation, ...policy("'wasm-unsafe-eval'", "'none'") },
  plain: {},
  strict: { ...isolation, ...policy('', "'self'") },
} as const;
export type PageKind = keyof typeof pageHeaders;

const types: Record<string, string> = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm', '.safetensors': 'application/octet-stream' };

/** Modules of tests/browser that a page runs. */
export type PageScript = 'layer' | 'sentences';

const model = 'tests/golden/sentences/model';
const commit = 'c'.repeat(40);

/** What the Hugging Face hub says of a repository `strided/small`, and where its files are in this tree; null for other addresses. */
async function hubAnswer(path: string): Promise<{ readonly json: object } | { readonly file: string } | null> {
  if (path === '/api/models/strided/small/revision/main') {
    const entries = await readdir(join(root, model), { recursive: true, withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map((entry) => relative(join(root, model), join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
    return { json: { id: 'strided/small', sha: commit, siblings: names.map((rfilename) => ({ rfilename })) } };
  }
  const prefix = `/strided/small/resolve/${commit}/`;
  return path.startsWith(prefix) ? { file: `/${model}/${path.slice(prefix.length)}` } : null;
}

export interface PageServer {
  readonly url: string;
  /** Paths that the hub's part was asked for. */
  readonly hubRequests: readonly string[];
  close(): Promise<void>;
}

/** A server of the working tree, and of a hub, on this machine alone. `/` is a page that runs a module of tests/browser. */
export async function servePages(kind: PageKind, script: PageScript): Promise<PageServer> {
  const map = JSON.stringify(await importMap(['tensor', 'nn', 'bert']));
  const hubRequests: string[] = [];
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap" nonce="test">${map}</script>
<script type="module" nonce="test">
import { run } from '/tests/browser/${script}.mjs';
globalThis.outcome = run().then((value) => ({ ...value, isolated: crossOriginIsolated }));
</script>`;
  const answer = async (asked: string): Promise<{ readonly type: string; readonly content: string | Uint8Array } | null> => {
    if (asked === '/') return { type: 'text/html', content: page };
    const hub = await hubAnswer(asked);
    if (hub !== null) hubRequests.push(asked);
    if (hub !== null && 'json' in hub) return { type: 'application/json', content: JSON.stringify(hub.json) };
    const path = hub === null ? asked : hub.file;
    const type = types[extname(path)];
    if (type === undefined || !/^\/(packages\/\w+\/dist|tests\/browser|tests\/golden\/sentences)\//.test(path)) return null;
    return { type, content: await readFile(join(root, path)) };
  };
  const server: Server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const send = (found: Awaited<ReturnType<typeof answer>>) => {
      if (found === null) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': found.type, ...pageHeaders[kind] }).end(found.content);
    };
    answer(path).then(send, () => send(null));
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    hubRequests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
