import { defineConfig } from 'vitest/config';

const real = {
  // A broker that shares two cores with its clients now and then answers later than a test allows.
  retry: 1,
  testTimeout: 120_000,
  hookTimeout: 300_000,
};

/** What hand-overs, silence and idleness take is measured here: nothing else runs beside them. */
const timed = ['broker-faults', 'groups', 'idle', 'silence', 'supervisor'].map((name) => `test/kafka/${name}.test.ts`);

/**
 * Tests on a real Kafka broker, which each file starts for itself: Java 17 or newer, and Maven the first time. Clients and brokers wait
 * for one another most of the time, so two files run at once where no time is measured.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    projects: [
      {
        test: {
          ...real,
          name: 'together',
          include: ['test/kafka/**/*.test.ts'],
          exclude: timed,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...real, name: 'timed', include: timed, fileParallelism: false, sequence: { groupOrder: 1 } } },
    ],
  },
});
