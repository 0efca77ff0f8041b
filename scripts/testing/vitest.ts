import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from './report.ts';
import { run } from './run.ts';

/** The part of vitest's JSON report that is counted. */
interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

/** Runs the test files whose paths contain one of `filters` (all without one) and counts the tests. */
export async function vitest(filters: readonly string[], env: Readonly<Record<string, string>>): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'strided-vitest-'));
  try {
    const file = join(folder, 'results.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { code, output } = await run('vitest', ['run', '--passWithNoTests', ...reporters, ...filters], { env });
    const results = await readFile(file, 'utf8').then((text) => JSON.parse(text) as Results, () => null);
    if (results === null) return { passed: 0, failed: 1, output: `${output}\nvitest ended with code ${code} and wrote no results` };
    // A file that could not be loaded has no tests to fail, and an unhandled error fails the run but no test.
    const broken = results.testResults.filter(
      (one) => one.status === 'failed' && !one.assertionResults.some((test) => test.status === 'failed'),
    );
    const failures = results.numFailedTests + broken.length;
    const failed = failures === 0 && code !== 0 ? 1 : failures;
    const passed = results.numPassedTests;
    return { passed, failed, note: `${passed} passed in ${results.testResults.length} files`, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
