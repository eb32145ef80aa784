// How the TypeScript suites run: one process per file, since most suites start worker threads of their own and a crash
// of the native engine must not take other suites with it. Most files run two at a time; those that need both cores
// for themselves, or that watch memory and processes, run one after the other.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// `npm run soak` runs the same suites with counts that take minutes each.
const soak = process.env['OSTRAKA_SOAK'] !== undefined
const limit = soak ? 3_600_000 : 120_000

const alone = [
  'test/attach/races.test.ts',
  'test/deaths/**/*.test.ts',
  'test/demo/**/*.test.ts',
  'test/histories/**/*.test.ts',
  'test/channel/channel.test.ts',
  'test/owners/owners.test.ts',
  'test/owners/process.test.ts',
  'test/package/**/*.test.ts',
  'test/soak/**/*.test.ts',
]

const shared = {
  pool: 'forks',
  testTimeout: limit,
  hookTimeout: limit,
  teardownTimeout: 10_000,
} as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...alone],
          maxWorkers: soak ? 1 : Math.min(2, availableParallelism()),
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
