import { defineConfig } from 'vitest/config';

/** The compiled command in processes of its own, with bad input, faulty endpoints and full disks. */
export default defineConfig({
  test: {
    include: ['test/cli/*.test.ts'],
    globalSetup: ['test/build.ts'],
    testTimeout: 60_000,
    // Processes wait for one another most of the time.
    maxWorkers: 2,
    // Signals and pauses are timed: a machine that stalls may be given a second try.
    retry: 1,
  },
});
