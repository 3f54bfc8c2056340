import { defineConfig } from 'vitest/config';

/** Tests on a real Kafka broker, which each file starts for itself: Java 17 or newer, and Maven the first time. */
export default defineConfig({
  test: {
    include: ['test/kafka/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    fileParallelism: false,
    // A broker that shares two cores with its clients now and then answers later than a test allows.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
