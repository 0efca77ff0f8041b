import { StridedError } from '@strided/tensor/errors';
import { headersOf, type HubOptions } from './hub.ts';
import { readBody } from './body.ts';
import type { ModelFiles } from './modelFiles.ts';

/** Files below a URL of any web server; what the base has as query (a signature, say) goes with every file. */
export function urlFiles(base: string, options: HubOptions): ModelFiles {
  const { origin, pathname, search } = new URL(base);
  const folder = `${origin}${pathname.replace(/\/+$/, '')}`;
  return {
    name: folder,
    async open(file) {
      const url = `${folder}/${file.split('/').map(encodeURIComponent).join('/')}${search}`;
      const label = `${folder}/${file}`;
      let response: Response;
      try {
        response = await (options.fetch ?? fetch)(url, { headers: headersOf(options.token) });
      } catch (cause) {
        throw new StridedError(`${label}: cannot be fetched (${(cause as Error).message}); check the address, the network and, in a browser, the server's CORS headers`, { cause });
      }
      if (response.status === 404) {
        await response.body?.cancel();
        return null;
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new StridedError(`${label}: the server answers ${response.status}; check the address and who may read it`);
      }
      return readBody(response, { label, repo: folder, file, options });
    },
  };
}
