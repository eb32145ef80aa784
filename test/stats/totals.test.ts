// Counts over threads, over both engines: exact when all is done, and after threads were terminated in the middle.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'
import { benches } from '../behaviour/engines.js'
import { suite } from '../behaviour/suite.js'

const soak = process.env['OSTRAKA_SOAK'] ? 100 : 1
const native = benches[0]?.missing === undefined
const engines = native ? (['native', 'js'] as const) : (['js'] as const)

function start(id: number, rounds: number, done: SharedArrayBuffer, options: object, stays = false): Worker {
  const file = new URL('./fixtures/counted.mjs', import.meta.url)
  return new Worker(file, { workerData: { options, id, rounds, done, stays } })
}

describe.each(engines)('totals (%s)', (engine) => {
  it('are exact over four threads, half a million operations and, in the soak, many millions', async () => {
    const shared = { name: `totals-${engine}`, maxBytes: '64mb', stats: 'sampled' as const }
    const cache = createCache({ ...shared, engine })
    const rounds = 2000 * soak
    const done = new SharedArrayBuffer(64)
    const workers = [0, 1, 2, 3].map((id) =>
      start(id, rounds, done, { ...shared, engine: id === 3 && native ? 'js' : engine }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'exit')))
    const stats = cache.stats()
    const all = 4 * rounds
    expect(stats.sets.stored).toBe(all * 25 + 4)
    expect(stats.hits).toBe(all * 26 + 4)
    expect(stats.misses).toBe(all * 11 + 4)
    expect(stats.deleted).toBe(all)
    expect(stats.batches).toEqual({ calls: all, keys: 2 * all, hits: all })
    expect(stats.drops).toEqual({
      attempts: all * 26 + 4,
      notWanted: all,
      tooLarge: 0,
      noRoom: 0,
      paused: 0,
    })
    expect(stats.tiers.near.hits + stats.tiers.memory.hits).toBe(stats.hits)
    expect(stats.tiers.near.hits).toBeGreaterThan(0)
    expect(stats.loads.started).toBe(4)
    expect(stats.worth.queriesAvoided).toBe(4)
    // One in about 256 was timed; the sample's size itself is random.
    const timed = (stats.latency.get?.count ?? 0) + (stats.latency.set?.count ?? 0) + (stats.latency.batch?.count ?? 0)
    expect(timed).toBeGreaterThan((all * 62) / 256 / 2)
    expect(timed).toBeLessThan(((all * 62) / 256) * 2)
    expect(stats.latency.load?.count).toBe(4)
    await cache.close()
  })

  it('keep what threads had counted that were terminated, and go on in their rows', async () => {
    const shared = { name: `deaths-${engine}`, maxBytes: '32mb' }
    const cache = createCache({ ...shared, engine })
    const done = new SharedArrayBuffer(64)
    const words = new Int32Array(done)
    let least = 0
    let before = cache.stats()
    for (let round = 0; round < 2; round++) {
      words.fill(0)
      const workers = [0, 1, 2, 3].map((id) => start(id, 1e9, done, { ...shared, engine }))
      for (let id = 0; id < 4; id++) while (Atomics.load(words, id) < 20) await new Promise((go) => setTimeout(go, 5))
      const seen = [...words.subarray(0, 4)]
      await Promise.all(workers.map((worker) => worker.terminate()))
      const stats = cache.stats()
      least += seen.reduce((sum, rounds) => sum + rounds, 0)
      expect(stats.batches.calls).toBeGreaterThanOrEqual(least)
      expect(stats.sets.stored).toBeGreaterThanOrEqual(least * 25)
      // No operation was counted twice or begun without end: at most one a thread was under way.
      expect(stats.batches.keys).toBeLessThanOrEqual(2 * (stats.batches.calls + 4 * (round + 1)))
      for (const name of ['hits', 'misses', 'deleted'] as const)
        expect(stats[name]).toBeGreaterThanOrEqual(before[name])
      before = stats
    }
    await cache.close()
  })
})

suite('levels and marks', (bench) => {
  it('count nothing when off, time nothing with counters, and everything with full', async () => {
    const cache = bench.open({ stats: 'off' })
    // With two engines the calls are dealt by turns.
    const times = bench.name === 'mixed' ? 2 : 1
    const use = () => {
      for (let i = 0; i < 50 * times; i++) {
        cache.set(`k${i}`, i)
        cache.get(`k${i}`)
        cache.get('absent')
      }
    }
    if (bench.name === 'mixed') return
    use()
    expect(cache.stats()).toMatchObject({ level: 'off', hits: 0, misses: 0, sets: { stored: 0 } })
    cache.statsLevel = 'counters'
    use()
    expect(cache.stats()).toMatchObject({ level: 'counters', hits: 50, misses: 50, sets: { stored: 50 } })
    expect(cache.stats().latency.get).toBeUndefined()
    cache.statsLevel = 'full'
    use()
    const { latency } = cache.stats()
    expect(latency.get?.count).toBe(100)
    expect(latency.set?.count).toBe(50)
    expect(latency.get!.p50).toBeGreaterThan(0)
    expect(latency.get!.p999).toBeGreaterThanOrEqual(latency.get!.p50)
    expect(() => {
      cache.statsLevel = 'some' as never
    }).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
    await cache.close()
  })

  it('tell what came since a mark', async () => {
    if (bench.name === 'mixed') return
    const cache = bench.open({ stats: 'full' })
    cache.set('a', 1)
    cache.get('a')
    cache.mark('deploy')
    cache.get('a')
    cache.get('absent')
    cache.get('absent')
    cache.mark('later')
    const since = cache.statsSince('deploy')
    expect(since).toMatchObject({ mark: 'deploy', totals: { hits: 1, misses: 2, stored: 0 }, hitRatio: 1 / 3 })
    expect(since.latency.get?.count).toBe(3)
    expect(since.latency.set).toBeUndefined()
    expect(since.perSecond.misses).toBeCloseTo(2 / since.seconds)
    expect(cache.statsSince('later').totals.hits).toBe(0)
    expect(cache.stats().hits).toBe(2)
    expect(() => cache.statsSince('never')).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }),
    )
    expect(() => cache.mark('')).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
    await cache.close()
  })

  it('say what the memory is full of', async () => {
    const cache = bench.open({ maxBytes: '8mb' })
    for (let i = 0; i < 10_000; i++) cache.set(`k${i}`, 'x'.repeat(100))
    const full = cache.stats().memory
    expect(full.liveBytes).toBeGreaterThan(10_000 * 110)
    expect(full.peakLiveBytes).toBeGreaterThanOrEqual(full.liveBytes - 1024)
    for (let i = 0; i < 10_000; i++) if (i % 4 !== 0) cache.delete(`k${i}`)
    const { liveBytes, deadBytes, freeBytes, indexBytes, peakLiveBytes, segments } = cache.stats().memory
    expect(liveBytes).toBeLessThan(full.liveBytes / 2)
    expect(deadBytes).toBeGreaterThan(0)
    expect(peakLiveBytes).toBeGreaterThanOrEqual(full.liveBytes - 1024)
    expect(liveBytes + deadBytes + freeBytes + indexBytes).toBeLessThanOrEqual(8 * 2 ** 20)
    expect(segments.free).toBeGreaterThan(0)
    await cache.close()
  })

  it('tell how much time the cache saved', async () => {
    if (bench.name === 'mixed') return
    const cache = bench.open({})
    const load = () => new Promise((resolve) => setTimeout(resolve, 30, { some: 'value' }))
    await cache.getOrSet('a', load)
    for (let i = 0; i < 10; i++) await cache.getOrSet('a', load)
    const both = [cache.getOrSet('b', load), cache.getOrSet('b', load)]
    await Promise.all(both)
    const { worth, latency, loads } = cache.stats()
    expect(loads.started).toBe(2)
    expect(worth.queriesAvoided).toBe(11)
    expect(worth.timeSavedSeconds).toBeGreaterThan(0.25)
    expect(worth.overallHitRatio).toBeCloseTo(10 / 13)
    expect(latency.load?.count).toBe(2)
    expect(latency.load!.p50).toBeGreaterThan(25)
    await cache.close()
  })
})
