// The modes of the eviction policy through the public API: each does what it is for, and either engine takes the same
// victims as the other, alone and over the same memory by turns.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import type { CachePolicy } from '../../src/options/cache-options.js'
import { benches } from './engines.js'
import { suite } from './suite.js'

const policies: readonly CachePolicy[] = [
  'adaptive',
  's3-fifo',
  'balanced',
  'frequency',
  'recency',
  'clock',
  'scan',
  'light',
]

/** Repeatable random numbers, from 0 to below 1. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Popular keys, reuse soon after, loops and scans by turns. */
function* workload(requests: number, capacity: number, seed: number): Generator<string> {
  const random = randomOf(seed)
  for (let i = 0; i < requests; i++) {
    const phase = Math.floor(i / (4 * capacity)) % 4
    if (phase === 0) yield `popular${Math.floor(random() ** 3 * 4 * capacity)}`
    else if (phase === 1) yield `loop${i % Math.floor(1.5 * capacity)}`
    else if (phase === 2) yield `soon${i - Math.floor(random() * 1.2 * capacity)}`
    else yield random() < 0.5 ? `scan${i}` : `popular${Math.floor(random() ** 3 * 4 * capacity)}`
  }
}

/** A get, and a set after a miss; the hits as a string of 0 and 1. */
function play(cache: Cache, requests: Iterable<string>, value: (key: string) => string): string {
  let hits = ''
  for (const key of requests) {
    const found = cache.get(key)
    hits += found === undefined ? '0' : '1'
    if (found === undefined) cache.set(key, value(key))
    else if (found !== value(key)) throw new Error(`${key} came back as ${String(found)}`)
  }
  return hits
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const hashOf = (text: string): number =>
  [...text].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 7)
const ratio = (hits: string): number => [...hits].filter((hit) => hit === '1').length / hits.length

describe('one structure, two engines', () => {
  const byBytes = (key: string): string => key.repeat(1 + (Math.imul(hashOf(key), 2_654_435_761) >>> 24))
  const bounds = [
    { bound: 'entries', options: { maxEntries: 200, maxBytes: '2mb' }, value: () => 'v' },
    { bound: 'bytes', options: { maxBytes: '1mb', entryBytes: '1kb' }, value: byBytes },
  ] as const
  const here = benches.filter(({ missing }) => missing === undefined)

  for (const { bound, options, value } of bounds) {
    it.each(policies)(`%s takes the same victims in both, bounded by ${bound}`, (policy) => {
      const [first, second, mixed] = here.map((bench) => {
        const cache = bench.open({ ...options, policy, seed: 7 })
        const hits = play(cache, workload(5000, 200, 3), value)
        const left = [...new Set(workload(5000, 200, 3))].filter((key) => cache.has(key))
        return { share: ratio(hits), hits: digest(hits), left: digest(left.join(' ')) }
      })
      expect(first?.share).toBeGreaterThan(0.1)
      if (first === undefined || second === undefined || mixed === undefined) return
      expect(second).toEqual(first)
      // Two threads have space of their own each, so that the order within a segment is another one.
      expect(Math.abs(mixed.share - second.share)).toBeLessThan(0.03)
    })
  }
})

suite('modes', (bench) => {
  const loop = (length: number, rounds: number) => Array.from({ length: length * rounds }, (_, i) => `k${i % length}`)

  it('frequency and scan keep most of a loop that does not fit, clock nothing', () => {
    const hits = (policy: CachePolicy) =>
      ratio(play(bench.open({ maxEntries: 400, policy, seed: 1 }), loop(500, 12), () => 'v'))
    expect(hits('frequency')).toBeGreaterThan(0.7)
    expect(hits('scan')).toBeGreaterThan(0.5)
    expect(hits('clock')).toBeLessThan(0.05)
  })

  it('clock keeps what is asked for again within a capacity, frequency does not', () => {
    const random = randomOf(5)
    const soon = Array.from({ length: 6000 }, (_, i) => `k${Math.max(0, i - Math.floor(random() * 500))}`)
    const hits = (policy: CachePolicy) => ratio(play(bench.open({ maxEntries: 400, policy, seed: 1 }), soon, () => 'v'))
    expect(hits('clock')).toBeGreaterThan(hits('frequency') + 0.1)
  })

  it('light keeps the small ones where sizes differ', () => {
    const cache = (policy: CachePolicy) => bench.open({ maxBytes: '1mb', policy, seed: 1 })
    const random = randomOf(9)
    const keys = Array.from({ length: 10_000 }, () => `k${Math.floor(random() * 2000)}`)
    const value = (key: string) => 'x'.repeat(key.endsWith('7') ? 6000 : 400)
    const hits = (policy: CachePolicy) => ratio(play(cache(policy), keys, value))
    expect(hits('light')).toBeGreaterThan(hits('clock') + 0.1)
  })

  it('no mode evicts while there is room', () => {
    for (const policy of policies) {
      const cache = bench.open({ maxEntries: 200, policy, seed: 1 })
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`)
      for (const key of keys) cache.set(key, 1)
      expect(cache.size).toBe(200)
      expect(keys.filter((key) => cache.get(key) === 1)).toHaveLength(200)
    }
  })
})

suite('the adaptive policy', (bench) => {
  const loop = (name: string, length: number, requests: number) =>
    Array.from({ length: requests }, (_, i) => `${name}${i % length}`)
  const policyOf = (cache: Cache) => {
    const [shard] = cache.stats().policy.shards
    if (shard?.choosing === undefined) throw new Error('it chooses nothing')
    return { ...shard, choosing: shard.choosing }
  }

  it('finds a mode for a loop that does not fit, and says why', () => {
    const cache = bench.open({ maxEntries: 400, policy: 'adaptive', seed: 1 })
    expect(policyOf(cache).mode).toBe('balanced')
    const hits = play(cache, loop('k', 500, 12_000), () => 'v')
    const learned = ratio(hits.slice(-3000))
    expect(learned).toBeGreaterThan(0.7)
    const { mode, choosing } = policyOf(cache)
    expect(['frequency', 'scan']).toContain(mode)
    expect(choosing.requests).toBeGreaterThan(1000)
    expect(choosing.switches).toBeGreaterThan(0)
    expect(choosing.lastSwitches.at(-1)).toMatchObject({ from: 'balanced' })
    expect(choosing.lastSwitches[0]?.to).toBe(mode)
    for (const { at, lead, standardErrors } of choosing.lastSwitches) {
      expect(at).toBeGreaterThan(0)
      expect(lead).toBeGreaterThan(0)
      expect(standardErrors).toBeGreaterThan(1.39)
    }
    const rival = (name: string) => choosing.rivals.find((one) => one.mode === name)
    expect(choosing.rivals.map((one) => one.mode)).toEqual(['balanced', 'frequency', 'recency', 'clock', 'scan'])
    expect(rival('clock')?.hitRatio).toBeLessThan(0.1)
    expect(rival('frequency')?.hitRatio).toBeGreaterThan(0.6)
    expect(rival(mode)?.lead).toBe(0)
  })

  it('changes with what is asked for: a loop, then reuse soon after', () => {
    const cache = bench.open({ maxEntries: 300, policy: 'adaptive', seed: 2 })
    const random = randomOf(3)
    play(cache, loop('k', 400, 12_000), () => 'v')
    const inLoop = policyOf(cache).mode
    const soon = Array.from({ length: 30_000 }, (_, i) => `s${Math.max(0, i - Math.floor(random() ** 2 * 330))}`)
    const hits = play(cache, soon, () => 'v')
    const inSoon = policyOf(cache).mode
    expect(['frequency', 'scan']).toContain(inLoop)
    expect(['clock', 'recency', 'balanced']).toContain(inSoon)
    // What a cache that was a CLOCK all the time gets of it.
    const clock = bench.open({ maxEntries: 300, policy: 'clock', seed: 2 })
    expect(ratio(hits.slice(-8000))).toBeGreaterThan(ratio(play(clock, soon, () => 'v').slice(-8000)) - 0.03)
  })

  it('ranks by frequency per byte where bytes are the bound', () => {
    const cache = bench.open({ maxBytes: '1mb', entryBytes: '1kb', policy: 'adaptive', seed: 1 })
    const random = randomOf(4)
    const keys = Array.from({ length: 6000 }, () => `k${Math.floor(random() ** 2 * 8000)}`)
    play(cache, keys, (key) => 'x'.repeat(key.endsWith('7') ? 5000 : 50 * (1 + (key.charCodeAt(1) % 9))))
    expect(policyOf(cache).choosing.rivals.map((one) => one.mode)).toEqual(['light', 'clock'])
    expect(policyOf(cache).choosing.requests).toBeGreaterThan(100)
  })

  it('samples the keys of few entries all, those of many by the hash', () => {
    const cache = bench.open({ maxEntries: 20_000, policy: 'adaptive', seed: 1 })
    for (let i = 0; i < 20_000; i++) cache.get(`k${i}`)
    for (let i = 0; i < 100; i++) cache.set(`k${i}`, 1)
    const { sampled, requests } = policyOf(cache).choosing
    expect(sampled).toBeCloseTo((4 * Math.sqrt(20_000)) / 20_000, 3)
    // Nobody wrote meanwhile, so that the ring of samples was full.
    expect(requests).toBeLessThan(400)
    expect(policyOf(bench.open({ maxEntries: 100, policy: 'adaptive' })).choosing.sampled).toBe(1)
  })

  it('a fixed mode chooses nothing', () => {
    const cache = bench.open({ maxEntries: 100, policy: 'scan' })
    expect(cache.stats().policy).toEqual({ option: 'scan', shards: [{ mode: 'scan', choosing: undefined }] })
  })
})
