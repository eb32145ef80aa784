// Budgets for equal memory are found by measuring: also for a cache of which nobody knows what an entry takes.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findBudget } from '../../dist/bench/rivals/equal-memory.js'
import { makeStream } from '../../src/bench/workload/stream.js'

test('a cache whose entries take sixty times what was guessed', async () => {
  const heavy = {
    name: 'heavy',
    ours: false,
    module: fileURLToPath(new URL('./fixtures/heavy.mjs', import.meta.url)),
    modes: ['reference'],
    bound: 'entries',
    shared: false,
    asynchronous: false,
    follows: false,
    guessedOverhead: 20,
  } as const
  const wanted = 24 * 2 ** 20
  const stream = makeStream({ requests: 20_000, keys: 20_000, mix: { read: 1 }, skew: 0 })
  const { budget, resident } = await findBudget(heavy, 'reference', wanted, 114, {
    stream,
    values: 'string',
    filling: 20_000,
    ttl: 0,
  })
  expect(resident / wanted).toBeGreaterThan(0.75)
  expect(resident / wanted).toBeLessThan(1.25)
  // What it said that it takes is what it must take: 8,192 bytes an entry, and what strings and the Map take besides.
  expect((budget * 8400) / resident).toBeGreaterThan(0.7)
  expect((budget * 8400) / resident).toBeLessThan(1.4)
})
