// Bounds hold exactly, whatever the sizes: entries, bytes, values from nothing to chains of segments.
import { describe, expect, it } from 'vitest'
import { Kind, Meta, Mode, Status } from '../../src/engine/engine.js'
import { Counter } from '../../src/engine/layout.js'
import { allKeys, bytesOf, MIB, open, pattern, randomOf, set, setBytes } from './harness.js'

/** An expectation that is asked a million times. */
function must(holds: boolean): void {
  if (!holds) expect.fail('a bound or an answer is wrong')
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0

describe('maxEntries', () => {
  it.each([1, 2, 10, 250, 4000])('is reached exactly and never exceeded: %i', (maxEntries) => {
    const engine = open({ maxBytes: 8 * MIB, maxEntries })
    for (let i = 0; i < maxEntries * 3 + 20; i++) {
      must(set(engine, `key:${i}`, 'value') === Status.stored)
      must(engine.size <= maxEntries)
    }
    expect(engine.size).toBe(maxEntries)
    expect(allKeys(engine).length).toBe(maxEntries)
  })

  it('holds over several shards', () => {
    const engine = open({ maxBytes: 16 * MIB, maxEntries: 1000, shards: 4 })
    for (let i = 0; i < 6000; i++) {
      must(set(engine, `key:${i}`, 'value') === Status.stored)
      must(engine.size <= 1000)
    }
    expect(engine.size).toBe(1000)
  })

  it('holds after clear, and with deletes and expiry in between', () => {
    const engine = open({ maxBytes: 4 * MIB, maxEntries: 100 })
    const random = randomOf(3)
    for (let i = 0; i < 20_000; i++) {
      const key = `k${Math.floor(random() * 300)}`
      const choice = random()
      if (choice < 0.001) engine.clear()
      else if (choice < 0.2) engine.delete(key)
      else if (choice < 0.3) engine.advance(1)
      else must(set(engine, key, 'v'.repeat(Math.floor(random() * 50)), random() < 0.3 ? 5 : -1) === Status.stored)
      must(engine.size <= 100)
    }
    for (let i = 0; i < 200; i++) set(engine, `final${i}`, 'v')
    expect(engine.size).toBe(100)
  })
})

describe('maxBytes', () => {
  it('churn of mixed sizes never refuses what fits', () => {
    const engine = open({ maxBytes: 2 * MIB })
    const random = randomOf(1)
    for (let i = 0; i < 40_000; i++) {
      const length = Math.floor(random() ** 4 * 3000)
      must(set(engine, `k${Math.floor(random() * 20_000)}`, 'x'.repeat(length)) === Status.stored)
    }
    const keys = allKeys(engine)
    expect(keys.length).toBe(engine.size)
    expect(engine.size).toBeGreaterThan(500)
    expect(engine.counters()[Counter.segmentsFreed]).toBeGreaterThan(100)
  })

  it('an overwrite storm on one key leaves the others alone', () => {
    const engine = open({ maxBytes: 2 * MIB })
    for (let i = 0; i < 2000; i++) set(engine, `static${i}`, 'y'.repeat(200))
    for (let round = 0; round < 60_000; round++) set(engine, 'storm', `${round}`.padEnd(100))
    let kept = 0
    for (let i = 0; i < 2000; i++) if (engine.has(`static${i}`)) kept++
    expect(kept).toBeGreaterThanOrEqual(1960)
    expect(engine.read('storm', false)).toBe('59999'.padEnd(100))
  })

  it('many small entries in an index sized for larger ones are evicted, not refused', () => {
    const engine = open({ maxBytes: MIB })
    for (let i = 0; i < 60_000; i++) must(set(engine, `${i}`, '') === Status.stored)
    expect(engine.counters()[Counter.evictedIndex]).toBeGreaterThan(0)
    expect(engine.read('59999', true)).toBe('')
  })

  it('a cleared or expired cache is used again as a whole', () => {
    const engine = open({ maxBytes: MIB })
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 3000; i++) {
        must(set(engine, `r${round}:${i}`, 'z'.repeat(150), round % 2 === 0 ? 10 : -1) === Status.stored)
      }
      if (round % 2 === 0) engine.advance(1000)
      else engine.clear()
      for (let i = 0; i < 3000; i++) must(!engine.has(`r${round}:${i}`))
    }
  })
})

describe('values', () => {
  const sizes = [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 255, 256, 257, 500, 511, 512, 513, 3000, 4000, 4096, 60_000, 65_535]
  it.each([...sizes, 65_536, 65_537, 100_000, 131_072, 1_000_000, 3 * MIB + 5, 8 * MIB])('of %i bytes', (length) => {
    const engine = open({ maxBytes: 64 * MIB })
    const bytes = pattern(length, length)
    expect(setBytes(engine, 'bytes', bytes)).toBe(Status.stored)
    must(same(bytesOf(engine, 'bytes'), bytes))
    expect(engine.meta[Meta.kind]).toBe(Kind.bytes)
    const ascii = 'a'.repeat(length)
    const utf8 = 'é€'.repeat(Math.ceil(length / 5))
    for (const text of [ascii, utf8, `${utf8}\ud800`]) {
      expect(engine.writeString('text', text, Mode.set, -1, -1)).toBe(Status.stored)
      expect(engine.read('text', true) === text).toBe(true)
      expect(engine.writeString('text', text, Mode.set, 1000, 2000)).toBe(Status.stored)
      expect(engine.read('text', true) === text).toBe(true)
    }
    expect(engine.take('text') === `${utf8}\ud800`).toBe(true)
    engine.take('bytes')
    if (length > engine.scratch.length) must(same(engine.taken, bytes))
    expect(engine.size).toBe(0)
  })

  it('too large are refused, and the old value is gone', () => {
    const engine = open({ maxBytes: MIB })
    set(engine, 'k', 'old')
    expect(setBytes(engine, 'k', new Uint8Array(MIB))).toBe(Status.tooLarge)
    expect(engine.read('k', true)).toBeUndefined()
    expect(engine.size).toBe(0)
    expect(engine.counters()[Counter.rejectedTooLarge]).toBe(1)
  })

  it('in chains give all their segments back', () => {
    const engine = open({ maxBytes: MIB })
    const random = randomOf(9)
    const last = new Map<string, Uint8Array>()
    for (let i = 0; i < 1500; i++) {
      const key = `big${i % 5}`
      const bytes = pattern(Math.floor(random() * 100_000), i)
      if (random() < 0.2) {
        engine.delete(key)
        last.delete(key)
      } else {
        must(setBytes(engine, key, bytes) === Status.stored)
        last.set(key, bytes)
      }
      const seen = bytesOf(engine, key)
      if (seen !== undefined) must(same(seen, last.get(key)))
    }
    engine.clear()
    expect(setBytes(engine, 'all', pattern(300_000, 1))).toBe(Status.stored)
  })
})

describe('stamps', () => {
  it('are current until the entry changes in any way', () => {
    const engine = open({ maxBytes: MIB })
    const stampOf = (key: string) => {
      engine.read(key, false)
      const [, , slot, location, generation, world] = engine.meta
      return () => engine.isCurrent(slot, location, generation, world)
    }
    set(engine, 'a', '1')
    const first = stampOf('a')
    expect(first()).toBe(true)
    set(engine, 'b', '2')
    expect(first()).toBe(true)
    set(engine, 'a', '1')
    expect(first()).toBe(false)
    const second = stampOf('a')
    expect(second()).toBe(true)
    engine.touch('a', 50, -1)
    expect(second()).toBe(false)
    const third = stampOf('a')
    engine.clear()
    expect(third()).toBe(false)
    set(engine, 'a', '1')
    const fourth = stampOf('a')
    for (let i = 0; i < 30_000; i++) set(engine, `fill${i}`, 'x'.repeat(100))
    expect(fourth()).toBe(false)
  })
})
