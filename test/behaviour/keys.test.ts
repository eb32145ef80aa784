import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { suite } from './suite.js'

suite('keys and arguments', (bench) => {
  let cache: Cache
  beforeEach(() => {
    cache = bench.open({ maxBytes: '64mb' })
  })
  afterEach(() => cache.close())

  it('never mixes up two different strings', () => {
    const keys = [
      'a',
      'A',
      'k\u0100',
      'k\u0000',
      'k',
      'é',
      'e\u0301',
      '\ud800',
      '\udc00',
      '\udfff',
      '\ufffd',
      '\ud800\udc00',
      '\udc00\ud800',
      'x\ud800',
      '\u{10000}',
      '\u0000',
      '\u0000\u0000',
      ' ',
      '__proto__',
      'constructor',
      '0',
      '-0',
      'a:b',
      'a',
      ...[62, 63, 64, 65, 66, 255, 256, 257, 4096, 21_845, 65_535].map((length) => 'z'.repeat(length)),
      ...[21, 22, 63, 64, 65, 21_845].map((length) => '語'.repeat(length)),
      `${'z'.repeat(64)}1`,
      `${'z'.repeat(64)}2`,
      `1${'z'.repeat(64)}`,
    ]
    for (const key of keys) expect(cache.set(key, `of ${key}`)).toBe(true)
    expect(cache.size).toBe(new Set(keys).size)
    for (const key of keys) {
      expect(cache.get(key)).toBe(`of ${key}`)
      expect(cache.has(key)).toBe(true)
    }
    expect(cache.getMany(keys)).toEqual(keys.map((key) => `of ${key}`))
    expect([...cache.scan()].sort()).toEqual([...new Set(keys)].sort())
    for (const key of new Set(keys)) expect(cache.take(key)).toBe(`of ${key}`)
    expect(cache.size).toBe(0)
  })

  const badKeys: [string, unknown][] = [
    ['empty', ''],
    ['too long', 'x'.repeat(65_536)],
    ['too long in bytes', '語'.repeat(21_846)],
    ['too long with surrogates', '\ud800'.repeat(21_846)],
    ['a number', 5],
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('k')],
    ['an object', {}],
    ['a String', new String('a')],
    ['a Buffer', Buffer.from('a')],
  ]
  it.each(badKeys)('refuses a bad key everywhere: %s', (_, bad) => {
    const key = bad as string
    const calls: [string, () => unknown][] = [
      ['get', () => cache.get(key)],
      ['peek', () => cache.peek(key)],
      ['has', () => cache.has(key)],
      ['expiresIn', () => cache.expiresIn(key)],
      ['getMany', () => cache.getMany(['good', key])],
      ['set', () => cache.set(key, 1)],
      ['add', () => cache.add(key, 1)],
      ['update', () => cache.update(key, () => 1)],
      ['increment', () => cache.increment(key)],
      ['touch', () => cache.touch(key)],
      ['take', () => cache.take(key)],
      ['delete', () => cache.delete(key)],
      [
        'setMany',
        () =>
          cache.setMany([
            ['good', 1],
            [key, 1],
          ]),
      ],
      ['deleteMany', () => cache.deleteMany(['good', key])],
      ['inspect', () => cache.inspect(key)],
    ]
    for (const [name, call] of calls) {
      expect(call, name).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_KEY' }))
    }
    expect(cache.size).toBe(0)
  })

  it('refuses bad values before anything is touched', () => {
    cache.set('key', 'old')
    for (const value of [undefined, () => 1, Symbol('s'), { a: [() => 1] }, new (class Mine {})()]) {
      for (const call of [
        () => cache.set('key', value),
        () => cache.add('other', value),
        () => cache.setMany([['key', value]]),
      ]) {
        expect(call).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_VALUE' }))
      }
    }
    expect([cache.get('key'), cache.size]).toEqual(['old', 1])
  })

  it('refuses bad options of single calls', () => {
    const bad: [unknown, string][] = [
      [{ ttl: -1 }, 'ttl'],
      [{ ttl: 'soon' }, 'ttl'],
      [{ ttl: Number.NaN }, 'ttl'],
      [{ ttl: null }, 'ttl'],
      [{ ttl: {} }, 'ttl'],
      [{ idle: 0 }, 'idle'],
      [{ idle: -5 }, 'idle'],
      [{ idle: 'x' }, 'idle'],
      [{ tags: 'a' }, 'tags'],
      [{ tags: [5] }, 'tags'],
      [{ tags: [''] }, 'tags'],
      [{ cost: -1 }, 'cost'],
      [{ cost: '5' }, 'cost'],
      [{ TTL: 5 }, 'TTL'],
      [5, '(options)'],
      [null, '(options)'],
      ['5m', '(options)'],
    ]
    cache.set('key', 'old')
    for (const [options, path] of bad) {
      for (const call of [
        () => cache.set('key', 1, options as object),
        () => cache.add('new', 1, options as object),
        () => cache.update('key', () => 1, options as object),
        () => cache.increment('new', 1, options as object),
        () => cache.touch('key', options as object),
      ]) {
        expect(call, JSON.stringify(options)).toThrowError(
          expect.objectContaining({
            code: 'OSTRAKA_ERR_INVALID_OPTION',
            faults: [expect.objectContaining({ path })],
          }),
        )
      }
    }
    expect([cache.get('key'), cache.size]).toEqual(['old', 1])
    expect(cache.set('key', 1, { ttl: undefined, idle: undefined, tags: undefined } as object)).toBe(true)
  })

  it('refuses other bad arguments', () => {
    const calls: (() => unknown)[] = [
      () => cache.getMany('abc' as unknown as string[]),
      () => cache.getMany(undefined as unknown as string[]),
      () => cache.deleteMany({} as unknown as string[]),
      () => cache.setMany(5 as unknown as []),
      () => cache.setMany({ a: 1 } as unknown as []),
      () => cache.setMany(['ab'] as unknown as []),
      () => cache.update('key', 5 as unknown as () => unknown),
      () => cache.increment('key', Number.NaN),
      () => cache.increment('key', '5' as unknown as number),
      () => cache.scan({ prefix: 5 as unknown as string }),
    ]
    for (const call of calls) {
      expect(call, String(call)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }))
    }
    expect(() => cache.advance(5)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOCK' }))
    expect(cache.size).toBe(0)
  })

  it('throws once its own thread has closed it, from every method', async () => {
    const own = bench.open()
    own.set('key', 1)
    const scan = own.scan()
    await own.close()
    await own.close()
    const calls: (() => unknown)[] = [
      () => own.get('key'),
      () => own.peek('key'),
      () => own.has('key'),
      () => own.size,
      () => own.expiresIn('key'),
      () => own.getMany(['key']),
      () => own.set('key', 'text'),
      () => own.set('key', { a: 1 }),
      () => own.add('key', 1),
      () => own.update('key', () => 1),
      () => own.increment('key'),
      () => own.touch('key'),
      () => own.take('key'),
      () => own.delete('key'),
      () => own.setMany([['key', 1]]),
      () => own.deleteMany(['key']),
      () => own.clear(),
      () => own.stats(),
      () => own.inspect('key'),
      () => scan.next(),
      () => own.scan().next(),
    ]
    for (const call of calls) {
      expect(call, String(call)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
    }
  })

  it('notices that a getter of the value closed it', async () => {
    const own = bench.open()
    const closing = {
      get a() {
        void own.close()
        return 1
      },
    }
    expect(() => own.set('key', closing)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
  })

  it('survives a getter that uses the cache', () => {
    const value = {
      before: 'x'.repeat(100),
      get nested() {
        cache.set('inner', { deep: 'y'.repeat(1000) })
        return cache.get<{ deep: string }>('inner')?.deep.length
      },
      after: [1, 2, 3],
    }
    expect(cache.set('outer', value)).toBe(true)
    expect(cache.get('outer')).toEqual({ before: 'x'.repeat(100), nested: 1000, after: [1, 2, 3] })
  })

  it('can be disposed of', async () => {
    const own = bench.open()
    own[Symbol.dispose]()
    await own[Symbol.asyncDispose]()
    expect(bench.name === 'mixed' || throws(() => own.get('key'))).toBe(true)
    await own.close()
  })
})

function throws(call: () => unknown): boolean {
  try {
    call()
    return false
  } catch {
    return true
  }
}
