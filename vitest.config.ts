// How the TypeScript suites run: one process per file, one file at a time, because most suites start worker threads
// of their own and a crash of the native engine must not take other suites with it.
import { defineConfig } from 'vitest/config'

// `npm run soak` runs the same suites with counts that take minutes each.
const limit = process.env['OSTRAKA_SOAK'] ? 3_600_000 : 120_000

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: limit,
    hookTimeout: limit,
    teardownTimeout: 10_000,
  },
})
