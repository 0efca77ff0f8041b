import { CheckpointError, FormatError, type StridedError } from '@strided/tensor/errors';
import { readBody } from './body.ts';
import { COMMIT, headersOf, hubRepo, offlineMissing, refusal, unreachable, type HubOptions, type HubRepo } from './hub.ts';
import type { ModelFiles } from './modelFiles.ts';

/*
 * The hub where there is no file system: plain requests, kept in Cache Storage under the commit's own addresses, so
 * that what is kept never goes stale. Hosts without Cache Storage (some edge workers) fetch each time.
 */

const STORE = 'strided-hub';

/** What the hub says of a commit: its id, and each file's size and SHA-256 (of large files). */
interface Listing {
  readonly commit: string;
  readonly files: ReadonlyMap<string, { readonly size: number | null; readonly sha256: string | null }>;
}

/** A repository of the hub. */
export function hubFiles(id: string, options: HubOptions): ModelFiles {
  const repo = hubRepo(id, options);
  let listing: Promise<Listing> | null = null;
  return {
    name: `${id}@${repo.revision}`,
    async open(file) {
      listing ??= list(repo, options);
      const { commit, files } = await listing.catch((error: unknown) => {
        listing = null;
        throw error;
      });
      const known = files.get(file);
      if (known === undefined) return null;
      const url = `${repo.endpoint}/${id}/resolve/${commit}/${file.split('/').map(encodeURIComponent).join('/')}`;
      const kept = await (await store())?.match(url);
      if (kept !== undefined) return kept.blob();
      const response = await request(url, repo, file, options);
      const label = `${id}: ${file} at revision ${repo.revision}`;
      const size = known.size === null ? {} : { size: known.size };
      const blob = await readBody(response, { label, repo: id, file, options, ...size });
      if (known.sha256 !== null) await checkSha256(label, blob, known.sha256);
      await keep(url, blob);
      return blob;
    },
  };
}

async function list(repo: HubRepo, options: HubOptions): Promise<Listing> {
  const url = `${repo.endpoint}/api/models/${repo.id}/revision/${encodeURIComponent(repo.revision)}?blobs=true`;
  const kept = options.refresh === true && !COMMIT.test(repo.revision) ? undefined : await (await store())?.match(url);
  const blob = kept === undefined ? await (await request(url, repo, 'the list of files', options)).blob() : await kept.blob();
  const listing = parseListing(await blob.text(), repo);
  if (kept === undefined) await keep(url, blob);
  return listing;
}

function parseListing(text: string, repo: HubRepo): Listing {
  const fault = (): StridedError => new FormatError(`${repo.id}: what ${repo.endpoint} says of revision ${repo.revision} is not a list of files; check HF_ENDPOINT or { endpoint }`);
  let said: { readonly sha?: unknown; readonly siblings?: unknown };
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    throw fault();
  }
  if (typeof said?.sha !== 'string' || !COMMIT.test(said.sha) || !Array.isArray(said.siblings)) throw fault();
  const siblings = said.siblings as readonly { readonly rfilename?: unknown; readonly size?: unknown; readonly lfs?: { readonly sha256?: unknown } | null }[];
  const files = siblings.map(({ rfilename, size, lfs }) => {
    const sha256 = typeof lfs?.sha256 === 'string' ? lfs.sha256 : null;
    return [String(rfilename), { size: typeof size === 'number' ? size : null, sha256 }] as const;
  });
  return { commit: said.sha, files: new Map(files) };
}

async function request(url: string, repo: HubRepo, file: string, options: HubOptions): Promise<Response> {
  if (options.offline === true) throw offlineMissing(repo, file);
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(url, { headers: headersOf(options.token) });
  } catch (cause) {
    throw unreachable(repo, file, cause);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw refusal(repo, file, response.status, response.headers.get('x-error-code'));
}

async function checkSha256(label: string, blob: Blob, expected: string): Promise<void> {
  // Absent outside secure contexts.
  if (globalThis.crypto?.subtle === undefined) return;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  const actual = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (actual !== expected) throw new CheckpointError(`${label}: what arrived has the SHA-256 ${actual}, not ${expected}, and was not kept; fetch it again`);
}

async function store(): Promise<Cache | null> {
  try {
    return typeof caches === 'undefined' ? null : await caches.open(STORE);
  } catch {
    // Forbidden, as in a sandboxed frame.
    return null;
  }
}

/** A full disk or a forbidden store must not cost the model that is already here. */
async function keep(url: string, blob: Blob): Promise<void> {
  try {
    await (await store())?.put(url, new Response(blob));
  } catch {
    return;
  }
}
