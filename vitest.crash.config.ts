import { defineConfig } from 'vitest/config';

/** Real processes that are killed. `HEADWATER_CRASH_SEEDS=1000`: so many pipelines; `HEADWATER_CRASH_SEED=17`: that one. */
export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    fileParallelism: false,
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
