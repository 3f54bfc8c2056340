import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/main-job/**/*.test.ts'], testTimeout: 60_000 } });
