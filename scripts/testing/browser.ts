import assert from 'node:assert/strict';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { servePages, type PageKind, type PageScript, type PageServer } from './pages.ts';
import { asCheck, type Outcome, type Report } from './report.ts';
import { root, run } from './run.ts';

/** The part of EngineInfo that is looked at. */
interface Info {
  readonly level: string;
  readonly reason: string;
  readonly threads: number;
  readonly threadsReady: boolean;
  readonly workerParts: number;
  readonly memory: string;
}

/** What tests/browser/layer.mjs computes. */
interface Result {
  readonly numbers: Readonly<Record<string, readonly number[]>>;
  readonly info: Info;
  readonly isolated?: boolean;
  /** How often the page's main thread called Atomics.wait, which browsers forbid there. */
  readonly waits: number;
}

interface Page {
  readonly name: string;
  readonly kind: PageKind;
  readonly expect: (info: Info, isolated: boolean) => void;
  /** What may be written to its console; by default nothing. */
  readonly says?: RegExp;
}

const pages: readonly Page[] = [
  {
    name: 'a cross-origin-isolated page computes with two threads',
    kind: 'isolated',
    expect(info, isolated) {
      assert.equal(isolated, true);
      assert.ok(info.workerParts > 0, 'no worker has executed');
      assert.deepEqual(pick(info), { level: 'relaxed', threads: 2, threadsReady: true, memory: 'shared' });
    },
  },
  {
    name: 'a page whose policy forbids workers computes with one thread',
    kind: 'workerless',
    expect: (info) => assert.deepEqual(pick(info), { level: 'relaxed', threads: 1, threadsReady: true, memory: 'shared' }),
    // Chromium itself says so.
    says: /violates the following Content Security Policy directive: "worker-src 'none'"/,
  },
  {
    name: 'a page that is not isolated computes with one',
    kind: 'plain',
    expect(info, isolated) {
      assert.equal(isolated, false);
      assert.deepEqual(pick(info), { level: 'relaxed', threads: 1, threadsReady: true, memory: 'unshared' });
    },
  },
  {
    name: 'a strict content security policy without WebAssembly leaves the plain loops',
    kind: 'strict',
    expect(info) {
      assert.deepEqual(pick(info), { level: 'js', threads: 1, threadsReady: true, memory: 'none' });
      assert.match(info.reason, /relaxed: the host refused the module/);
    },
  },
];

/** What tests/browser/sentences.mjs finds. */
interface SentenceResult {
  /** The largest error of the embeddings, by where the model came from. */
  readonly errors: Readonly<Record<'url' | 'hub' | 'kept' | 'memory', number>>;
  readonly info: Info;
}

/** A small sentence model in pages: from this server's folder, as a hub id, from what the page kept of it, and from memory. */
const sentencePages: readonly { readonly name: string; readonly kind: PageKind; readonly level: string }[] = [
  { name: 'a page embeds sentences as sentence-transformers does, and keeps a hub model in Cache Storage', kind: 'isolated', level: 'relaxed' },
  { name: 'a page with a strict content security policy embeds them in plain loops', kind: 'strict', level: 'js' },
];

const pick = ({ level, threads, threadsReady, memory }: Pick<Info, 'level' | 'threads' | 'threadsReady' | 'memory'>) => ({ level, threads, threadsReady, memory });

/** Without a window, a profile or a word to anyone outside. */
const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Loads the built packages in pages of Chromium, and compares what a layer computes there with Node's numbers. */
export async function checkBrowser(report: Report): Promise<void> {
  const program = await findChromium();
  if (program === null) {
    const reason = 'no Chromium was found (chromium, chromium-browser or google-chrome on the PATH)';
    if (process.env['STRIDED_REQUIRE_BROWSER'] === '1') await report.check('Chromium', () => Promise.reject(new Error(`${reason}, and STRIDED_REQUIRE_BROWSER=1 asks for it`)));
    else for (const { name } of [...pages, ...sentencePages]) report.skip(name, reason);
    return;
  }
  if (!(await report.check('build', async () => asCheck(await run('node', ['scripts/build.ts']))))) return;
  let browser: Browser | undefined;
  try {
    const expected = await computeInNode();
    browser = await chromium.launch({ executablePath: program, args: flags });
    const opened = browser;
    for (const { name, kind, expect, says } of pages) {
      await report.check(name, async () => {
        const { numbers, info, waits, isolated = false } = await load<Result>(opened, kind, 'layer', { says });
        expect(info, isolated);
        assert.equal(waits, 0, 'the page slept');
        compare(numbers, expected);
        return { passed: 1, failed: 0, note: `level ${info.level}, memory ${info.memory}` };
      });
    }
    for (const { name, kind, level } of sentencePages) {
      await report.check(name, async () => {
        const { errors, info } = await load<SentenceResult>(opened, kind, 'sentences', { says: absent, look: ({ hubRequests }) => checkHub(hubRequests) });
        assert.equal(info.level, level);
        for (const [from, error] of Object.entries(errors)) assert.ok(error < 1e-5, `the model from ${from}: an embedding is off by ${error}`);
        return { passed: 1, failed: 0, note: `level ${info.level}, error ${Math.max(...Object.values(errors)).toExponential(1)}` };
      });
    }
  } catch (error) {
    await report.check('pages', (): Promise<Outcome> => Promise.reject(error));
  } finally {
    await browser?.close();
  }
}

async function findChromium(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const file = join(folder, name);
      if (await access(file, constants.X_OK).then(() => true, () => false)) return file;
    }
  }
  return null;
}

async function computeInNode(): Promise<Result['numbers']> {
  const { code, output } = await run(process.execPath, [join(root, 'tests/browser/node.mjs')]);
  if (code !== 0) throw new Error(`in Node the layer failed:\n${output}`);
  return (JSON.parse(output) as Result).numbers;
}

/** A folder's optional files that are not there: Chromium itself says so. */
const absent = /status of 404/;

/** What is kept is not fetched again. */
function checkHub(requests: readonly string[]): void {
  assert.ok(requests.some((path) => path.endsWith('/model.safetensors')), 'the hub was not asked for the weights');
  assert.deepEqual([...new Set(requests)], requests, 'the hub was asked twice for the same file');
}

/** Opens a page of a kind and waits for its result; anything else that it writes to its console is a failure. */
async function load<T>(browser: Browser, kind: PageKind, script: PageScript, { says, look }: { readonly says?: RegExp | undefined; readonly look?: (server: PageServer) => void } = {}): Promise<T> {
  const server = await servePages(kind, script);
  const page = await browser.newPage();
  try {
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.goto(server.url);
    await page.waitForFunction(() => 'outcome' in globalThis, undefined, { timeout: 30_000 }).catch((error: unknown) => {
      throw new Error(`the page loaded no packages: ${said.join('; ') || String(error)}`);
    });
    const result = await page.evaluate(() => (globalThis as unknown as { outcome: Promise<T> }).outcome) as T;
    assert.deepEqual(said.filter((text) => says?.test(text) !== true), []);
    look?.(server);
    return result;
  } finally {
    await page.close();
    await server.close();
  }
}

/** Levels differ in their rounding: each number within 10⁻⁵ of the largest of its tensor, or 5·10⁻⁷ where all should be 0. */
function compare(actual: Result['numbers'], expected: Result['numbers']): void {
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const [name, numbers] of Object.entries(expected)) {
    const allowed = 1e-5 * Math.max(0.05, ...numbers.map(Math.abs));
    numbers.forEach((value, i) => {
      assert.ok(Math.abs(actual[name][i] - value) <= allowed, `${name}: ${actual[name][i]} in the page, ${value} in Node`);
    });
  }
}
