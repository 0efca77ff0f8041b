import type * as HubClient from '@huggingface/hub';
import { ArgumentError, FormatError, StridedError } from '@strided/tensor/errors';
import { COMMIT, hubRepo, offlineMissing, refusal, unreachable, type HubOptions, type HubRepo } from './hub.ts';
import { HubCache, isFile } from './hubCache.node.ts';
import { ignoredRange, isProbe, probe } from './hubFetch.node.ts';
import { transfer } from './hubTransfer.node.ts';
import type { ModelFiles } from './modelFiles.ts';
import { progressBar } from './progressBar.node.ts';

type Hub = typeof HubClient;
/** What the hub said in headers that its client does not hand on; status 0: nothing. */
interface Said {
  status: number;
  code: string | null;
  commit: string | null;
}

type Info = NonNullable<Awaited<ReturnType<Hub['fileDownloadInfo']>>>;

/** A repository of the hub, through the cache that Python's huggingface_hub has too. */
export function hubFiles(id: string, options: HubOptions): ModelFiles {
  const repo = hubRepo(id, options, process.env['HF_ENDPOINT']);
  const token = options.token ?? (process.env['HF_TOKEN'] || undefined);
  if (token !== undefined && !token.startsWith('hf_')) throw new ArgumentError(`${id}: the hub's token must start with hf_; check HF_TOKEN`);
  let opened: Promise<OnlineRepo> | null = null;
  const under = new Map<string, Promise<string | null>>();
  return {
    name: `${id}@${repo.revision}`,
    open(file) {
      // Two readers of one file (a tokenizer and a model) share its download.
      const running = under.get(file);
      if (running !== undefined) return running;
      opened ??= OnlineRepo.open(repo, token, options);
      const path = opened.then((online) => online.open(file)).finally(() => under.delete(file));
      under.set(file, path);
      return path;
    },
  };
}

class OnlineRepo {
  readonly #repo: HubRepo;
  readonly #token: string | undefined;
  readonly #options: HubOptions;
  readonly #hub: Hub;
  readonly #cache: HubCache;
  #commit: Promise<string> | null = null;

  private constructor(repo: HubRepo, token: string | undefined, options: HubOptions, hub: Hub) {
    this.#repo = repo;
    this.#token = token;
    this.#options = options;
    this.#hub = hub;
    this.#cache = new HubCache(options.cacheDir ?? hub.getHFHubCachePath(), hub.getRepoFolderName({ type: 'model', name: repo.id }));
  }

  static async open(repo: HubRepo, token: string | undefined, options: HubOptions): Promise<OnlineRepo> {
    // Only who uses the hub pays for loading its client.
    return new OnlineRepo(repo, token, options, await import('@huggingface/hub'));
  }

  async open(file: string): Promise<string | null> {
    this.#commit ??= this.#resolve(file);
    const commit = await this.#commit.catch((error: unknown) => {
      this.#commit = null;
      throw error;
    });
    const cached = await this.#cache.find(commit, file);
    if (cached !== null) return cached;
    if (await this.#cache.isKnownMissing(commit, file)) return null;
    const { info, said } = await this.#ask(file, commit);
    if (info === null) {
      // Only the hub's own word is kept: another server's 404 can mean anything.
      if (said.code === 'EntryNotFound') await this.#cache.rememberMissing(commit, file);
      return null;
    }
    const etag = info.etag.replace(/^W\//, '').replaceAll('"', '');
    if (!/^[\w+-][\w.+-]*$/.test(etag)) throw new FormatError(`${this.#label(file)}: the hub's ETag ${JSON.stringify(info.etag)} cannot name a file of the cache; check HF_ENDPOINT`);
    const blob = this.#cache.blob(etag);
    if (!(await isFile(blob))) await this.#fetch(file, commit, info, etag, blob);
    return this.#cache.link(blob, commit, file);
  }

  /** The commit of the revision: as it is, as the cache has it, or as the hub says when it is asked for `file`. */
  async #resolve(file: string): Promise<string> {
    const { revision } = this.#repo;
    if (COMMIT.test(revision)) return revision;
    const kept = this.#options.refresh === true ? null : await this.#cache.readRef(revision);
    if (kept !== null) return kept;
    const { said } = await this.#ask(file, revision);
    const commit = said.commit ?? (await this.#commitByApi(file));
    if (!COMMIT.test(commit)) throw new FormatError(`${this.#label(file)}: ${this.#repo.endpoint} does not say which commit that is; check HF_ENDPOINT, or pass { revision: <commit> }`);
    await this.#cache.writeRef(revision, commit);
    return commit;
  }

  async #commitByApi(file: string): Promise<string> {
    const { id, revision } = this.#repo;
    const said = nothingYet();
    const { sha } = await this.#guard(file, said, () => this.#hub.modelInfo({ ...this.#access(said), name: id, revision, additionalFields: ['sha'] }));
    return sha;
  }

  /** Size and hash of a file; null where the repository has none of that name. */
  async #ask(file: string, revision: string): Promise<{ readonly info: Info | null; readonly said: Said }> {
    const said = nothingYet();
    const info = await this.#guard(file, said, async () => {
      try {
        return await this.#hub.fileDownloadInfo({ ...this.#access(said), repo: this.#repo.id, path: file, revision });
      } catch (error) {
        // A mirror's plain 404.
        if (said.status === 404 && said.code === null) return null;
        throw error;
      }
    });
    return { info, said };
  }

  async #fetch(file: string, commit: string, info: Info, etag: string, path: string): Promise<void> {
    const { id } = this.#repo;
    // One way to transfer, which every mirror has too: plain ranges, not the hub's chunk protocol.
    const said = nothingYet();
    const blob = await this.#hub.downloadFile({ ...this.#access(said), repo: id, path: file, revision: commit, xet: false, downloadInfo: info });
    if (blob === null) throw refusal(this.#repo, file, 404, null);
    const { progress = true } = this.#options;
    const bar = progress === true ? progressBar() : { report: progress === false ? () => undefined : progress, stop: () => undefined };
    try {
      await transfer({
        label: this.#label(file), blob, path,
        size: info.size,
        sha256: /^[0-9a-f]{64}$/.test(etag) ? etag : null,
        report: (received) => bar.report({ repo: id, file, received, total: info.size }),
        refused: () => {
          const { status, code } = said;
          return status >= 400 && status < 500 && status !== 408 && status !== 429 ? refusal(this.#repo, file, status, code) : null;
        },
      });
    } finally {
      bar.stop();
    }
  }

  #access(said: Said) {
    return {
      hubUrl: this.#repo.endpoint,
      fetch: (input: string | URL | Request, init?: RequestInit) => this.#request(said, input, init),
      ...(this.#token === undefined ? {} : { accessToken: this.#token }),
    };
  }

  async #request(said: Said, input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = this.#options.fetch ?? fetch;
    const headers = new Headers(init?.headers);
    // Sizes, ranges and hashes are those of the file itself.
    headers.set('accept-encoding', 'identity');
    const plain = { ...init, headers };
    Object.assign(said, nothingYet());
    const response = await (isProbe(init) ? probe(request, input, plain) : request(input, plain));
    said.status = response.status;
    said.code = response.headers.get('x-error-code');
    said.commit = response.headers.get('x-repo-commit');
    if (ignoredRange(init, response)) {
      await response.body?.cancel();
      throw new StridedError(`${this.#repo.endpoint} cannot go on with a download that was cut`);
    }
    return response;
  }

  async #guard<T>(file: string, said: Said, ask: () => Promise<T>): Promise<T> {
    if (this.#options.offline ?? isOn(process.env['HF_HUB_OFFLINE'])) throw offlineMissing(this.#repo, file);
    try {
      return await ask();
    } catch (error) {
      const { status, code } = said;
      if (status >= 400) throw refusal(this.#repo, file, status, code);
      if (status === 0) throw unreachable(this.#repo, file, error);
      throw new FormatError(`${this.#label(file)}: the answer of ${this.#repo.endpoint} is not a hub's (${(error as Error).message}); check HF_ENDPOINT`, { cause: error });
    }
  }

  #label(file: string): string {
    return `${this.#repo.id}: ${file} at revision ${this.#repo.revision}`;
  }
}

function nothingYet(): Said {
  return { status: 0, code: null, commit: null };
}

/** As Python reads such variables. */
function isOn(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}
