import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { suite } from './suite.js'

suite('expiry by a manual clock', (bench) => {
  let cache: Cache
  beforeEach(() => {
    cache = bench.open({ maxBytes: '8mb', clock: 'manual' })
  })
  afterEach(() => cache.close())

  it('ends exactly when the time is over', () => {
    cache.set('short', 'a', { ttl: 100 })
    cache.set('long', { b: 1 }, { ttl: '1h' })
    cache.set('ever', 'c')
    expect([cache.expiresIn('short'), cache.expiresIn('long'), cache.expiresIn('ever')]).toEqual([
      100,
      3_600_000,
      Infinity,
    ])
    cache.advance(99)
    expect([cache.get('short'), cache.expiresIn('short'), cache.size]).toEqual(['a', 1, 3])
    cache.advance(1)
    expect([cache.get('short'), cache.peek('short'), cache.has('short')]).toEqual([undefined, undefined, false])
    expect(cache.expiresIn('short')).toBeUndefined()
    expect(cache.inspect('short')).toBeUndefined()
    expect([cache.delete('short'), cache.touch('short', { ttl: 5 })]).toEqual([false, false])
    expect(cache.take('short')).toBeUndefined()
    expect(cache.getMany(['short', 'long', 'ever'])).toEqual([undefined, { b: 1 }, 'c'])
    expect([...cache.scan()].sort()).toEqual(['ever', 'long'])
    cache.advance('1h')
    expect([cache.get('long'), cache.get('ever')]).toEqual([undefined, 'c'])
    expect(cache.stats().expired).toBeGreaterThan(0)
  })

  it('keeps short times exact after days in which nothing else was stored', () => {
    cache.set('first', 'x')
    for (const days of [4, 40, 400]) {
      cache.advance(`${days}d`)
      cache.advance(13)
      cache.set('short', 'y', { ttl: 10 })
      expect(cache.expiresIn('short')).toBe(10)
      cache.advance(9)
      expect(cache.get('short')).toBe('y')
      cache.set('idle', 'z', { idle: 10 })
      expect(cache.touch('idle', { ttl: 7 })).toBe(true)
      expect(cache.expiresIn('idle')).toBe(7)
    }
  })

  it('makes room for add, update and increment', () => {
    cache.set('a', 'old', { ttl: 10 })
    cache.set('n', 5, { ttl: 10 })
    cache.set('u', 'old', { ttl: 10 })
    expect(cache.add('a', 'new')).toBe(false)
    cache.advance(10)
    expect(cache.add('a', 'new')).toBe(true)
    expect(cache.increment('n', 1)).toBe(1)
    let seen: unknown = 'nothing yet'
    cache.update('u', (old) => {
      seen = old
      return 'new'
    })
    expect([cache.get('a'), cache.get('n'), cache.get('u'), seen]).toEqual(['new', 1, 'new', undefined])
    expect(cache.expiresIn('a')).toBe(Infinity)
  })

  it('has 0 mean "do not keep"', () => {
    cache.set('a', 'old')
    expect(cache.set('a', 'new', { ttl: 0 })).toBe(false)
    expect([cache.has('a'), cache.size]).toEqual([false, 0])
    expect(cache.set('a', { b: 1 }, { ttl: '0ms' })).toBe(false)
    cache.set('a', 'old')
    expect(cache.add('a', 'new', { ttl: 0 })).toBe(false)
    expect(cache.get('a')).toBe('old')
    expect(cache.add('b', 'new', { ttl: 0 })).toBe(false)
    expect(cache.increment('c', 1, { ttl: 0 })).toBeUndefined()
    expect(cache.update('d', () => 'new', { ttl: 0 })).toBe(false)
    expect(cache.update('a', () => 'new', { ttl: 0 })).toBe(false)
    expect(cache.size).toBe(0)
    cache.set('a', 'old')
    expect(cache.touch('a', { ttl: 0 })).toBe(true)
    expect([cache.has('a'), cache.has('b'), cache.size]).toEqual([false, false, 0])
    expect(cache.set('a', 1, { ttl: 0.5 })).toBe(false)
    expect(cache.set('a', 1, { ttl: 1.9 })).toBe(true)
    expect(cache.expiresIn('a')).toBe(1)
  })

  it('has no upper bound', () => {
    const times: [string | number, number][] = [
      ['25d', 25 * 86_400_000],
      ['100y', 100 * 31_557_600_000],
      [2 ** 31, 2 ** 31],
      [2 ** 32 + 1, 2 ** 32 + 1],
      [2 ** 40, 2 ** 40],
    ]
    for (const [ttl, milliseconds] of times) {
      expect(cache.set('key', 1, { ttl })).toBe(true)
      const left = cache.expiresIn('key') ?? 0
      // Long times are kept with 30 bits of precision, rounded down.
      expect(left).toBeLessThanOrEqual(milliseconds)
      expect(left).toBeGreaterThan(milliseconds * (1 - 2 ** -24) - 64)
    }
    for (const ttl of [Infinity, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 2 ** 47]) {
      expect(cache.set('key', 1, { ttl })).toBe(true)
      expect(cache.expiresIn('key')).toBe(Infinity)
    }
    cache.set('month', 'x', { ttl: '25d' })
    cache.advance('24d')
    expect(cache.get('month')).toBe('x')
    cache.advance('1d')
    expect(cache.get('month')).toBeUndefined()
    cache.set('afterwards', 'y', { ttl: 10 })
    cache.advance('20d')
    expect(cache.get('afterwards')).toBeUndefined()
    // A thread that has not written for weeks goes on in a chunk of memory opened long ago, where times are kept to 64 ms: rounded
    // down, so that nothing lives too long.
    cache.set('much later', 'z', { ttl: 1000 })
    expect(cache.get('much later')).toBe('z')
    expect(cache.expiresIn('much later')).toBeLessThanOrEqual(1000)
    expect(cache.expiresIn('much later')).toBeGreaterThan(930)
    cache.advance(1000)
    expect(cache.get('much later')).toBeUndefined()
  })

  it('is changed by touch and by a new set', () => {
    cache.set('a', { v: 1 }, { ttl: 100 })
    cache.advance(60)
    expect(cache.touch('a', { ttl: 100 })).toBe(true)
    cache.advance(60)
    expect([cache.get('a'), cache.expiresIn('a')]).toEqual([{ v: 1 }, 40])
    expect(cache.touch('a')).toBe(true)
    expect(cache.expiresIn('a')).toBe(Infinity)
    cache.set('a', 2, { ttl: 10 })
    cache.set('a', 3)
    expect(cache.expiresIn('a')).toBe(Infinity)
    expect(cache.touch('none', { ttl: 5 })).toBe(false)
  })

  it('is kept by increment and set anew by update', () => {
    cache.increment('n', 1, { ttl: 100 })
    cache.advance(40)
    cache.increment('n', 1, { ttl: 5000 })
    expect([cache.get('n'), cache.expiresIn('n')]).toEqual([2, 60])
    cache.update<number>('n', (old) => (old ?? 0) + 1, { ttl: 200 })
    expect(cache.expiresIn('n')).toBe(200)
    cache.advance(200)
    expect(cache.increment('n', 1, { ttl: 50 })).toBe(1)
    expect(cache.expiresIn('n')).toBe(50)
  })

  it('forgets what was not used for so long', () => {
    cache.set('idle', 'x', { idle: 100 })
    cache.set('both', 'y', { idle: 100, ttl: 250 })
    for (let i = 0; i < 4; i++) {
      cache.advance(60)
      expect(cache.get('idle')).toBe('x')
      expect(cache.get('both')).toBe('y')
    }
    cache.advance(60)
    expect([cache.get('idle'), cache.get('both')]).toEqual(['x', undefined])
    cache.advance(60)
    // Looking without using does not count.
    expect([cache.peek('idle'), cache.has('idle')]).toEqual(['x', true])
    cache.inspect('idle')
    cache.advance(60)
    expect(cache.get('idle')).toBeUndefined()
  })

  it('counts reading many as use', () => {
    cache.set('a', 'x', { idle: 100 })
    cache.set('b', { y: 1 }, { idle: 100 })
    for (let i = 0; i < 3; i++) {
      cache.advance(60)
      expect(cache.getMany(['a', 'b'])).toEqual(['x', { y: 1 }])
    }
    cache.advance(100)
    expect(cache.getMany(['a', 'b'])).toEqual([undefined, undefined])
  })
})

suite('expiry by default', (bench) => {
  it('takes the options of the cache', async () => {
    const cache = bench.open({ clock: 'manual', ttl: '1s', idle: 300 })
    cache.set('a', 1)
    cache.set('b', 2, { ttl: 5000, idle: Infinity })
    cache.set('c', 3, { ttl: Infinity, idle: Infinity })
    for (let i = 0; i < 4; i++) {
      cache.advance(200)
      expect(cache.get('a')).toBe(1)
    }
    cache.advance(200)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([undefined, 2, 3])
    expect([cache.expiresIn('b'), cache.expiresIn('c')]).toEqual([4000, Infinity])
    await cache.close()
  })

  it('keeps nothing with ttl: 0 as default', async () => {
    const cache = bench.open({ ttl: 0 })
    expect([cache.set('a', 1), cache.set('b', 'text'), cache.add('c', 1), cache.size]).toEqual([false, false, false, 0])
    expect(cache.set('d', 1, { ttl: '1m' })).toBe(true)
    await cache.close()
  })

  it('spreads expiry by jitter, only ever earlier', async () => {
    const cache = bench.open({ clock: 'manual', ttl: 10_000, ttlJitter: 0.2 })
    const left: number[] = []
    for (let i = 0; i < 300; i++) {
      cache.set(`k${i}`, i)
      left.push(cache.expiresIn(`k${i}`) ?? 0)
    }
    expect(Math.max(...left)).toBeLessThanOrEqual(10_000)
    expect(Math.min(...left)).toBeGreaterThanOrEqual(8000)
    expect(Math.max(...left) - Math.min(...left)).toBeGreaterThan(500)
    cache.set('one', 1, { ttl: 1 })
    expect(cache.expiresIn('one')).toBe(1)
    await cache.close()
  })

  it('follows the real clock, also while the thread is busy', async () => {
    const cache = bench.open()
    cache.set('a', 'x', { ttl: 30 })
    cache.set('b', 'y', { ttl: '1h' })
    expect(cache.get('a')).toBe('x')
    const start = performance.now()
    while (performance.now() - start < 60);
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 'y'])
    const left = cache.expiresIn('b') ?? 0
    expect(left).toBeLessThan(3_600_000)
    expect(left).toBeGreaterThan(3_500_000)
    await cache.close()
  })

  it('serves nothing late to a thread that stood still', async () => {
    const cache = bench.open({ near: {} })
    cache.set('object', { near: true }, { ttl: 900 })
    cache.set('string', 'x', { ttl: 900 })
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect([cache.get('object'), cache.get('string')]).toEqual([{ near: true }, 'x'])
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    expect([cache.get('object'), cache.get('string')]).toEqual([undefined, undefined])
    await cache.close()
  })

  it('never tells more time than was given', async () => {
    const cache = bench.open({ maxBytes: '1mb' })
    for (let i = 0; i < 5000; i++) {
      cache.set('key', i, { ttl: 1000 })
      // Each engine rounds to whole milliseconds by itself.
      expect(cache.expiresIn('key')).toBeLessThanOrEqual(bench.name === 'mixed' ? 1001 : 1000)
    }
    await cache.close()
  })
})
