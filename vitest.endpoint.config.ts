import { defineConfig } from 'vitest/config';

/** Tests against a real llama.cpp server with a real model, on the CPU. */
export default defineConfig({
  test: {
    include: ['test/endpoint/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});
