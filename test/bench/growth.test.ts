// Whether memory grows: a leak shows, also a real one in a process of its own; noise does not.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startProcess } from '../../dist/bench/runner/host.js'
import { growth } from '../../src/bench/suites/memory.js'
import { makeStream } from '../../src/bench/workload/stream.js'
import { randomFrom } from '../../src/traces/generate.js'

const mebibyte = 2 ** 20

/** A host whose memory after each cycle is what `bytes` says. */
function host(bytes: (cycle: number) => number) {
  let cycle = 0
  const result = { requests: 0, seconds: 1, counts: {}, latencies: new ArrayBuffer(0), unanswered: 0, latest: 0 }
  return {
    run: async () => result as never,
    memory: async () => ({ resident: bytes(cycle++), outside: 0, entries: 0 }),
  }
}

test('what grows by a hundredth in each cycle leaks, in the process or outside', async () => {
  const random = randomFrom(3)
  const noisy = (share: number) => 100 * mebibyte * (1 + share * (random() - 0.5))
  const leaking = await growth(
    host((cycle) => noisy(0.01) + cycle * mebibyte),
    12,
    1,
  )
  expect(leaking.leaks).toBe(true)
  expect(leaking.perCycle / mebibyte).toBeCloseTo(1, 0)
  const steady = await growth(
    host(() => noisy(0.02)),
    12,
    1,
  )
  expect(steady.leaks).toBe(false)
  // Certain, but a thousandth in all.
  expect(
    (
      await growth(
        host((cycle) => 1e9 + cycle * 1e5),
        12,
        1,
      )
    ).leaks,
  ).toBe(false)
})

test('a cache that keeps what it has evicted', async () => {
  const open = (leak: number) =>
    startProcess({
      subject: {
        name: 'leaking',
        module: fileURLToPath(new URL('./fixtures/leaking.mjs', import.meta.url)),
        options: { leak },
      },
      stream: makeStream({ requests: 1000, keys: 100, mix: { update: 1 } }),
      requests: { values: 'string', fill: true, keys: 'fresh' },
      threads: 1,
      connections: 1,
      seed: 1,
    })
  const leaking = await open(8 * 1024)
  try {
    const { leaks, perCycle } = await growth(leaking, 5, 1000)
    expect(leaks).toBe(true)
    // A thousand times eight KiB.
    expect(perCycle).toBeGreaterThan(5 * mebibyte)
  } finally {
    await leaking.close()
  }
})
