// Owners of real caches: that they come, work, are replaced by exactly one other thread, and go.

import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cache, createCache } from '../../src/index.js'
import type { CacheOptions } from '../../src/options/cache-options.js'
import { benches } from '../behaviour/engines.js'

const value = 'x'.repeat(200)
const WATCHDOG = { timeout: 60_000, interval: 10 }

describe.each(benches.filter(({ name }) => name !== 'mixed'))('owners, $name', ({ name: engine, missing }) => {
  const caches: Cache[] = []
  let owners: Worker[] = []
  const noteWorker = (message: unknown) => {
    const { worker } = message as { worker: Worker }
    owners.push(worker)
  }
  beforeEach(() => {
    owners = []
    subscribe('worker_threads', noteWorker)
  })
  afterEach(async () => {
    unsubscribe('worker_threads', noteWorker)
    for (const cache of caches.splice(0)) await cache.close({ all: true })
  })

  function open(options: CacheOptions): Cache {
    const cache = createCache({ name: randomUUID(), engine: engine as 'native' | 'js', maxBytes: '8mb', ...options })
    caches.push(cache)
    return cache
  }

  const threads = (cache: Cache) => cache.stats().owners.threads
  const states = (cache: Cache) => threads(cache).map(({ state }) => state)
  let last = 0
  const fill = (cache: Cache, count: number) => {
    for (let i = 0; i < count; i++) cache.set(`key ${last++}`, value)
  }

  it.skipIf(missing)(
    'come when they are asked for, share the shards, rest when nobody uses the cache, and end with it',
    async () => {
      const cache = open({ owners: 2, shards: 4 })
      await cache.ready
      expect(owners).toHaveLength(2)
      await expect.poll(() => threads(cache).map(({ shards }) => shards), WATCHDOG).toEqual([2, 2])
      fill(cache, 60_000)
      await expect.poll(() => threads(cache).every(({ turns }) => turns > 0), WATCHDOG).toBe(true)
      await expect.poll(() => states(cache), WATCHDOG).toEqual(['asleep', 'asleep'])
      fill(cache, 100)
      await expect.poll(() => states(cache), WATCHDOG).toEqual(['running', 'running'])
      expect(threads(cache).map(({ restarts }) => restarts)).toEqual([0, 0])
      await cache.close()
      expect(owners.map(({ threadId }) => threadId)).toEqual([-1, -1])
    },
  )

  it.skipIf(missing)('come by themselves once there is upkeep to do, and not before', async () => {
    const cache = open({ maxBytes: '16mb' })
    await cache.ready
    fill(cache, 100)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect([states(cache), owners.length]).toEqual([['waiting'], 0])
    fill(cache, 100_000)
    await expect.poll(() => states(cache), WATCHDOG).toEqual(['running'])
    expect(owners).toHaveLength(1)
    // Where repeatable behaviour is asked for there are none, nor for a small cache.
    for (const options of [{ seed: 1 }, { clock: 'manual' }, { maxBytes: '8mb' }, { owners: 0 }] as const) {
      const other = open({ maxBytes: '16mb', ...options })
      expect(other.stats().owners).toMatchObject({ count: 0, threads: [], reason: expect.any(String) })
    }
  })

  it.skipIf(missing)('give back what has expired, though nobody asks for it', async () => {
    const cache = open({ owners: 1 })
    await cache.ready
    for (let i = 0; i < 10_000; i++) cache.set(`short ${i}`, value, { ttl: 50 })
    // What shares a segment with something that lives on stays until it is met.
    await expect.poll(() => cache.size, WATCHDOG).toBeLessThan(2_000)
    expect(cache.stats().expired).toBeGreaterThan(8_000)
  })

  it.skipIf(missing)(
    'are replaced by exactly one thread when they die, again and again, and the cache goes on',
    async () => {
      const name = randomUUID()
      const options = { name, engine: engine as 'native' | 'js', maxBytes: '8mb', owners: 1 }
      const cache = open(options)
      const members = [0, 1].map(
        () =>
          new Worker(new URL('./fixtures/member.mjs', import.meta.url), { workerData: { name, options, busy: true } }),
      )
      await Promise.all(members.map((member) => new Promise((resolve) => member.once('message', resolve))))
      await cache.ready
      const deaths = process.env['OSTRAKA_SOAK'] ? 50 : 4
      for (let death = 0; death < deaths; death++) {
        await expect.poll(() => states(cache), WATCHDOG).toEqual(['running'])
        const mine = owners.filter((worker) => worker.threadId > 0 && !members.includes(worker))
        const others = members.map((member) => new Promise((resolve) => member.once('message', resolve)))
        for (const member of members) member.postMessage('end what you have started')
        await Promise.all([...others, ...mine.map((worker) => worker.terminate())])
        fill(cache, 2_000)
        expect(cache.get(`key ${last - 1}`)).toBe(value)
        await expect.poll(() => threads(cache)[0]?.restarts, WATCHDOG).toBe(death + 1)
      }
      await expect.poll(() => states(cache), WATCHDOG).toEqual(['running'])
      expect(threads(cache)[0]?.restarts).toBe(deaths)
      await Promise.all(members.map((member) => member.terminate()))
    },
  )

  it.skipIf(missing)('of a creator that died are started anew by another thread', async () => {
    const name = randomUUID()
    const options = { name, engine: engine as 'native' | 'js', maxBytes: '8mb', owners: 1 }
    const creator = new Worker(new URL('./fixtures/member.mjs', import.meta.url), { workerData: { name, options } })
    await new Promise((resolve) => creator.once('message', resolve))
    owners = []
    const cache = open(options)
    await cache.ready
    expect([states(cache).length, owners.length]).toEqual([1, 0])
    await creator.terminate()
    fill(cache, 50_000)
    await expect.poll(() => owners.length, WATCHDOG).toBe(1)
    await expect.poll(() => states(cache), WATCHDOG).toEqual(['running'])
    expect(threads(cache)[0]?.restarts).toBe(1)
  })

  it.skipIf(missing)('end when nobody holds the cache any more, though nobody has closed it', async () => {
    const name = randomUUID()
    const options = { name, engine: engine as 'native' | 'js', maxBytes: '8mb', owners: 1 }
    const cache = createCache(options)
    await cache.ready
    const member = new Worker(new URL('./fixtures/member.mjs', import.meta.url), { workerData: { name, options } })
    await new Promise((resolve) => member.once('message', resolve))
    await cache.close()
    const [owner] = owners
    expect(owner?.threadId).toBeGreaterThan(0)
    await member.terminate()
    await expect.poll(() => owner?.threadId, WATCHDOG).toBe(-1)
  })
})
