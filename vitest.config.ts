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

// With OSTRAKA_SUITES=node, for another Node than the one that everything else ran on: without what does not depend on
// Node (building, schedules and choices that are the same everywhere, texts, the length of the demo).
const independent = [
  'test/behaviour/policy.test.ts',
  'test/cli/main.test.ts',
  'test/cli/replay.test.ts',
  'test/demo/command.test.ts',
  'test/docs/**',
  'test/package/prepare.test.ts',
  'test/soak/**',
  'test/stepping/**',
  'test/traces/**',
]
const left = ['**/node_modules/**', ...(process.env['OSTRAKA_SUITES'] === 'node' ? independent : [])]

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
          exclude: [...left, ...alone],
          maxWorkers: soak ? 1 : Math.min(2, availableParallelism()),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...shared, name: 'alone', include: alone, exclude: left, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
