import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['strided-source'] },
  ssr: { resolve: { conditions: ['strided-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 60_000,
  },
});
