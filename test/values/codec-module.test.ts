// Codecs of a program's own: named by module, loaded by every thread.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { type Cache, createCache } from '../../dist/index.js'

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const file = fixture('codec.mjs')
let opened: Cache[] = []
let names = 0

function open(options: Parameters<typeof createCache>[0]): Cache {
  const cache = createCache({ name: `codec-${names++}`, maxBytes: '1mb', ...options }) as Cache
  opened.push(cache)
  return cache
}

afterEach(async () => {
  await Promise.all(opened.map((cache) => cache.close()))
  opened = []
})

describe.each(['auto', 'js'] as const)('a codec module, engine %s', (engine) => {
  it.each([
    ['an absolute path', file],
    ['a file URL', pathToFileURL(file).href],
  ])('named by %s keeps what it knows', async (_, module) => {
    const cache = open({ engine, codec: { module } })
    const { Money } = createRequire(import.meta.url)(file)
    expect(cache.set('money', new Money(5))).toBe(true)
    expect(cache.set('plain', { a: [1] })).toBe(true)
    const money = cache.get<{ cents: number }>('money')
    expect([money?.constructor.name, money?.cents]).toEqual(['Money', 5])
    expect(cache.get('plain')).toEqual({ a: [1] })
    // Plain values are frozen and shared, others are a copy each time.
    expect(cache.get('plain')).toBe(cache.get('plain'))
    expect(Object.isFrozen(cache.get('plain'))).toBe(true)
    expect(cache.get('money')).not.toBe(money)
    expect(cache.getMany(['money', 'plain'])).toEqual([money, { a: [1] }])
    expect(cache.take('money')).toEqual(money)
    // What needs no codec does not meet it.
    for (const value of ['text', 5, null, true, 10n]) {
      cache.set('other', value)
      expect(cache.get('other')).toBe(value)
    }
    expect(await cache.getOrSet('loaded', () => new Money(7))).toEqual(new Money(7))
    expect(cache.namespace('within').set('money', new Money(8))).toBe(true)
    expect(cache.namespace('within').get('money')).toEqual(new Money(8))
  })

  it('is loaded by every thread that finds the cache', async () => {
    const cache = open({ engine, codec: { module: file } })
    const { Money } = createRequire(import.meta.url)(file)
    cache.set('money', new Money(9))
    cache.set('plain', { b: 2 })
    const worker = new Worker(fixture('codec-reader.mjs'), { workerData: cache.name })
    expect((await once(worker, 'message'))[0]).toEqual(['Money', 9, { b: 2 }])
    await once(worker, 'exit')
  })

  it('passes on what the module throws, and changes nothing', () => {
    const cache = open({ engine, codec: { module: file } })
    cache.set('key', 'old')
    expect(() => cache.set('key', { refused: true })).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_INVALID_VALUE',
        cause: expect.objectContaining({ message: 'not that one' }),
      }),
    )
    for (const value of [{ wrong: true }, undefined, () => 1, Symbol('s')]) {
      expect(() => cache.set('key', value)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_VALUE' }))
    }
    expect(cache.get('key')).toBe('old')
  })

  it('is compared between those who open the cache', () => {
    const cache = open({ engine, codec: { module: file } })
    expect(() => createCache({ name: cache.name, codec: 'json' })).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_OPTIONS_DIFFER' }),
    )
    const again = createCache({ name: cache.name, codec: { module: file } }) as Cache
    opened.push(again)
    expect(again.set('plain', [1])).toBe(true)
  })

  it.each([
    ['is not there', path.join(path.dirname(file), 'none.mjs')],
    ['is a package that is not there', 'ostraka-no-such-codec'],
    ['exports no codec', fixture('codec-reader.mjs').replace('codec-reader', 'no-codec')],
  ])('says so where the module %s', (_, module) => {
    expect(() => open({ engine, codec: { module } })).toThrowError(
      expect.objectContaining({
        code: 'OSTRAKA_ERR_INVALID_OPTION',
        faults: [expect.objectContaining({ path: 'codec.module' })],
      }),
    )
  })

  it.each([{ module: './relative.mjs' }, { module: '' }, { module: 5 }, {}, { module: file, more: 1 }, 'cbor'])(
    'refuses %j',
    (codec) => {
      expect(() => open({ engine, codec: codec as never })).toThrowError(
        expect.objectContaining({
          code: 'OSTRAKA_ERR_INVALID_OPTION',
          faults: [expect.objectContaining({ path: 'codec' })],
        }),
      )
    },
  )
})
