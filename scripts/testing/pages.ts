import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
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
  'content-security-policy': `default-src 'none'; img-src data:; script-src 'self' 'nonce-test' ${script}; worker-src ${worker}`,
});

/** The kinds of pages, by the headers with which all their files are sent. No policy allows workers or code made from text. */
export const pageHeaders = {
  isolated: { ...isolation, ...policy("'wasm-unsafe-eval'", "'self'") },
  workerless: { ...isolation, ...policy("'wasm-unsafe-eval'", "'none'") },
  plain: {},
  strict: { ...isolation, ...policy('', "'self'") },
} as const;
export type PageKind = keyof typeof pageHeaders;

const types: Record<string, string> = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };

/** A server of the working tree on this machine alone. `/` is a page that runs tests/browser/layer.mjs. */
export async function servePages(kind: PageKind): Promise<{ readonly url: string; close(): Promise<void> }> {
  const map = JSON.stringify(await importMap(['tensor', 'nn', 'bert']));
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="importmap" nonce="test">${map}</script>
<script type="module" nonce="test">
import { run } from '/tests/browser/layer.mjs';
globalThis.outcome = run().then((value) => ({ ...value, isolated: crossOriginIsolated }));
</script>`;
  const server: Server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    if (path === '/') {
      response.writeHead(200, { 'content-type': 'text/html', ...pageHeaders[kind] }).end(page);
      return;
    }
    const type = types[extname(path)];
    const served = /^\/(packages\/\w+\/dist|tests\/browser)\//.test(path) && type !== undefined;
    const content = served ? readFile(join(root, path)) : Promise.reject(new Error('not served'));
    content.then(
      (bytes) => response.writeHead(200, { 'content-type': type, ...pageHeaders[kind] }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
