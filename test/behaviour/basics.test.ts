import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { difference } from '../values/equality.js'
import { kept } from '../values/samples.js'
import { suite } from './suite.js'

suite('one cache', (bench) => {
  let cache: Cache
  beforeEach(() => {
    cache = bench.open({ maxBytes: '16mb' })
  })
  afterEach(() => cache.close())

  it('gives back what was set, until it is deleted', () => {
    expect(cache.get('a')).toBeUndefined()
    expect(cache.has('a')).toBe(false)
    expect(cache.set('a', 'one')).toBe(true)
    expect([cache.get('a'), cache.peek('a'), cache.has('a'), cache.size]).toEqual(['one', 'one', true, 1])
    expect(cache.set('a', 'two')).toBe(true)
    expect([cache.get('a'), cache.size]).toEqual(['two', 1])
    expect(cache.delete('a')).toBe(true)
    expect(cache.delete('a')).toBe(false)
    expect([cache.get('a'), cache.has('a'), cache.size]).toEqual([undefined, false, 0])
  })

  it.each(kept)('keeps a value through get, getMany and take: %s', (_, value) => {
    expect(cache.set('key', value)).toBe(true)
    expect(difference(value, cache.get('key'))).toBeUndefined()
    expect(difference(value, cache.peek('key'))).toBeUndefined()
    const [absent, found, again] = cache.getMany(['none', 'key', 'key'])
    expect(absent).toBeUndefined()
    expect(difference(value, found)).toBeUndefined()
    expect(difference(value, again)).toBeUndefined()
    expect(difference(value, cache.take('key'))).toBeUndefined()
    expect(cache.take('key')).toBeUndefined()
  })

  const strings: [string, string][] = [
    ['empty', ''],
    ['ASCII', 'hello world'],
    ['latin-1', 'déjà vu'],
    ['UTF-8', '日本語 😀'],
    ['lone surrogates', 'a\ud800b\udfff'],
    ['NUL', '\0a\0'],
    ['long ASCII', 'x'.repeat(200_000)],
    ['long UTF-8', '語'.repeat(100_000)],
    ['long UTF-16', '\ud800é'.repeat(50_000)],
    ['just under a chunk', 'y'.repeat(4080)],
  ]
  it.each(strings)('keeps a string as it is: %s', (_, text) => {
    expect(cache.set('key', text)).toBe(true)
    expect(cache.get('key')).toBe(text)
    expect(cache.getMany(['key', 'key'])).toEqual([text, text])
    expect(cache.update('key', (old) => `${String(old)}!`)).toBe(true)
    expect(cache.take('key')).toBe(`${text}!`)
  })

  it('gives every caller a copy of its own when near is off', () => {
    const original = { list: [1], map: new Map([[1, 2]]) }
    cache.set('key', original)
    original.list.push(2)
    const first = cache.get<typeof original>('key')
    first?.list.push(3)
    first?.map.clear()
    expect(cache.get('key')).toEqual({ list: [1], map: new Map([[1, 2]]) })
    expect(Object.isFrozen(original) || Object.isFrozen(original.list)).toBe(false)
    const bytes = Buffer.from('abc')
    cache.set('bytes', bytes)
    bytes.fill(0)
    cache.get<Buffer>('bytes')?.fill(1)
    expect(cache.get<Buffer>('bytes')?.toString()).toBe('abc')
  })

  it('has null as a value, apart from absence', () => {
    cache.set('nothing', null)
    expect([cache.get('nothing'), cache.has('nothing'), cache.get('none')]).toEqual([null, true, undefined])
  })

  it('adds only what is absent', () => {
    expect(cache.add('a', 1)).toBe(true)
    expect(cache.add('a', 'text')).toBe(false)
    expect(cache.add('a', { x: 1 })).toBe(false)
    expect(cache.get('a')).toBe(1)
    cache.delete('a')
    expect(cache.add('a', 'text')).toBe(true)
    expect(cache.get('a')).toBe('text')
  })

  it('updates by what is there', () => {
    expect(cache.update<number[]>('list', (old) => [...(old ?? []), 1])).toBe(true)
    expect(cache.update<number[]>('list', (old) => [...(old ?? []), 2])).toBe(true)
    expect(cache.get('list')).toEqual([1, 2])
    expect(cache.update('list', () => undefined)).toBe(false)
    expect(cache.update('none', () => undefined)).toBe(false)
    expect([cache.get('list'), cache.has('none')]).toEqual([[1, 2], false])
    const pushed = cache.update<number[]>('list', (old) => {
      old?.push(3)
      return old
    })
    expect(pushed).toBe(true)
    expect(cache.get('list')).toEqual([1, 2, 3])
  })

  it('calls the function of update again when somebody wrote in between', () => {
    cache.set('n', { n: 0 })
    const seen: unknown[] = []
    const outcome = cache.update<{ n: number }>('n', (old) => {
      seen.push(old?.n)
      if (seen.length === 1) cache.set('n', { n: 10 })
      if (seen.length === 2) cache.delete('n')
      if (seen.length === 3) cache.set('n', { n: 20 })
      if (seen.length === 4) cache.clear()
      if (seen.length === 5) cache.set('n', 'a string')
      return { n: (old?.n ?? 0) + 1 }
    })
    expect(outcome).toBe(true)
    expect(seen).toEqual([0, 10, undefined, 20, undefined, undefined])
    expect(cache.get('n')).toEqual({ n: 1 })
  })

  it('leaves everything as it is when the function of update throws', () => {
    cache.set('n', 1)
    expect(() =>
      cache.update('n', () => {
        throw new Error('from the function')
      }),
    ).toThrow('from the function')
    expect(() => cache.update('n', () => Symbol('x'))).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_VALUE' }),
    )
    expect(() => cache.update('n', () => Promise.resolve(1))).toThrow('await it first')
    expect(cache.get('n')).toBe(1)
  })

  it('counts with increment', () => {
    expect(cache.increment('n')).toBe(1)
    expect(cache.increment('n', 2.5)).toBe(3.5)
    expect(cache.increment('n', -10)).toBe(-6.5)
    expect(cache.get('n')).toBe(-6.5)
    cache.set('set', 40)
    expect(cache.increment('set', 2)).toBe(42)
    for (const other of ['5', 5n, null, true, { n: 1 }, Buffer.from([1])]) {
      cache.set('other', other)
      expect(() => cache.increment('other')).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_NOT_A_NUMBER' }))
      expect(difference(other, cache.get('other'))).toBeUndefined()
    }
  })

  it('reads and writes many', () => {
    const stored = cache.setMany([
      ['a', 1],
      ['b', 'two', { ttl: '5m' }],
      ['c', { three: 3 }],
      ['d', 'kept not at all', { ttl: 0 }],
    ])
    expect(stored).toEqual([true, true, true, false])
    expect(cache.setMany(new Map<string, unknown>([['e', 5]]))).toEqual([true])
    expect(cache.getMany(['c', 'x', 'a', 'd', 'b', 'e', 'a'])).toEqual([
      { three: 3 },
      undefined,
      1,
      undefined,
      'two',
      5,
      1,
    ])
    expect(cache.getMany([])).toEqual([])
    expect(cache.deleteMany(['a', 'a', 'b', 'x'])).toBe(2)
    expect(cache.size).toBe(2)
  })

  it('reads many at once, whatever their sizes', () => {
    const keys = Array.from({ length: 1500 }, (_, i) => (i % 7 === 0 ? `schlüssel:${i}` : `key:${i}`))
    const value = (i: number) => (i % 3 === 0 ? { i } : i % 3 === 1 ? 'x'.repeat(i) : Buffer.alloc(i % 300, i))
    for (const [i, key] of keys.entries()) if (i % 5 !== 0) expect(cache.set(key, value(i))).toBe(true)
    const found = cache.getMany(keys)
    for (const [i, one] of found.entries()) {
      expect(difference(i % 5 === 0 ? undefined : value(i), one), keys[i]).toBeUndefined()
    }
  })

  it('clears everything at once and goes on', () => {
    for (let i = 0; i < 1000; i++) cache.set(`k${i}`, i)
    expect(cache.size).toBe(1000)
    cache.clear()
    expect(cache.size).toBe(0)
    expect([...cache.scan()]).toEqual([])
    expect(cache.get('k1')).toBeUndefined()
    expect(cache.take('k2')).toBeUndefined()
    expect(cache.delete('k3')).toBe(false)
    expect(cache.touch('k4', { ttl: '1m' })).toBe(false)
    expect(cache.expiresIn('k5')).toBeUndefined()
    expect(cache.add('k6', 'anew')).toBe(true)
    expect(cache.increment('k7')).toBe(1)
    expect(cache.size).toBe(2)
    for (let round = 0; round < 50; round++) {
      cache.set('k8', round)
      cache.clear()
    }
    expect([cache.has('k8'), cache.size]).toEqual([false, 0])
  })

  it('scans keys, by prefix', () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `${i % 2 === 0 ? 'user:' : 'org:é'}${i}`)
    for (const key of keys) cache.set(key, 'x')
    expect([...cache.scan()].sort()).toEqual([...keys].sort())
    expect([...cache.scan({ prefix: 'org:é' })].sort()).toEqual(keys.filter((key) => key.startsWith('org')).sort())
    expect([...cache.scan({ prefix: 'none' })]).toEqual([])
    expect([...cache.scan({ prefix: 'user:1998' })]).toEqual(['user:1998'])
  })

  it('scans while others write: each key that stays is seen once', () => {
    for (let i = 0; i < 1000; i++) cache.set(`stays${i}`, i)
    const seen: string[] = []
    let i = 0
    for (const key of cache.scan({ prefix: 'stays' })) {
      seen.push(key)
      cache.set(`stays${i}`, 'rewritten')
      cache.set(`new${i}`, i)
      cache.delete(`new${i - 5}`)
      i++
    }
    expect(seen.sort()).toEqual(Array.from({ length: 1000 }, (_, n) => `stays${n}`).sort())
  })

  it('inspects an entry without using it', () => {
    cache.set('text', 'four')
    cache.set('né', { a: 1 }, { ttl: '1m' })
    const types = { n: 1, b: true, z: null, big: 5n, buf: Buffer.from('abc'), s: new Set([1]) }
    for (const [key, value] of Object.entries(types)) cache.set(key, value)
    expect(cache.inspect('text')).toEqual({
      key: 'text',
      type: 'string',
      keyBytes: 4,
      valueBytes: 4,
      expiresIn: Infinity,
    })
    const structured = cache.inspect('né')
    expect(structured).toMatchObject({ key: 'né', type: 'structured', keyBytes: 3 })
    expect(structured?.expiresIn).toBeGreaterThan(50_000)
    expect(structured?.expiresIn).toBeLessThanOrEqual(60_005)
    expect(Object.keys(types).map((key) => cache.inspect(key)?.type)).toEqual([
      'number',
      'boolean',
      'null',
      'bigint',
      'buffer',
      'structured',
    ])
    expect(cache.inspect('buf')?.valueBytes).toBe(3)
    expect(cache.inspect('none')).toBeUndefined()
  })

  it('counts what happens', () => {
    const before = cache.stats()
    expect(before).toMatchObject({ version: 1, size: 0, hits: 0, misses: 0, hitRatio: 0, maxBytes: 16 * 2 ** 20 })
    expect(before.maxEntries).toBeUndefined()
    cache.set('a', 'x')
    cache.set('a', { y: 1 })
    cache.set('b', 1)
    cache.get('a')
    cache.get('b')
    cache.get('c')
    cache.getMany(['a', 'c'])
    cache.peek('a')
    cache.has('a')
    cache.inspect('a')
    cache.add('a', 1)
    cache.set('n', 1, { ttl: 0 })
    cache.set('n', 1, { ttl: 0 })
    cache.delete('b')
    cache.take('a')
    const stats = cache.stats()
    expect(stats).toMatchObject({ size: 0, hits: 3, misses: 2, hitRatio: 0.6, deleted: 1, taken: 1 })
    expect(stats.sets).toMatchObject({ stored: 3, replaced: 1, refused: 1, tooLarge: 0, noRoom: 0, paused: 0 })
    expect(stats.bytesWritten).toBeGreaterThan(0)
    expect(bench.name === 'mixed' || stats.engine === bench.name).toBe(true)
  })
})
