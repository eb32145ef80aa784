// Samples: what two of them tell, rings that any thread reads, and who takes them.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { createCache } from '../../src/cache/create-cache.js'
import { between, type RawSample, sampleFields, trendOf } from '../../src/stats/samples.js'
import { suite } from '../behaviour/suite.js'

function raw(at: number, values: Partial<Record<(typeof sampleFields)[number], number>>): RawSample {
  return { at, values: Float64Array.from(sampleFields, (field) => values[field] ?? 0) }
}

describe('two samples', () => {
  it('tell rates and ratios of the time between', () => {
    const before = raw(1000, { hits: 100, misses: 50, nearHits: 10, batchKeys: 4, batchHits: 4, size: 5, loads: 1 })
    const after = raw(3000, {
      hits: 190,
      misses: 60,
      nearHits: 55,
      batchKeys: 14,
      batchHits: 9,
      scanned: 100,
      scanHits: 25,
      loads: 5,
      loadsFailed: 1,
      loadMs: 40,
      cpuMs: 500,
      size: 7,
    })
    const sample = between(before, after, 2000, 1e6)
    expect(sample).toMatchObject({
      at: 1_003_000,
      seconds: 2,
      gap: false,
      hitRatio: 0.9,
      nearShare: 0.5,
      matchRatio: 0.5,
      scanRatio: 0.25,
      failedLoadRatio: 0.25,
      meanLoadMs: 10,
      cpuShare: 0.25,
      size: 7,
    })
    expect(sample.perSecond).toMatchObject({ hits: 45, misses: 5, loads: 2 })
    expect(between(before, after, 1000, 0).gap).toBe(true)
  })

  it('do not tell of less than nothing where the counters began anew', () => {
    const sample = between(raw(0, { hits: 5000, misses: 70 }), raw(1000, { hits: 30, misses: 90 }), 1000, 0)
    expect(sample.perSecond.hits).toBe(30)
    expect(sample.perSecond.misses).toBe(20)
    expect(sample.hitRatio).toBe(0.6)
  })

  it('of no time at all are finite', () => {
    const sample = between(raw(5, { hits: 1 }), raw(5, { hits: 1 }), 1000, 0)
    expect(Object.values(sample.perSecond).every((rate) => rate === 0)).toBe(true)
  })
})

describe('trends', () => {
  const points = (value: (i: number) => number, count = 30) =>
    Array.from({ length: count }, (_, i) => ({ seconds: i, value: value(i) }))

  it('know a straight line', () => {
    const trend = trendOf(points((i) => 10 + 3 * i))
    expect(trend.perSecond).toBeCloseTo(3)
    expect(trend.value).toBeCloseTo(97)
    expect(trend.confidence).toBeGreaterThan(0.999)
  })

  it('are sure of a slope under noise, unsure of noise alone, and soon aware of a turn', () => {
    // The same noise each time.
    const noise = (i: number) => ((i * 7919) % 101) / 101 - 0.5
    expect(trendOf(points((i) => i + 4 * noise(i))).confidence).toBeGreaterThan(0.99)
    expect(trendOf(points((i) => 50 + 10 * noise(i))).confidence).toBeLessThan(0.9)
    expect(trendOf(points((i) => (i < 15 ? i : 30 - i))).perSecond).toBeLessThan(0)
  })

  it('are guesses of few points', () => {
    expect(trendOf([])).toEqual({ value: 0, perSecond: 0, confidence: 0 })
    expect(trendOf([{ seconds: 1, value: 5 }])).toEqual({ value: 5, perSecond: 0, confidence: 0 })
    expect(trendOf(points((i) => i, 2)).confidence).toBe(0)
    expect(trendOf(points(() => 5)).confidence).toBeLessThan(0.01)
  })
})

suite('the sampler', (bench) => {
  it('takes samples that agree with what was done between them', async () => {
    const cache = bench.open({ maxBytes: '8mb' })
    const { sampler } = cache
    expect(sampler.enabled).toBe(false)
    expect(sampler.sample()).toBeUndefined()
    const history = [
      { gets: 100, absent: 0 },
      { gets: 30, absent: 70 },
      { gets: 0, absent: 10 },
    ]
    cache.set('there', 'x')
    for (const { gets, absent } of history) {
      for (let i = 0; i < gets; i++) cache.get('there')
      for (let i = 0; i < absent; i++) cache.get('absent')
      sampler.sample()
    }
    const window = sampler.window()
    for (const [i, ratio] of [1, 0.3, 0].entries()) expect(window[i]!.hitRatio).toBeCloseTo(ratio)
    for (const [i, { perSecond, seconds }] of window.entries()) {
      expect(perSecond.hits * seconds).toBeCloseTo(history[i]!.gets)
      expect(perSecond.misses * seconds).toBeCloseTo(history[i]!.absent)
    }
    expect(sampler.latest()).toMatchObject({ hitRatio: 0, size: 1 })
    expect(sampler.window(2)).toHaveLength(2)
    await cache.close()
    expect(() => cache.sampler).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
  })

  it('keeps as many as it says, the newest', async () => {
    const cache = bench.open({ maxBytes: '1mb' })
    const { sampler } = cache
    const most = sampler.windowSize()
    for (let i = 0; i < most + 7; i++) {
      cache.set(`k${i}`, i)
      sampler.sample()
    }
    const window = sampler.window()
    expect(window).toHaveLength(most - 1)
    expect(window.at(-1)!.size).toBe(most + 7)
    expect(window.every(({ size }, i) => i === 0 || size > window[i - 1]!.size)).toBe(true)
    await cache.close()
  })

  it('refuses intervals and scales that it cannot keep', async () => {
    const cache = bench.open()
    const { sampler } = cache
    for (const wrong of [0, 50, '2m', 'soon', Number.NaN]) {
      expect(() => {
        sampler.sampleInterval = wrong
      }).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
    }
    sampler.sampleInterval = '500ms'
    expect(sampler.sampleInterval).toBe(500)
    expect(() => sampler.window(1, 'hour' as never)).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }),
    )
    await cache.close()
  })
})

describe('samples over threads', () => {
  let cache: Cache
  afterEach(() => cache.close())

  it('are taken once for all, whoever dies', async () => {
    cache = createCache({ name: 'sampled', maxBytes: '32mb' })
    cache.sampler.sampleInterval = 100
    const begun = performance.now()
    cache.sampler.enabled = true
    const start = async () => {
      const file = new URL('./fixtures/sampling.mjs', import.meta.url)
      const worker = new Worker(file, { workerData: { name: 'sampled' } })
      await once(worker, 'message')
      return worker
    }
    const workers = [await start(), await start()]
    await vi.waitFor(() => expect(cache.sampler.window().length).toBeGreaterThan(6), { timeout: 60_000, interval: 50 })
    await workers[0]!.terminate()
    const before = cache.sampler.window()
    const last = before.at(-1)!
    await vi.waitFor(() => expect(cache.sampler.latest()!.at).toBeGreaterThan(last.at + 300), { timeout: 60_000 })
    // One thread for each interval: three threads with timers of their own take no more than one would.
    expect(cache.sampler.window().length).toBeLessThanOrEqual((performance.now() - begun) / 75 + 3)
    expect(cache.sampler.window().some(({ perSecond }) => perSecond.hits > 0)).toBe(true)
    cache.sampler.enabled = false
    await workers[1]!.terminate()
    const count = cache.sampler.window().length
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(cache.sampler.window().length).toBeLessThanOrEqual(count + 1)
  })
})
