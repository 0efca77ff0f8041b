import { ArgumentError, StridedError } from '@strided/tensor/errors';

/** What a progress callback is told, after every part that arrives. */
export interface DownloadProgress {
  /** The hub id, or the base URL. */
  readonly repo: string;
  readonly file: string;
  /** Bytes of the file so far. */
  readonly received: number;
  /** Bytes in all. */
  readonly total: number;
}

/** How files come from the Hugging Face hub, or (token, progress and fetch alone) from a URL. */
export interface HubOptions {
  /** A branch, tag or commit. Default `main`. A branch is resolved once and then kept; see `refresh`. */
  readonly revision?: string;
  /** Ask the hub again which commit a branch is at. Default false: what is cached stays, and needs no network. */
  readonly refresh?: boolean;
  /** Take nothing from the network. Default: whether the variable HF_HUB_OFFLINE is set. */
  readonly offline?: boolean;
  /** Default: the variable HF_TOKEN. */
  readonly token?: string;
  /** Default: the variable HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string;
  /** The cache's folder (Node, Deno, Bun). Default: where Python has it (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME). */
  readonly cacheDir?: string;
  /** Default true: a bar on a terminal. A function is told instead; false: silence. */
  readonly progress?: boolean | ((progress: DownloadProgress) => void);
  /** Stands for the global fetch: a proxy, other headers. */
  readonly fetch?: typeof fetch;
}

/** A repository at a revision. */
export interface HubRepo {
  readonly id: string;
  readonly revision: string;
  readonly endpoint: string;
}

export const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a string can be a hub id: `name` or `org/name`, as the hub allows them. */
export function isHubId(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(text) && !/--|\.\.|[.-](\/|$)/.test(text) && text.length <= 96;
}

/** The repository that is meant. */
export function hubRepo(id: string, options: HubOptions, environmentEndpoint?: string): HubRepo {
  const revision = options.revision ?? 'main';
  if (!/^[\w][\w.+-]*(\/[\w][\w.+-]*)*$/.test(revision) || revision.includes('..')) {
    throw new ArgumentError(`${id}: revision ${JSON.stringify(revision)} must be a branch, a tag or a commit`);
  }
  const endpoint = (options.endpoint ?? (environmentEndpoint || 'https://huggingface.co')).replace(/\/+$/, '');
  if (!/^https?:\/\//.test(endpoint)) throw new ArgumentError(`${id}: the hub's endpoint ${JSON.stringify(endpoint)} must be an http or https URL; check HF_ENDPOINT`);
  return { id, revision, endpoint };
}

export function headersOf(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** An answer of the hub other than the file, as one line that says what to do. `code` is the hub's X-Error-Code. */
export function refusal(repo: HubRepo, file: string, status: number, code: string | null): StridedError {
  const what = `${repo.id}: the hub at ${repo.endpoint} does not give ${file} at revision ${repo.revision} (${status}${code === null ? '' : ` ${code}`})`;
  if (code === 'GatedRepo') return new StridedError(`${what}: accept the model's terms at ${repo.endpoint}/${repo.id}, then set HF_TOKEN or pass { token }`);
  if (code === 'RevisionNotFound') return new StridedError(`${what}: the repository has no such revision; check its branches, tags and commits`);
  if (status === 401 || status === 403) {
    return new StridedError(`${what}: the repository does not exist or is private; check the id, and set HF_TOKEN or pass { token } that may read it`);
  }
  if (status === 404) return new StridedError(`${what}: check the id, the revision and the file's name (a private repository needs HF_TOKEN or { token })`);
  return new StridedError(`${what}: the hub is at fault or busy; try again later`);
}

/** No answer at all. */
export function unreachable(repo: HubRepo, file: string, cause: unknown): StridedError {
  const { message, cause: deeper } = cause as Error;
  const why = deeper instanceof Error && deeper.message !== '' ? deeper.message : message;
  return new StridedError(
    `${repo.id}: ${file} at revision ${repo.revision} is not in the cache, and ${repo.endpoint} cannot be reached (${why}); check the network and HF_ENDPOINT`, { cause },
  );
}

/** The network was forbidden. */
export function offlineMissing(repo: HubRepo, file: string): StridedError {
  return new StridedError(`${repo.id}: ${file} at revision ${repo.revision} is not in the cache, and the network is switched off; unset HF_HUB_OFFLINE or pass { offline: false } once`);
}
