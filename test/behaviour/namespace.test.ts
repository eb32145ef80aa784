import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { KeySpace, namespacePrefix } from '../../src/cache/keys.js'
import { suite } from './suite.js'

interface User {
  name: string
}

suite('namespaces', (bench) => {
  let cache: Cache
  beforeEach(() => {
    cache = bench.open({ maxBytes: '4mb', clock: 'manual', near: {}, ttl: '1h' })
  })
  afterEach(() => cache.close())

  it('have keys of their own', () => {
    const users = cache.namespace<User>('users')
    const guests = cache.namespace<User>('guests')
    cache.set('a', { name: 'root' })
    users.set('a', { name: 'user' })
    guests.set('a', { name: 'guest' })
    for (let round = 0; round < 3; round++) {
      expect([cache.get('a'), users.get('a'), guests.get('a')]).toEqual([
        { name: 'root' },
        { name: 'user' },
        { name: 'guest' },
      ])
    }
    expect(users.getMany(['a', 'b'])).toEqual([{ name: 'user' }, undefined])
    expect(users.take('a')).toEqual({ name: 'user' })
    expect([cache.has('a'), users.has('a'), guests.has('a')]).toEqual([true, false, true])
    expect(guests.delete('a')).toBe(true)
    expect(cache.get('a')).toEqual({ name: 'root' })
  })

  it('every operation stays within', () => {
    const n = cache.namespace('n')
    expect(n.set('k', 1)).toBe(true)
    expect(n.add('k', 2)).toBe(false)
    expect(n.update<number>('k', (old) => (old ?? 0) + 1)).toBe(true)
    expect(n.increment('k', 5)).toBe(7)
    expect(n.peek('k')).toBe(7)
    expect(n.touch('k', { ttl: 50 })).toBe(true)
    expect(n.expiresIn('k')).toBe(50)
    expect(n.inspect('k')).toMatchObject({ key: 'k', type: 'number', valueBytes: 8, expiresIn: 50 })
    expect(
      n.setMany([
        ['l', 'x'],
        ['m', null, { ttl: 5 }],
      ]),
    ).toEqual([true, true])
    expect([...n.scan()].sort()).toEqual(['k', 'l', 'm'])
    expect(n.deleteMany(['l', 'absent'])).toBe(1)
    expect(() => n.increment('m')).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_NOT_A_NUMBER' }))
    expect(() => n.increment('m')).toThrowError(/entry 'm'/)
    expect(cache.has('k') || cache.has('l') || cache.has('m')).toBe(false)
    expect(n.size).toBe(2)
    expect(cache.size).toBe(2)
  })

  it('take their defaults from the options, else from the cache', () => {
    const short = cache.namespace('short', { ttl: '1m', idle: '30s' })
    const plain = cache.namespace('plain')
    const forever = cache.namespace('forever', { ttl: Infinity })
    for (const view of [short, plain, forever]) view.set('k', 1)
    expect([short.expiresIn('k'), plain.expiresIn('k'), forever.expiresIn('k')]).toEqual([60_000, 3_600_000, Infinity])
    expect(short.namespace('inner').set('k', 1)).toBe(true)
    expect(short.namespace('inner').expiresIn('k')).toBe(60_000)
    cache.advance('31s')
    expect([short.get('k'), plain.get('k')]).toEqual([undefined, 1])
    const none = cache.namespace('none', { ttl: 0 })
    expect(none.set('k', 1)).toBe(false)
    expect(none.stats().sets.notKept).toBe(1)
    const jittered = cache.namespace('jittered', { ttl: 1000, ttlJitter: 0.5 })
    for (let i = 0; i < 50; i++) {
      jittered.set(`k${i}`, i)
      expect(jittered.expiresIn(`k${i}`)).toBeGreaterThanOrEqual(500)
      expect(jittered.expiresIn(`k${i}`)).toBeLessThanOrEqual(1000)
    }
    const strict = cache.namespace('strict', { codec: 'json' })
    expect(() => strict.set('k', new Map())).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_VALUE' }),
    )
    expect(plain.set('k', new Map())).toBe(true)
  })

  it('are scanned and cleared by themselves; the cache clears and counts all', () => {
    const users = cache.namespace('users')
    const admins = users.namespace('admins')
    cache.set('root', 0)
    for (let i = 0; i < 300; i++) users.set(`u${i}`, { i })
    for (let i = 0; i < 20; i++) admins.set(`a${i}`, { i })
    cache.namespace('others').set('o', 1)
    expect([...cache.scan()]).toEqual(['root'])
    expect([...users.scan()]).toHaveLength(300)
    expect([...users.scan({ prefix: 'u29' })].sort()).toEqual([
      'u29',
      ...Array.from({ length: 10 }, (_, i) => `u29${i}`),
    ])
    expect([...admins.scan()]).toHaveLength(20)
    expect([users.size, admins.size, cache.size]).toEqual([320, 20, 322])
    expect(users.get('u5')).toEqual({ i: 5 })
    users.clear()
    expect([users.size, admins.size, cache.size]).toEqual([0, 0, 2])
    expect([users.get('u5'), admins.get('a5'), cache.get('root')]).toEqual([undefined, undefined, 0])
    users.set('again', 1)
    expect(users.stats().clears).toBe(1)
    cache.clear()
    expect([users.get('again'), cache.size]).toEqual([undefined, 0])
  })

  it('count for themselves', () => {
    const users = cache.namespace<User>('users')
    users.set('a', { name: 'a' })
    users.add('a', { name: 'b' })
    for (let i = 0; i < 100; i++) users.get('a')
    users.get('absent')
    users.getMany(['a', 'absent'])
    users.take('a')
    users.set('a', { name: 'a' })
    users.delete('a')
    expect(users.stats()).toMatchObject({
      version: 1,
      name: 'users',
      overAllThreads: true,
      hits: 101,
      misses: 2,
      hitRatio: 101 / 103,
      sets: { stored: 2, refused: 1, notKept: 0 },
      deleted: 1,
      taken: 1,
      clears: 0,
    })
    expect(cache.namespace('unused').stats()).toMatchObject({ hits: 0, misses: 0, hitRatio: 0 })
    expect(cache.stats()).toMatchObject({ hits: 101, misses: 2 })
  })

  it('work beyond the rows for counters, and with long names', () => {
    const names = [...Array.from({ length: 80 }, (_, i) => `n${i}`), 'x'.repeat(255), 'é'.repeat(100)]
    const views = names.map((name) => cache.namespace(name, { ttl: 1000 }))
    for (const [i, view] of views.entries()) view.set('k', i)
    for (const [i, view] of views.entries()) {
      expect(view.get('k')).toBe(i)
      expect(view.stats()).toMatchObject({ hits: 1, misses: 0, sets: { stored: 1 }, overAllThreads: i < 64 })
    }
    expect(cache.size).toBe(82)
  })

  it('refuse all faults at once', () => {
    const bad = { ttl: 'soon', idle: 0, near: { maxEntries: 0 }, tll: 5, maxBytes: 5 } as object
    expect(() => cache.namespace('', bad)).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_INVALID_OPTION',
        faults: ['name', 'ttl', 'idle', 'near.maxEntries', 'tll', 'maxBytes'].map((path) =>
          expect.objectContaining({ path }),
        ),
      }),
    )
    for (const name of ['a\u001fb', '\ud800', 'x'.repeat(256), 5, undefined]) {
      expect(() => cache.namespace(name as string)).toThrowError(
        expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_OPTION' }),
      )
    }
  })

  it('lists what differs from the defaults that they were made with', () => {
    cache.namespace('users', { ttl: '1m', idle: '5s' })
    expect(() => cache.namespace('users', { ttl: '2m', idle: '6s', ttlJitter: 0 })).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_OPTIONS_DIFFER',
        faults: [expect.objectContaining({ path: 'ttl' }), expect.objectContaining({ path: 'idle' })],
      }),
    )
    const again = cache.namespace('users', { ttl: 60_000 })
    again.set('k', 1)
    expect(again.expiresIn('k')).toBe(60_000)
    // Each view may hold back what it counted.
    if (bench.name !== 'mixed') expect(cache.namespace('users').stats().sets.stored).toBe(1)
  })

  it('count the prefix in the length of keys', () => {
    const n = cache.namespace('n')
    expect(() => n.get('x'.repeat(65_533))).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_KEY' }))
    expect(n.get('x'.repeat(65_532))).toBeUndefined()
    expect(cache.get('x'.repeat(65_535))).toBeUndefined()
    expect(() => cache.get(`\u001f${'x'.repeat(65_534)}`)).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_KEY' }),
    )
    expect(() => n.get('')).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_KEY' }))
  })

  it('never share an entry with a key that looks like theirs', () => {
    const n = cache.namespace('n')
    const m = n.namespace('m')
    const keys = ['k', '\u001f', '\u001f\u001f', '\u001fn\u001fk', 'n\u001fk', '\u001fm\u001fk', '\u001f\u001fm\u001fk']
    const views = [cache, n, m]
    let value = 0
    const expected = new Map<string, number>()
    for (const [i, view] of views.entries()) {
      for (const key of keys) {
        view.set(key, ++value)
        expected.set(`${i}${key}`, value)
      }
    }
    for (const [i, view] of views.entries()) {
      for (const key of keys) expect(view.get(key)).toBe(expected.get(`${i}${key}`))
      expect([...view.scan()].sort()).toEqual([...keys].sort())
      expect([...view.scan({ prefix: '\u001f' })].sort()).toEqual(keys.filter((key) => key.startsWith('\u001f')).sort())
    }
    expect(cache.size).toBe(21)
  })

  it('may have a near cache of their own or none', () => {
    const own = cache.namespace('own', { near: { maxEntries: 2 } })
    const none = cache.namespace('none', { near: false })
    for (const view of [own, none]) for (let i = 0; i < 5; i++) view.set(`k${i}`, { i })
    for (let i = 0; i < 5; i++) own.get(`k${i}`)
    expect(own.stats().near?.entries).toBe(2)
    expect(none.get('k1')).toEqual({ i: 1 })
    expect(none.get('k1')).not.toBe(none.get('k1'))
    expect(none.stats().near).toBeUndefined()
    if (bench.name === 'mixed') return
    expect(own.get('k4')).toBe(own.get('k4'))
    expect(cache.namespace('own').get('k4')).toEqual({ i: 4 })
  })

  it('end with their handle', async () => {
    const users = cache.namespace<User>('users')
    users.set('a', { name: 'a' })
    users.get('a')
    users.get('a')
    await cache.close()
    for (const use of [
      () => users.get('a'),
      () => users.getMany(['a']),
      () => users.set('a', { name: 'b' }),
      () => users.clear(),
      () => users.size,
      () => [...users.scan()],
      () => users.stats(),
      () => users.namespace('inner'),
      () => cache.namespace('more'),
    ]) {
      expect(use).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
    }
  })
})

describe('keys of namespaces', () => {
  it('are told apart and read back, whatever they hold', () => {
    const spaces = [[], ['a'], ['a', 'b'], ['a', 'a'], ['b'], ['ab']].map(
      (names) => new KeySpace(names.reduce((prefix, name) => namespacePrefix(prefix, name), '')),
    )
    const units = ['a', 'b', '\u001f']
    const keys = units.flatMap((x) => [
      x,
      ...units.flatMap((y) => [x + y, ...units.flatMap((z) => [x + y + z, `${x}${y}${z}a`, `${x}${y}${z}\u001f`])]),
    ])
    const seen = new Map<string, string>()
    for (const [i, space] of spaces.entries()) {
      for (const key of keys) {
        const stored = space.encode(key)
        expect(seen.get(stored)).toBeUndefined()
        seen.set(stored, `${i} ${key}`)
        for (const other of spaces) {
          if (!stored.startsWith(other.prefix)) continue
          expect(other.decode(stored)).toBe(other === space ? key : undefined)
        }
        for (const prefix of keys) expect(stored.startsWith(space.encodePrefix(prefix))).toBe(key.startsWith(prefix))
      }
    }
    expect(seen.size).toBe(spaces.length * keys.length)
  })
})
