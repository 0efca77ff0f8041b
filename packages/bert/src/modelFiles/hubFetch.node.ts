/** A request of one byte, by which the hub's client asks for a file's size and hash. */
export function isProbe(init: RequestInit | undefined): boolean {
  return new Headers(init?.headers).get('range') === 'bytes=0-0';
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;

/**
 * Answers a probe with all that the hub says on the way. The hub sends large files from another host, whose answer
 * lacks the commit and the SHA-256, and its client looks at the last answer only: so redirects are followed by hand
 * here, the hub's headers are kept, and the other host is not asked at all where they say enough.
 */
export async function probe(request: typeof fetch, input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
  const first = new URL(input instanceof Request ? input.url : input);
  const headers = new Headers(init?.headers);
  const kept = new Headers();
  let url = first;
  for (let hop = 0; ; hop++) {
    const response = await request(url, { ...init, headers, redirect: 'manual' });
    await response.body?.cancel();
    response.headers.forEach((value, name) => {
      if (!/^x-(repo-commit|linked-size|linked-etag|error-code)$/.test(name) || !kept.has(name)) kept.set(name, value);
    });
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null || hop === MOST_REDIRECTS) return answer(kept, response.status);
    url = new URL(location, url);
    if (url.origin !== first.origin) {
      if (kept.has('x-linked-etag') && kept.has('x-linked-size')) return answer(kept, 206);
      headers.delete('authorization');
    }
  }
}

/** The client reads the size from Content-Range, which a server that ignores ranges does not send. */
function answer(headers: Headers, status: number): Response {
  const size = headers.get('x-linked-size') ?? (status === 200 ? headers.get('content-length') : null);
  if (size !== null) headers.set('content-range', `bytes 0-0/${size}`);
  for (const name of ['content-length', 'content-encoding', 'location']) headers.delete(name);
  return new Response(null, { status, headers });
}

/** Whether a server sent a whole file where only its end was asked for. */
export function ignoredRange(init: RequestInit | undefined, response: Response): boolean {
  return /^bytes=[1-9]/.test(new Headers(init?.headers).get('range') ?? '') && response.status === 200;
}
