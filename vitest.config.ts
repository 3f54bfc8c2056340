import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/cli/*.test.ts', 'test/crash/**', 'test/endpoint/**', 'test/main-job/**', 'test/kafka/**'],
    globalSetup: ['test/build.ts'],
    testTimeout: 30_000,
    // Also on two cores, of which one would be left idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
