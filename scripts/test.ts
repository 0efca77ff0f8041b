/**
 * Everything that CI checks, in one command: `npx -y pnpm@12 test`.
 *
 * `--only types,lint,unit,parity,package,browser` runs some of the steps.
 * STRIDED_SEED fixes the seed of the property tests, STRIDED_RUNS the number of cases of each.
 * The last line is `N passed, N failed`.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { checkBrowser } from './testing/browser.ts';
import { kernelLevels, threadCounts } from './testing/kernels.ts';
import { checkPackages } from './testing/packages.ts';
import { propertyFiles } from './testing/propertyFiles.ts';
import { asCheck, Report } from './testing/report.ts';
import { run } from './testing/run.ts';
import { vitest } from './testing/vitest.ts';

/** The seed that every run shares, so that a run that fails tells something about the change, not about luck. */
const fixedSeed = '20261123';

const steps: Record<string, (report: Report) => Promise<void>> = {
  async types(report) {
    await report.check('tsc -b', async () => asCheck(await run('tsc', ['-b'])));
  },

  async lint(report) {
    await report.check('oxlint', async () => asCheck(await run('oxlint', ['--deny-warnings'])));
  },

  async unit(report) {
    const chosen = process.env['STRIDED_SEED'];
    const seed = chosen ?? fixedSeed;
    await report.check(`every test, property seed ${seed}`, () => vitest([], { STRIDED_SEED: seed }));
    const files = await propertyFiles();
    if (chosen !== undefined || files.length === 0) return;
    const fresh = String(randomInt(2 ** 31));
    await report.check(`property tests again, fresh seed ${fresh} (STRIDED_SEED=${fresh} repeats it)`, () =>
      vitest(files, { STRIDED_SEED: fresh }),
    );
  },

  async parity(report) {
    const seed = process.env['STRIDED_SEED'] ?? fixedSeed;
    for (const { name, lack } of kernelLevels) {
      const reason = lack();
      if (reason !== null) {
        report.skip(`kernels ${name}`, reason);
        continue;
      }
      for (const threads of threadCounts) {
        await report.check(`kernels ${name} × ${threads} ${threads === 1 ? 'thread' : 'threads'}`, () =>
          vitest(['tests/parity/', 'tests/golden/'], { STRIDED_SEED: seed, STRIDED_KERNELS: name, STRIDED_THREADS: String(threads) }),
        );
      }
    }
  },

  package: checkPackages,
  browser: checkBrowser,
};

const titles: Record<string, string> = {
  types: 'types',
  lint: 'lint',
  unit: 'unit: every test once, in the default mode',
  parity: 'parity: the parity and golden tests on every kernel level',
  package: 'package: as a consumer gets it',
  browser: 'browser: the built packages in pages of Chromium',
};

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = values.only?.split(',') ?? Object.keys(steps);
const unknown = chosen.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) {
  console.error(`test: unknown step ${unknown.join(', ')}; --only takes a list of ${Object.keys(steps).join(',')}`);
  process.exit(2);
}

const report = new Report();
for (const name of chosen) {
  report.section(titles[name]);
  await steps[name](report).catch((error: unknown) => report.check(name, () => Promise.reject(error)));
}
report.finish();
