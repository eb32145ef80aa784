import { afterEach, beforeEach, expect, it } from 'vitest'
import { Cache } from '../../src/cache/cache.js'
import { NamespaceTable } from '../../src/cache/namespace-table.js'
import { NearCaches } from '../../src/cache/near-caches.js'
import { createRegions } from '../../src/engine/create.js'
import type { CacheOptions, NearOptions } from '../../src/options/cache-options.js'
import { readOptions } from '../../src/options/validate.js'
import { Observer } from '../../src/stats/observer.js'
import type { Bench } from './engines.js'
import { suite } from './suite.js'

/** Two handles over the same memory, as two threads would have: what one writes, the other's near cache must notice. */
function pair(bench: Bench, options: CacheOptions = {}): [Cache, Cache] {
  const settings = readOptions({ maxBytes: '8mb', clock: 'manual', ...options }, {})
  const regions = createRegions({
    maxBytes: settings.shared.maxBytes,
    maxEntries: settings.shared.maxEntries,
    manualClock: true,
  })
  const handle = (which: number) => {
    const engines = bench.engines(regions)
    const engine = engines[which % engines.length]
    if (engine === undefined) throw new Error('no engine')
    for (const other of engines) if (other !== engine) other.detach()
    return new Cache({
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
  }
  return [handle(0), handle(1)]
}

suite('the near cache', (bench) => {
  let here: Cache
  let there: Cache
  const open = (options?: CacheOptions) => {
    ;[here, there] = pair(bench, options)
  }
  const near = (options: NearOptions) => open({ near: options })
  beforeEach(() => open())
  afterEach(async () => {
    await here.close()
    await there.close()
  })

  it('hands out the same frozen object until it changes', () => {
    const original = { list: [{ a: 1 }] }
    here.set('key', original)
    const first = here.get<typeof original>('key')
    expect(first).toEqual(original)
    expect(first).not.toBe(original)
    expect(here.get('key')).toBe(first)
    expect(Object.isFrozen(first) && Object.isFrozen(first?.list) && Object.isFrozen(first?.list[0])).toBe(true)
    expect(() => first?.list.push({ a: 2 })).toThrow(TypeError)
    expect(Object.isFrozen(original) || Object.isFrozen(original.list)).toBe(false)
    original.list.push({ a: 3 })
    expect(here.get('key')).toBe(first)
    expect(here.stats().near).toMatchObject({ entries: 1 })
  })

  it('is never wrong after a change, here or in another thread', () => {
    const fresh = (key: string) => {
      here.set(key, { v: 'old' })
      expect(here.get(key)).toEqual({ v: 'old' })
      expect(here.get(key)).toBe(here.get(key))
    }
    for (const other of [here, there]) {
      fresh('set')
      other.set('set', { v: 'new' })
      expect(here.get('set')).toEqual({ v: 'new' })
      fresh('text')
      other.set('text', 'now a string')
      expect(here.get('text')).toBe('now a string')
      fresh('delete')
      other.delete('delete')
      expect(here.get('delete')).toBeUndefined()
      fresh('take')
      expect(other.take('take')).toEqual({ v: 'old' })
      expect(here.get('take')).toBeUndefined()
      fresh('update')
      other.update<{ v: string }>('update', (old) => ({ v: `${old?.v}er` }))
      expect(here.get('update')).toEqual({ v: 'older' })
      fresh('again')
      other.delete('again')
      other.set('again', { v: 'new' })
      expect(here.get('again')).toEqual({ v: 'new' })
      fresh('refused')
      other.set('refused', { v: 'new' }, { ttl: 0 })
      expect(here.get('refused')).toBeUndefined()
      fresh('clear')
      other.clear()
      expect(here.get('clear')).toBeUndefined()
      fresh('clear')
    }
    expect(here.stats().near?.outdated).toBeGreaterThan(5)
  })

  it('lets entries expire, also when another thread touches them', () => {
    here.set('ttl', { a: 1 }, { ttl: 100 })
    here.set('touched', { b: 1 }, { ttl: 100 })
    here.set('renewed', { c: 1 }, { ttl: 100 })
    for (const key of ['ttl', 'touched', 'renewed']) here.get(key)
    here.advance(60)
    there.touch('touched', { ttl: 100 })
    there.touch('renewed', { ttl: 10 })
    expect([here.get('ttl'), here.get('touched'), here.get('renewed')]).toEqual([{ a: 1 }, { b: 1 }, { c: 1 }])
    here.advance(39)
    expect([here.get('ttl'), here.get('renewed')]).toEqual([{ a: 1 }, undefined])
    there.advance(1)
    expect([here.get('ttl'), here.get('touched')]).toEqual([undefined, { b: 1 }])
    here.advance(60)
    expect(here.get('touched')).toBeUndefined()
  })

  it('counts its hits as use: idle entries stay as long as they are read', () => {
    here.set('idle', { a: 1 }, { idle: 100 })
    here.set('both', { b: 1 }, { idle: 100, ttl: '1h' })
    for (let i = 0; i < 10; i++) {
      here.advance(60)
      expect([here.get('idle'), here.get('both')]).toEqual([{ a: 1 }, { b: 1 }])
    }
    here.advance(100)
    expect([here.get('idle'), here.get('both')]).toEqual([undefined, undefined])
  })

  it('counts its hits as use: what is read near is not evicted', () => {
    open({ maxEntries: 100 })
    const hot = Array.from({ length: 10 }, (_, i) => `hot${i}`)
    for (const key of hot) here.set(key, { key })
    let lost = 0
    for (let i = 0; i < 3000; i++) {
      here.set(`cold${i}`, { i })
      const key = hot[i % 10] as string
      if (here.get(key) === undefined) {
        lost++
        here.set(key, { key })
      }
    }
    expect(lost).toBeLessThan(30)
  })

  it('stays within its bounds', () => {
    near({ maxEntries: 20, maxBytes: '4kb', maxValueBytes: 500 })
    for (let i = 0; i < 100; i++) here.set(`k${i}`, { text: 'x'.repeat(i) })
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) {
        expect(here.get(`k${i}`)).toEqual({ text: 'x'.repeat(i) })
        expect(here.stats().near?.entries).toBeLessThanOrEqual(20)
        expect(here.stats().near?.bytes).toBeLessThanOrEqual(4096)
      }
    }
    here.set('large', { text: 'x'.repeat(600) })
    expect(here.get('large')).not.toBe(here.get('large'))
    expect(Object.isFrozen(here.get('large'))).toBe(true)
    near({ maxEntries: 1 })
    for (let i = 0; i < 10; i++) {
      here.set(`k${i}`, { i })
      expect(here.get(`k${i}`)).toBe(here.get(`k${i}`))
      expect(here.stats().near?.entries).toBe(1)
    }
  })

  it('gives fresh copies of what cannot be frozen', () => {
    for (const value of [new Map([[1, 2]]), Buffer.from('abc'), { when: new Date(0) }, new Uint8Array([1, 2])]) {
      here.set('key', value)
      const [first, second] = [here.get<object>('key'), here.get<object>('key')]
      expect(first).toEqual(value)
      expect(first).not.toBe(second)
    }
    expect(here.stats().near?.entries).toBe(0)
  })

  it("hands out one object with values: 'reference', which callers then share", () => {
    near({ values: 'reference' })
    here.set('key', { list: [1], map: new Map() })
    const first = here.get<{ list: number[] }>('key')
    first?.list.push(2)
    expect(here.get('key')).toBe(first)
    expect(there.get('key')).toEqual({ list: [1], map: new Map() })
    there.set('key', { list: [3] })
    expect(here.get('key')).toEqual({ list: [3] })
  })

  it("hands out fresh copies with values: 'copy'", () => {
    near({ values: 'copy' })
    here.set('key', { list: [1] })
    here.get<{ list: number[] }>('key')?.list.push(2)
    expect(here.get('key')).toEqual({ list: [1] })
    expect(here.stats().near).toBeUndefined()
  })

  it('gives update and take an unfrozen copy of their own', () => {
    here.set('key', { list: [1] })
    const near = here.get('key')
    here.update<{ list: number[] }>('key', (old) => {
      old?.list.push(2)
      return old
    })
    expect(near).toEqual({ list: [1] })
    expect(here.get('key')).toEqual({ list: [1, 2] })
    const taken = here.take<{ list: number[] }>('key')
    taken?.list.push(3)
    expect(taken).toEqual({ list: [1, 2, 3] })
  })

  it('freezes what getMany and peek hand out as well', () => {
    here.set('key', { a: [1] })
    for (const value of [here.peek('key'), here.getMany(['key'])[0]]) expect(Object.isFrozen(value)).toBe(true)
  })

  it('serves and fills reads of many', () => {
    for (let i = 0; i < 10; i++) here.set(`k${i}`, { i })
    here.set('text', 'x')
    const keys = ['k0', 'absent', 'text', 'k1', 'k0']
    const first = here.getMany(keys)
    expect(first).toEqual([{ i: 0 }, undefined, 'x', { i: 1 }, { i: 0 }])
    const hits = here.stats().near?.hits as number
    const second = here.getMany(keys)
    expect(second).toEqual(first)
    expect(second[3]).toBe(first[3])
    expect(here.get('k1')).toBe(second[3])
    expect(here.stats().near?.hits).toBe(hits + 4)
    expect(here.stats()).toMatchObject({ hits: 9, misses: 2 })
    there.set('k0', { i: 'new' })
    there.delete('k1')
    expect(here.getMany(keys)).toEqual([{ i: 'new' }, undefined, 'x', undefined, { i: 'new' }])
    for (const value of here.getMany(['k0', 'k2'])) expect(Object.isFrozen(value)).toBe(true)
    here.clear()
    expect(here.getMany(keys)).toEqual(keys.map(() => undefined))
  })

  it('notices when a tag is invalidated, here or in another thread', async () => {
    for (const other of [here, there]) {
      here.set('tagged', { v: 1 }, { tags: ['a', 'b'] })
      here.set('free', { v: 2 })
      const seen = here.get('tagged')
      expect(here.get('tagged')).toBe(seen)
      await other.invalidateTags('c')
      expect(here.get('tagged')).toEqual({ v: 1 })
      await other.invalidateTags('b')
      expect(here.get('tagged')).toBeUndefined()
      expect(here.get('free')).toEqual({ v: 2 })
      here.set('tagged', { v: 3 }, { tags: ['b'] })
      expect([here.get('tagged'), here.get('tagged')]).toEqual([{ v: 3 }, { v: 3 }])
    }
  })

  it('is right while memory is reused all the time', () => {
    open({ maxBytes: '1mb' })
    const expected = new Map<string, number>()
    let near = 0
    for (let i = 0; i < 30_000; i++) {
      const key = `k${(i * 7) % 50}`
      const found = here.get<{ i: number }>(key)
      if (found !== undefined) {
        near++
        expect(found.i).toBe(expected.get(key))
      }
      if (i % 3 === 0) {
        const side = i % 2 === 0 ? here : there
        if (side.set(key, { i, pad: 'x'.repeat(i % 300) })) expected.set(key, i)
      }
      there.set(`cold${i % 5000}`, 'y'.repeat(300))
    }
    expect(near).toBeGreaterThan(1000)
    expect(here.stats().upkeep.segmentsFreed).toBeGreaterThan(20)
  })

  it('never lets a changed copy reach another caller, nor touches what callers gave', () => {
    const nested = () => ({ list: [1, { deep: [2] }], map: new Map([['k', { v: 1 }]]), bytes: Buffer.from('abc') })
    const plain = () => ({ list: [1, { deep: [2] }] })
    for (const [make, key] of [
      [nested, 'unfreezable'],
      [plain, 'plain'],
    ] as const) {
      const original = make()
      here.set(key, original)
      const spoil = (value: unknown) => {
        const copy = value as ReturnType<typeof nested>
        try {
          copy.list.push('spoilt' as never)
        } catch {
          // Frozen: nothing to spoil.
        }
        copy.map?.set('k', { v: 2 })
        copy.bytes?.fill(0)
      }
      for (const read of [
        () => here.get(key),
        () => here.get(key),
        () => here.peek(key),
        () => here.getMany([key])[0],
        () => there.get(key),
      ]) {
        const value = read()
        expect(value).toEqual(make())
        expect(value).not.toBe(original)
        spoil(value)
        expect(read()).toEqual(make())
      }
      here.update(key, (old) => {
        spoil(old)
        return undefined
      })
      expect(here.get(key)).toEqual(make())
      spoil(original)
      expect(here.get(key)).toEqual(make())
      expect(Object.isFrozen(original) || Object.isFrozen(original.list[1])).toBe(false)
    }
  })

  it('tells what it is worth', () => {
    for (let i = 0; i < 50; i++) here.set(`k${i}`, { i, list: Array.from({ length: 20 }, (_, n) => ({ n })) })
    for (let i = 0; i < 20_000; i++) {
      here.get(`k${i % 50}`)
      // What is decoded anew now and then is what a hit saves.
      if (i % 100 === 0) here.set(`k${i % 50}`, { i })
    }
    const { near } = here.stats()
    expect(near?.readNanoseconds).toBeGreaterThan(0)
    expect(near?.savedMilliseconds).toBeTypeOf('number')
    expect(near?.resting).toBe(false)
  })

  it('rests where it brings nothing, and is still right', () => {
    near({ maxEntries: 100 })
    for (let i = 0; i < 1000; i++) here.set(`k${i}`, 'x')
    for (let i = 0; i < 4096; i++) here.get(`k${i % 1000}`)
    expect(here.stats().near?.resting).toBe(true)
    here.set('key', { a: 1 })
    expect(here.get('key')).toEqual({ a: 1 })
    expect(here.get('key')).not.toBe(here.get('key'))
    for (let i = 0; i < 66_000; i++) here.get(`k${i % 1000}`)
    here.get('key')
    expect(here.get('key')).toBe(here.get('key'))
    expect(here.stats().near?.resting).toBe(false)
  })

  it('keeps all of what fits exactly, however it is read', () => {
    near({ maxEntries: 500 })
    for (let i = 0; i < 500; i++) here.set(`k${i}`, { i })
    for (let round = 0; round < 5; round++) for (let i = 0; i < 500; i++) here.get(`k${i}`)
    expect(here.stats().near).toMatchObject({ entries: 500, misses: 500 })
  })

  it('survives a storm of changes from both sides', () => {
    const expected = new Map<string, number>()
    let state = 12345
    const random = (bound: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % bound
    }
    for (let i = 0; i < 20_000; i++) {
      const key = `k${random(40)}`
      const side = random(2) === 0 ? here : there
      const action = random(10)
      if (action < 2) {
        side.set(key, { i })
        expected.set(key, i)
      } else if (action === 2) {
        side.delete(key)
        expected.delete(key)
      } else if (action === 3 && i % 50 === 0) {
        side.clear()
        expected.clear()
      } else {
        const found = side.get<{ i: number }>(key)
        expect(found?.i).toBe(expected.get(key))
      }
    }
    expect(here.stats().near?.hits).toBeGreaterThan(100)
  })
})
