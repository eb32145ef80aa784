// Hot keys, namespaces and tags: against the exact counts of the same stream.
import { describe, expect, it } from 'vitest'
import { HeatTable } from '../../src/stats/heat.js'
import { suite } from '../behaviour/suite.js'

function table(places = 256): HeatTable {
  return new HeatTable(new SharedArrayBuffer(places * 96), { at: 0, length: places })
}

/** Zipf-like: key i is drawn about 1/i as often as key 1. */
function draw(keys: number): number {
  return Math.min(keys - 1, Math.floor(keys ** Math.random()) - 1)
}

describe('a table of heat', () => {
  it('knows the hottest of many more keys than it has places for', () => {
    const heat = table()
    const exact = new Map<string, number>()
    for (let i = 0; i < 60_000; i++) {
      const key = `user:${draw(20_000)}`
      exact.set(key, (exact.get(key) ?? 0) + 1)
      heat.note(key, 128, 2)
    }
    const ranked = [...exact].sort((a, b) => b[1] - a[1])
    const hottest = new Set(ranked.slice(0, 10).map(([key]) => key))
    const top = heat.top(15).map(({ name }) => name)
    expect(top.filter((name) => hottest.has(name)).length).toBeGreaterThanOrEqual(9)
    // Rates are in the right order of size: the stream lasted less than its half-life.
    const [first] = heat.top(1)
    const rate = (exact.get(first!.name)! * 128 * Math.LN2) / 60
    expect(first!.perSecond).toBeGreaterThan(rate * 0.5)
    expect(first!.perSecond).toBeLessThan(rate * 1.3)
    expect(first!.savedMsPerSecond).toBeCloseTo((first!.perSecond / 128) * 2, 0)
  })

  it('tells keys as they are, and that it cut them', () => {
    const heat = table()
    heat.note('käse', 1, 0)
    heat.note('x'.repeat(57), 3, 0)
    expect(heat.top(5)).toMatchObject([
      { name: 'x'.repeat(56), whole: false },
      { name: 'käse', whole: true },
    ])
    heat.release()
    heat.note('late', 1, 0)
    expect(heat.top(5)).toMatchObject([{ name: 'late' }])
  })

  it('goes on where a thread died while it wrote', () => {
    const memory = new SharedArrayBuffer(8 * 96)
    const heat = new HeatTable(memory, { at: 0, length: 8 })
    heat.note('k', 1, 0)
    const words = new Int32Array(memory)
    const place = [0, 1, 2, 3, 4, 5, 6, 7].find((i) => words[i * 24 + 1] !== 0)!
    const now = Math.floor(process.hrtime()[0] * 1000 + process.hrtime()[1] / 1e6)
    words[place * 24] = now | 1
    heat.note('k', 1, 0)
    expect(heat.top(1)).toEqual([])
    words[place * 24] = (now - 3000) | 1
    heat.note('k', 1, 0)
    expect(heat.top(1)).toMatchObject([{ name: 'k' }])
  })
})

suite('hot keys', (bench) => {
  it('of all namespaces, with what they save and take', async () => {
    const cache = bench.open({ stats: 'full', maxBytes: '8mb' })
    const users = cache.namespace('users')
    for (let i = 0; i < 400; i++) {
      if (bench.name === 'mixed') users.get('42')
      await users.getOrSet('42', () => new Promise((resolve) => setTimeout(resolve, 20, 'x'.repeat(100))))
      if (i % 4 === 0) cache.get('cold')
      if (i % 8 === 0) cache.set(`k${i}`, i, { tags: ['org:7'] })
      if (i % 100 === 0) cache.set(`t${i}`, i, { tags: ['org:8'] })
    }
    const [hottest, ...others] = cache.hotKeys(5)
    expect(hottest).toMatchObject({ key: '42', namespace: 'users', whole: true })
    expect(hottest!.bytes).toBeGreaterThan(100)
    expect(hottest!.savedMsPerSecond).toBeGreaterThan(0)
    expect(hottest!.savedMsPerKilobyte).toBeGreaterThan(0)
    expect(others.map(({ key }) => key)).toContain('cold')
    expect(cache.hotNamespaces()).toMatchObject([{ name: 'users' }])
    expect(cache.hotTags()[0]).toMatchObject({ name: 'org:7' })
    expect(() => cache.hotKeys(-1)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
    await cache.close()
    expect(() => cache.hotKeys()).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
  })
})
