import { defineConfig } from 'vitest/config';

const processes = {
  globalSetup: ['test/build.ts'],
  fileParallelism: false,
  testTimeout: 160_000,
  hookTimeout: 160_000,
};

const long = process.env['HEADWATER_LONG'] === undefined ? ['test/crash/kafka/long.test.ts'] : [];

/**
 * Real processes that are killed. `HEADWATER_CRASH_SEEDS=1000`: so many pipelines; `HEADWATER_CRASH_SEED=17`: that one. On Kafka
 * most of the time is waited for a session to end, so more of them run at once.
 * `HEADWATER_LONG=1`: fifty takeovers, and a hundred thousand samples.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { ...processes, name: 'log', include: ['test/crash/*.test.ts'], maxConcurrency: 3 } },
      {
        test: {
          ...processes,
          name: 'kafka',
          include: ['test/crash/kafka/*.test.ts'],
          exclude: long,
          maxConcurrency: 8,
          testTimeout: 250_000,
          // Sessions and takeovers are timed: a machine that stalls may be given a second try.
          retry: 1,
        },
      },
    ],
  },
});
