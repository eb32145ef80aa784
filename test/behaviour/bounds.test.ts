import { expect, it } from 'vitest'
import { suite } from './suite.js'

suite('bounds', (bench) => {
  it('reaches maxEntries exactly and never exceeds it', async () => {
    const cache = bench.open({ maxEntries: 250 })
    for (let i = 0; i < 250; i++) {
      expect(cache.set(`k${i}`, i)).toBe(true)
      expect(cache.size).toBe(i + 1)
    }
    for (let i = 0; i < 250; i++) expect(cache.get(`k${i}`)).toBe(i)
    for (let i = 250; i < 2500; i++) {
      expect(cache.set(`k${i}`, { i })).toBe(true)
      expect(cache.size).toBe(250)
      expect(cache.get(`k${i}`)).toEqual({ i })
    }
    expect([...cache.scan()].length).toBe(250)
    for (let i = 1500; i < 2500; i++) cache.delete(`k${i}`)
    const rest = cache.size
    expect(rest).toBe([...cache.scan()].length)
    for (let i = 0; i < 250 - rest; i++) cache.add(`new${i}`, i)
    expect(cache.size).toBe(250)
    cache.clear()
    for (let i = 0; i < 250; i++) cache.set(`again${i}`, i)
    expect([cache.size, cache.getMany(Array.from({ length: 250 }, (_, i) => `again${i}`)).includes(undefined)]).toEqual(
      [250, false],
    )
    await cache.close()
  })

  it('takes no more memory for values that are overwritten than about twice what is live', async () => {
    const cache = bench.open({ maxBytes: '64mb' })
    const live = 1000
    for (let i = 0; i < 100_000; i++) cache.set(`k${i % live}`, `${i}:`.padEnd(400, 'x'))
    const { segmentsOpened, segmentsFreed } = cache.stats().upkeep
    // 1,000 records of about 420 bytes fill not quite four of some 480 segments; without compaction all would be in use.
    expect(segmentsFreed).toBeGreaterThan(100)
    expect(segmentsOpened - segmentsFreed).toBeLessThanOrEqual(14)
    for (let i = 0; i < live; i++) expect(cache.get(`k${i}`)).toBe(`${99_000 + i}:`.padEnd(400, 'x'))
    expect(cache.stats().evicted).toBe(0)
    await cache.close()
  })

  it.each([100, 200, 300, 430, 490, 500, 700, 1000, 1900])(
    'copies next to nothing where nothing is overwritten, and wastes little: %i bytes',
    async (length) => {
      const cache = bench.open({ maxBytes: '1mb' })
      for (let i = 0; i < 3000; i++) cache.set(`key${i}`, 'x'.repeat(length))
      const { segmentsCompacted, reinserted } = cache.stats().upkeep
      expect(segmentsCompacted).toBeLessThan(300)
      expect(reinserted).toBeLessThan(3000)
      // Of a mebibyte two thirds are segments; the smallest are of 4 KiB, where records of almost half of that leave much unused.
      const most = Math.min(3000, (0.67 * 2 ** 20) / (length + 24))
      expect(cache.size).toBeGreaterThan(most * (length > 1000 ? 0.8 : 0.85))
      await cache.close()
    },
  )

  it('compacts without losing anything, however much one write pays for', async () => {
    const cache = bench.open({ maxBytes: '64mb', entryBytes: 64 })
    const count = 60_000
    for (let i = 0; i < count; i++) cache.set(`k${i}`, i)
    // Each segment is a third live, and a large value's share of the upkeep is thousands of small records.
    for (let i = 0; i < count; i++) if (i % 3 !== 0) cache.delete(`k${i}`)
    for (let i = 0; i < 200; i++) cache.set(`large${i % 4}`, 'x'.repeat(60_000))
    expect(cache.stats().upkeep.reinserted).toBeGreaterThan(1000)
    expect(cache.stats().evicted).toBe(0)
    for (let i = 0; i < count; i += 3) expect(cache.get(`k${i}`)).toBe(i)
    await cache.close()
  })

  it('uses the memory of large values again before it touches more', async () => {
    const cache = bench.open({ maxBytes: '64mb' })
    const value = new Uint8Array(4 * 1024 * 1024)
    for (let i = 0; i < 40; i++) {
      value.fill(i)
      expect(cache.set('large', value)).toBe(true)
      const { segmentsOpened, segmentsFreed } = cache.stats().upkeep
      expect(segmentsOpened - segmentsFreed).toBeLessThanOrEqual(2 * 32 + 2)
    }
    expect(Buffer.compare(cache.get<Uint8Array>('large') ?? Buffer.alloc(0), value)).toBe(0)
    await cache.close()
  })

  it.each([1, 2, 7, 14, 15, 100])('holds maxEntries: %i', async (maxEntries) => {
    const cache = bench.open({ maxEntries })
    for (let i = 0; i < maxEntries * 5; i++) {
      cache.set(`k${i}`, `v${i}`)
      expect(cache.size).toBe(Math.min(i + 1, maxEntries))
      expect(cache.get(`k${i}`)).toBe(`v${i}`)
    }
    await cache.close()
  })

  it('stays at maxEntries where an index far too small for them is full in places', async () => {
    // Three buckets of seven slots for 18 entries: most keys find both of their buckets full.
    const cache = bench.open({ maxBytes: '1mb', maxEntries: 18, entryBytes: 103_000, policy: 's3-fifo' })
    let i = 0
    while (cache.size < 18 && i < 1000) cache.set(`k${i++}`, i)
    for (let end = i + 2000; i < end; i++) {
      expect(cache.set(`k${i}`, i)).toBe(true)
      expect([cache.size, cache.get(`k${i}`)]).toEqual([18, i])
    }
    expect(cache.stats().upkeep.evictedFromIndex).toBeGreaterThan(0)
    await cache.close()
  })

  it('evicts under maxBytes, never a wrong value, and what is used stays', async () => {
    const cache = bench.open({ maxBytes: '1mb' })
    const value = (i: number) => `${i}:`.padEnd(100 + (i % 400), 'x')
    for (let i = 0; i < 20; i++) cache.set(`hot${i}`, value(i))
    for (let i = 0; i < 9000; i++) {
      expect(cache.set(`k${i}`, value(i))).toBe(true)
      const recent = cache.get(`k${i - 5}`)
      if (recent !== undefined) expect(recent).toBe(value(i - 5))
      if (i % 3 === 0) cache.get(`hot${i % 20}`)
    }
    const hot = Array.from({ length: 20 }, (_, i) => cache.get(`hot${i}`))
    expect(hot.filter((found, i) => found === value(i)).length).toBeGreaterThan(15)
    const stats = cache.stats()
    expect(stats.evicted).toBeGreaterThan(4000)
    expect(stats.size).toBeGreaterThan(500)
    expect(stats.size).toBe([...cache.scan()].length)
    for (const key of cache.scan({ prefix: 'k' })) {
      const found = cache.peek(key)
      if (found !== undefined) expect(found).toBe(value(Number(key.slice(1))))
    }
    await cache.close()
  })

  it('keeps values of all sizes, while others come and go', async () => {
    const cache = bench.open({ maxBytes: '16mb' })
    const sizes = [
      0, 1, 7, 8, 9, 100, 490, 500, 511, 512, 513, 1000, 4000, 4090, 4096, 4100, 8192, 16_000, 65_535, 65_536,
    ]
    sizes.push(65_537, 100_000, 262_144, 1_000_000, 1_048_576, 1_500_000)
    for (const size of sizes) {
      const bytes = Buffer.alloc(size, size % 251)
      expect(cache.set(`bytes${size}`, bytes), `${size}`).toBe(true)
      expect(cache.get<Buffer>(`bytes${size}`)?.equals(bytes), `${size}`).toBe(true)
      const text = 't'.repeat(size)
      expect(cache.set('text', text)).toBe(true)
      expect(cache.get('text')).toBe(text)
    }
    for (const size of sizes) {
      const found = cache.get<Buffer>(`bytes${size}`)
      expect(found?.equals(Buffer.alloc(size, size % 251)) ?? true).toBe(true)
    }
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.alloc(300_000 + i, i)
      expect(cache.set(`big${i % 7}`, bytes)).toBe(true)
      expect(cache.get<Buffer>(`big${i % 7}`)?.equals(bytes)).toBe(true)
    }
    await cache.close()
  })

  it('keeps 64 MiB where there is room', async () => {
    const cache = bench.open({ maxBytes: '160mb' })
    const bytes = Buffer.alloc(64 * 2 ** 20, 'ostraka')
    expect(cache.set('large', bytes)).toBe(true)
    expect(cache.get<Buffer>('large')?.equals(bytes)).toBe(true)
    expect(cache.take<Buffer>('large')?.equals(bytes)).toBe(true)
    expect(cache.get('large')).toBeUndefined()
    await cache.close()
  })

  it('refuses what is too large and leaves no old value behind', async () => {
    const cache = bench.open({ maxBytes: '2mb' })
    for (const large of [Buffer.alloc(3 * 2 ** 20), 'x'.repeat(3 * 2 ** 20), { b: Buffer.alloc(65 * 2 ** 20) }]) {
      cache.set('key', 'old')
      expect(cache.set('key', large)).toBe(false)
      expect(cache.get('key')).toBeUndefined()
      cache.set('key', 'old')
      expect(cache.update('key', () => large)).toBe(false)
      expect(cache.has('key')).toBe(false)
      expect(cache.add('key', large)).toBe(false)
    }
    expect(cache.stats().sets.tooLarge).toBeGreaterThanOrEqual(9)
    expect(cache.set('key', 'small')).toBe(true)
    await cache.close()
  })

  it('goes on under an overwrite storm on one key', async () => {
    const cache = bench.open({ maxBytes: '2mb' })
    for (let i = 0; i < 1000; i++) cache.set(`still${i}`, 'x'.repeat(200))
    for (let i = 0; i < 12_000; i++) expect(cache.set('one', `value ${i}`.padEnd(300))).toBe(true)
    expect(cache.get('one')).toBe('value 11999'.padEnd(300))
    let left = 0
    for (let i = 0; i < 1000; i++) if (cache.has(`still${i}`)) left++
    expect(left).toBeGreaterThan(900)
    await cache.close()
  })
})
