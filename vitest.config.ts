import { defineConfig } from 'vitest/config';

// Tests run the sources: the packages' own condition first, then those that Node itself would use.
const conditions = ['strided-source', 'node', 'module', 'development'];

const runs = Number(process.env['STRIDED_RUNS'] ?? 50);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    // Ten times the cases may take ten times as long.
    testTimeout: 60_000 * Math.max(1, runs / 50),
  },
});
