// Tags at the level of the engines and in the near cache: what is invalidated is absent for everybody, and what was loaded before never
// comes after.
import { expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { NamespaceTable } from '../../src/cache/namespace-table.js'
import { NearCaches } from '../../src/cache/near-caches.js'
import { createRegions, type Regions } from '../../src/engine/create.js'
import { type Engine, type EntryFields, Kind, Meta, MetaFlag, Mode, Status } from '../../src/engine/engine.js'
import { Control, ControlHeader, Counter, TAG_ERA } from '../../src/engine/layout.js'
import { readOptions } from '../../src/options/validate.js'
import { Observer } from '../../src/stats/observer.js'
import { suite } from './suite.js'

const MIB = 2 ** 20

const plain: EntryFields = { ttl: -1, idle: -1, soft: -1, cost: -1, stamp: 0, tags: new Uint32Array(0), lease: 0 }

const put = (engine: Engine, key: string, value: string, tags: number[], more: Partial<EntryFields> = {}) =>
  engine.writeEntry(key, value, 0, Mode.set, {
    ...plain,
    stamp: engine.tagStamp(),
    tags: new Uint32Array(tags),
    ...more,
  })

const invalidate = (engine: Engine, ...tags: number[]) => engine.invalidateTags(new Uint32Array(tags))

suite('tags', (bench) => {
  const open = (options: { maxEntries?: number; maxBytes?: number } = {}): [() => Engine, Regions] => {
    const regions = createRegions({ maxBytes: MIB, manualClock: true, ...options })
    const engines = bench.engines(regions)
    let turn = 0
    return [() => engines[turn++ % engines.length] as Engine, regions]
  }

  it('give one generation to a tag, the same in every engine', () => {
    for (const maxBytes of [MIB, 16 * MIB]) {
      const [next, regions] = open({ maxBytes })
      const words = new Uint32Array(regions.control.buffer)
      const count = words[ControlHeader.tags >> 2] as number
      expect(count).toBe(maxBytes === MIB ? 1024 : 16_384)
      expect((words[ControlHeader.tagsOffset >> 2] as number) + count * 4).toBeLessThanOrEqual(words.byteLength)
      const seen = new Set<number>()
      for (const tag of ['a', 'org:7', 'ü', 'x'.repeat(100), '\ud800', 'ä'.repeat(3000)]) {
        const counter = next().tagCounter(tag)
        expect(next().tagCounter(tag)).toBe(counter)
        expect(counter).toBeLessThan(count)
        seen.add(counter)
      }
      expect(seen.size).toBeGreaterThan(4)
    }
  })

  it('drop what has them, everywhere and nothing else', () => {
    const [next] = open({ maxEntries: 10 })
    const [a, b] = [next().tagCounter('a'), next().tagCounter('b')]
    expect(a).not.toBe(b)
    put(next(), 'both', 'v', [a, b])
    put(next(), 'one', 'v', [a])
    put(next(), 'none', 'v', [])
    const engine = next()
    expect(engine.read('one', true)).toBe('v')
    expect(engine.meta[Meta.flags]).toBe(MetaFlag.tagged)
    const [, , slot, location, generation, world] = engine.meta as unknown as number[]
    const isCurrent = () => next().isCurrent(slot as number, location as number, generation as number, world as number)
    expect([isCurrent(), isCurrent()]).toEqual([true, true])
    invalidate(next(), a)
    expect([isCurrent(), isCurrent()]).toEqual([false, false])
    for (let i = 0; i < 2; i++) {
      expect(next().read('both', false)).toBeUndefined()
      expect(next().has('one')).toBe(false)
      expect(next().expiresIn('one')).toBe(-1)
      expect(next().touch('one', 100, -1)).toBe(false)
      expect(next().read('none', true)).toBe('v')
      const keys: string[] = []
      for (let cursor = next().scan(0, 9, '', keys); cursor !== 0; ) cursor = next().scan(cursor, 9, '', keys)
      expect(keys).toEqual(['none'])
    }
    expect(next().read('one', true)).toBeUndefined()
    expect(next().lookUp('both')).toBeUndefined()
    expect(next().size).toBe(1)
    expect(next().counters()[Counter.invalidated]).toBe(2)
    expect(next().counters()[Counter.tagInvalidations]).toBe(1)
    put(next(), 'one', 'again', [a])
    expect(next().read('one', true)).toBe('again')
    expect(next().delete('one')).toBe(true)
  })

  it('go over to what comes of an entry', () => {
    const [next] = open()
    const fields = { ...plain, stamp: next().tagStamp(), tags: new Uint32Array([5]), soft: 50, ttl: 90 }
    const eight = new Uint8Array(new Float64Array([1]).buffer)
    expect(next().writeEntry('n', eight, Kind.number, Mode.set, fields)).toBe(Status.stored)
    expect(next().increment('n', 1, -1, -1)).toBe(2)
    expect(next().expiresIn('n')).toBe(50)
    put(next(), 's', 'v', [4, 5])
    const writes = (value: string) => {
      const engine = next()
      expect(engine.read('s', false)).toBeDefined()
      const [, , slot, location, generation] = engine.meta as unknown as [number, number, number, number, number]
      return engine.writeStringIf('s', value, -1, -1, slot, location, generation)
    }
    // As long as a segment, so that the tags make it a chain; and short again.
    for (const value of ['w', 'w'.repeat(4060), 'w'.repeat(100_000), 'w']) {
      expect(writes(value)).toBe(Status.stored)
      expect(next().read('s', true)).toBe(value)
    }
    expect(next().touch('s', 1000, -1)).toBe(true)
    expect(next().read('s', true)).toBe('w')
    invalidate(next(), 5)
    expect(next().read('s', true)).toBeUndefined()
    expect(next().increment('n', 1, -1, -1)).toBe(1)
  })

  it('refuse what was loaded before', () => {
    const [next] = open()
    for (const refreshes of [false, true]) {
      if (refreshes) put(next(), 'k', 'old', [4], { soft: 1, ttl: 1e6 })
      next().advance(1)
      const fill = (token: number, stamp: number, tags: number[]) =>
        next().writeEntry('k', 'new', 0, Mode.fill, { ...plain, stamp, tags: new Uint32Array(tags), lease: token })
      const stamp = next().tagStamp()
      const token = next().acquireLease('k', 1000)
      invalidate(next(), 4)
      expect(fill(token, stamp, refreshes ? [] : [3, 4])).toBe(Status.refused)
      expect(next().read('k', true)).toBeUndefined()
      next().endLease('k', token, 4, undefined)
      expect(fill(next().acquireLease('k', 1000), next().tagStamp(), [3, 4])).toBe(Status.stored)
      expect(next().read('k', true)).toBe('new')
      next().delete('k')
    }
  })

  it('hold across the wrap of their stamps', () => {
    for (let era = 0; era < 5; era++) {
      const [next, regions] = open()
      const words = new Uint32Array(regions.control.buffer)
      const start = (era * TAG_ERA - 3) >>> 0
      words[Control.tagStamp >> 2] = start
      // As the era before would have left them.
      const ages = [0, 5, TAG_ERA / 2, TAG_ERA]
      const first = (words[ControlHeader.tagsOffset >> 2] as number) >> 2
      for (let i = 0; i < 1024; i++) words[first + i] = start - (ages[i & 3] as number)
      for (let turn = 0; turn < 8; turn++) {
        put(next(), 'used', 'v', [1])
        put(next(), 'old', 'v', [2, 3, 100, 101, 102, 103])
        expect([next().has('used'), next().has('old')]).toEqual([true, true])
        invalidate(next(), 1)
        const begins = next().tagStamp() % TAG_ERA === 0
        expect([next().has('used'), next().has('old')]).toEqual([false, !begins])
      }
    }
  })

  it('may be many', () => {
    const [next] = open()
    const tags = Array.from({ length: 800 }, (_, i) => i)
    expect(put(next(), 'k', 'v', tags)).toBe(Status.stored)
    expect(next().read('k', true)).toBe('v')
    invalidate(next(), 799)
    expect(next().read('k', true)).toBeUndefined()
    expect(put(next(), 'k', 'v', [...tags, ...tags])).toBe(Status.tooLarge)
  })

  it('are looked at by near hits', async () => {
    const settings = readOptions({ maxBytes: '1mb', clock: 'manual' }, {})
    const regions = createRegions({ maxBytes: MIB, manualClock: true })
    const engines = bench.engines(regions)
    const [engine, other] = [engines[0] as Engine, engines.at(-1) as Engine]
    const cache = new Cache({
      name: 'near',
      shared: settings.shared,
      engine,
      engineReason: '',
      near: settings.near,
      nearCaches: new NearCaches(engine, regions),
      namespaces: new NamespaceTable(regions),
      loads: settings.loads,
      sharedBytes: 0,
      owners: undefined,
      ownersReason: 'the test looks after the memory',
      observer: new Observer(engine, regions, 'sampled'),
      leave: async () => engine.detach(),
    })
    cache.set('k', { a: 1 })
    const length = engine.read('k', false) as number
    const [bytes, kind] = [engine.scratch.slice(0, length), engine.meta[Meta.kind] as number]
    for (const ttl of [-1, 1000]) {
      const tagged = { ...plain, ttl, stamp: other.tagStamp(), tags: new Uint32Array([7, 8]) }
      other.writeEntry('k', bytes, kind, Mode.set, tagged)
      const first = cache.get('k')
      expect(first).toEqual({ a: 1 })
      expect(cache.get('k')).toBe(first)
      invalidate(other, 9)
      expect(cache.get('k')).toBe(first)
      invalidate(other, 8)
      expect(cache.get('k')).toBeUndefined()
    }
    await cache.close()
  })
})
