// How the TypeScript suites run: one process per file, one file at a time, because most suites start worker threads
// of their own and a crash of the native engine must not take other suites with it.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
})
